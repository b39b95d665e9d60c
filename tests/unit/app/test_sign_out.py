"""Signing out: by the reader's own will alone, not by a link that stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette

from app.doors import middleware, sign_in
from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk


@pytest.mark.parametrize(
    ("where", "method", "ends"),
    [
        ("", "GET", True),
        ("none", "GET", True),  # typed into the address bar
        ("same-origin", "GET", True),
        ("cross-site", "GET", False),
        ("same-site", "GET", False),
        ("same-origin", "POST", True),
    ],
)
async def test_a_link_elsewhere_signs_nobody_out(
    make_desk: Callable[..., Desk], where: str, method: str, ends: bool
) -> None:
    """It leads to a button; browsers say where a request began."""
    desk = make_desk(access="token")
    house = middleware.house(desk)
    desk.roster.add_token("t", Role.VIEWER, None, LOCAL)
    session = desk.roster.begin(desk.roster.tokens()[0].principal)
    inner = Starlette(routes=list(sign_in.routes(lambda: house)))
    transport = httpx.ASGITransport(middleware.Doors(inner, lambda: house), client=("10.0.0.7", 1))
    headers = {"Cookie": f"openbell_session={session}"}
    headers |= {"Sec-Fetch-Site": where} if where else {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers=headers
    ) as client:
        answer = await client.request(method, "/sign-out")
    assert answer.status_code == (303 if ends else 200)
    assert (desk.roster.of_session(session) is None) == ends
    assert ends or 'action="/sign-out"' in answer.text


@pytest.mark.parametrize("view", ["/sign-out", "/sign-out?x=1", "/sign-in", "/sign-in/back?a=b"])
def test_signing_in_leads_to_no_way_in_or_out(view: str) -> None:
    """Whoever sends somebody such a link gains nothing."""
    assert sign_in.asked(view) == "/"
    assert sign_in.asked("/sign-offs?x=1") == "/sign-offs?x=1"
