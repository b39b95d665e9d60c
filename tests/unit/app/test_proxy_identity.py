"""Who a proxy says has signed in: believed from listed addresses alone, and only when asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from app.doors import middleware
from core import settings
from core.domain.access.principals import LOCAL, PROXY, Role
from core.errors import NotFoundError, SettingsError
from core.service.access.admin import set_role
from core.service.desk import Desk
from core.service.kernel import access
from tests import api_desk

INSIDE, OUTSIDE = "10.0.0.2", "10.0.0.9"
CHOSEN: dict[str, Any] = {
    "access": "token",
    "trusted_proxies": f"{INSIDE}, 192.0.2.0/24",
    "proxy_user_header": "X-Forwarded-User",
    "oidc_roles": "traders=trader, all=viewer",
}
ADA = [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "all, traders")]


async def _page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("let in")


def caller(desk: Desk, peer: str) -> httpx.AsyncClient:
    """A caller whose connection comes from an address."""
    house = middleware.house(desk)
    inner = Starlette(
        routes=[Mount("/api", app=api_desk.application()), Route("/{path:path}", _page)]
    )
    doors: Any = middleware.Doors(inner, lambda: house)
    transport = httpx.ASGITransport(doors, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://desk")


async def test_a_listed_proxy_is_believed_and_nobody_else(make_desk: Callable[..., Desk]) -> None:
    """With the highest role of the groups; the same header from elsewhere is nothing."""
    desk = make_desk(**CHOSEN)
    async with caller(desk, INSIDE) as proxied, caller(desk, OUTSIDE) as other:
        assert (await proxied.get("/plans", headers=ADA)).text == "let in"
        assert (await other.get("/plans", headers=ADA)).status_code == 401
        assert (await proxied.get("/plans")).status_code == 401
    (person,) = desk.roster.people()
    assert (person.issuer, person.subject, person.role) == (PROXY, "ada", Role.TRADER)


async def test_a_name_longer_than_subjects_are_is_nobody(make_desk: Callable[..., Desk]) -> None:
    """No row of the store grows with what a header holds."""
    desk = make_desk(**CHOSEN)
    async with caller(desk, INSIDE) as proxied:
        for user in ("x" * 256, "a\tb"):
            headers = {"X-Forwarded-User": user, "X-Forwarded-Groups": "all"}
            assert (await proxied.get("/plans", headers=headers)).status_code == 401
    assert desk.roster.people() == []


async def test_of_two_of_one_name_the_subject_is_asked_for(make_desk: Callable[..., Desk]) -> None:
    """Naming the issuer would make a third person of that name."""
    desk = make_desk(**CHOSEN)
    for subject in ("s1", "s2"):
        desk.roster.signed_in("https://login.example", subject, "Ada", Role.VIEWER)
    with access.acting(LOCAL), pytest.raises(NotFoundError) as refused:
        set_role(desk, "Ada", Role.ADMIN)
    assert "subject" in (refused.value.hint or "")


async def test_who_is_shut_out_comes_back_under_no_other_capitals(
    make_desk: Callable[..., Desk],
) -> None:
    """Directories take a name in any; here it is one person, and an admin's word counts."""
    desk = make_desk(**CHOSEN)
    groups = ADA[1]
    async with caller(desk, INSIDE) as proxied:
        assert (await proxied.get("/plans", headers=ADA)).status_code == 200
        with access.acting(LOCAL):
            set_role(desk, "ADA", None, PROXY)
        for name in ("ada", "Ada", "ADA"):
            asked = [("X-Forwarded-User", name), groups]
            assert (await proxied.get("/plans", headers=asked)).status_code == 403
    assert [person.subject for person in desk.roster.people()] == ["ada"]


async def test_what_changes_something_needs_a_token_all_the_same(
    make_desk: Callable[..., Desk],
) -> None:
    """A header that the browser's proxy adds by itself reads, no more."""
    desk = make_desk(**CHOSEN)
    async with caller(desk, INSIDE) as proxied:
        assert (await proxied.get("/api/v1/rules", headers=ADA)).status_code == 200
        assert (await proxied.post("/api/v1/plans", headers=ADA)).status_code == 401


async def test_two_names_are_none_and_so_is_an_odd_one(make_desk: Callable[..., Desk]) -> None:
    """One of two is not the proxy's word."""
    desk = make_desk(**CHOSEN)
    async with caller(desk, INSIDE) as proxied:
        for headers in ([*ADA, ("X-Forwarded-User", "root")], [("X-Forwarded-User", " ")]):
            assert (await proxied.get("/plans", headers=headers)).status_code == 401
    assert desk.roster.people() == []


async def test_a_role_that_was_taken_is_gone_at_once(make_desk: Callable[..., Desk]) -> None:
    """An admin's word stands above the groups that the proxy names."""
    desk = make_desk(**CHOSEN)
    async with caller(desk, INSIDE) as proxied:
        assert (await proxied.get("/plans", headers=ADA)).status_code == 200
        desk.roster.set_role(PROXY, "ada", "", None, LOCAL)
        assert (await proxied.get("/plans", headers=ADA)).status_code == 403


async def test_without_its_setting_no_header_names_anybody(make_desk: Callable[..., Desk]) -> None:
    """A proxy that is there for TLS alone signs nobody in."""
    desk = make_desk(**{**CHOSEN, "proxy_user_header": ""})
    async with caller(desk, INSIDE) as proxied:
        assert (await proxied.get("/plans", headers=ADA)).status_code == 401


@pytest.mark.parametrize("change", [{"access": "open"}, {"trusted_proxies": ""}])
def test_a_header_that_anybody_could_send_is_no_setting(change: dict[str, str]) -> None:
    """Without listed addresses, or where nobody is asked, it is refused at the start."""
    with pytest.raises(SettingsError):
        settings.load(**{**CHOSEN, **change})
