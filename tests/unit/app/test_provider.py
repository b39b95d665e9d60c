"""Signing in at an OpenID provider: back at the view asked for, with the role of groups."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.doors import limits, middleware, sign_in
from app.doors.credentials import COOKIE
from core import settings
from core.domain.access.principals import LOCAL, Role
from core.errors import SettingsError
from core.service.desk import Desk

with warnings.catch_warnings():  # the stand-in's own use of what its library retires
    warnings.simplefilter("ignore")
    import oidc_provider_mock

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
ADA = oidc_provider_mock.User(
    sub="ada", claims={"name": "Ada", "groups": ["everyone", "desk-traders"]}
)
EVE = oidc_provider_mock.User(sub="eve", claims={"name": "Eve", "groups": ["elsewhere"]})
ROLES = "desk-traders=trader, everyone=viewer"
VIEW = "/plans?symbol=AAA&view=Waiting"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider on loopback that knows two people."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with oidc_provider_mock.run_server_in_thread(user_claims=[ADA, EVE]) as server:
            yield f"http://localhost:{server.server_port}"


@pytest.fixture
def shared(make_desk: Callable[..., Desk], issuer: str) -> Desk:
    """A desk whose people sign in there."""
    return make_desk(
        access="oidc", oidc_issuer=issuer, oidc_client_id="desk", oidc_client_secret="s",
        oidc_roles=ROLES,
    )  # fmt: skip


async def _page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("let in")


def browser(desk: Desk, house: middleware.House | None = None) -> httpx.AsyncClient:
    """A browser in front of the desk's doors."""
    house = house or middleware.house(desk)
    inner = Starlette(routes=[*sign_in.routes(lambda: house), Route("/{path:path}", _page)])
    doors: Any = middleware.Doors(inner, lambda: house)
    transport = httpx.ASGITransport(doors, client=("10.0.0.7", 1))
    headers = {"Accept": "text/html"}
    return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)


async def at_provider(url: str, sub: str) -> str:
    """Sign in there as somebody; where the provider sends the browser back to."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(url, data={"sub": sub})
    assert answer.status_code in (302, 303), answer.text
    return answer.headers["location"]


async def signing_in(client: httpx.AsyncClient, sub: str, view: str = VIEW) -> httpx.Response:
    """The whole way from a deep link to the answer of the desk after the provider's."""
    first = await client.get(view)
    assert first.status_code == 303
    page = await client.get(first.headers["location"])
    target = re.search(r'href="(/sign-in/provider[^"]*)"', page.text)
    assert target is not None
    leaving = await client.get(target[1])
    back = await at_provider(leaving.headers["location"], sub)
    return await client.get(back.removeprefix("http://desk"))


async def test_a_deep_link_leads_back_to_its_very_view(shared: Desk) -> None:
    """With a session, the name and the highest role of the groups."""
    async with browser(shared) as client:
        answer = await signing_in(client, "ada")
        assert (answer.status_code, answer.headers["location"]) == (303, VIEW)
        assert (await client.get(VIEW)).text == "let in"
        (person,) = shared.roster.people()
        assert (person.name, person.role) == ("Ada", Role.TRADER)
        shared.roster.set_role(person.issuer, "ada", "", None, LOCAL)  # withdrawn: at once
        assert (await client.get(VIEW)).status_code == 303
        await signing_in(client, "ada")
        assert (await client.get(VIEW)).status_code == 303  # an admin's word stands above groups


async def test_tabs_that_sign_in_side_by_side_each_come_back_to_their_view(shared: Desk) -> None:
    """Whichever is through first: the later one had taken the cookie of the one before."""
    views = ["/plans", VIEW, "/journal"]
    async with browser(shared) as client:
        begun = [await client.get("/sign-in/provider", params={"next": view}) for view in views]
        for view, leaving in reversed(list(zip(views, begun, strict=True))):
            back = await at_provider(leaving.headers["location"], "ada")
            answer = await client.get(back.removeprefix("http://desk"))
            assert (answer.status_code, answer.headers.get("location")) == (303, view)
        assert [name for name in client.cookies if name != COOKIE] == []
    assert len(shared.roster.sessions()) == 1


async def test_over_tls_both_cookies_travel_over_tls_alone(shared: Desk) -> None:
    """The state that a sign-in brings back as well as the session."""
    async with browser(shared) as client:
        for scheme in ("http", "https"):
            begun = await client.get(f"{scheme}://desk/sign-in/provider?next=/plans")
            told = begun.headers["set-cookie"]
            assert ("Secure" in told, "HttpOnly" in told) == (scheme == "https", True)
        back = await at_provider(begun.headers["location"], "ada")
        assert "Secure" in (await client.get(back)).headers["set-cookie"]


async def test_who_has_no_role_is_told_and_not_let_in(shared: Desk) -> None:
    """Known by name, so that an admin can give one."""
    async with browser(shared) as client:
        answer = await signing_in(client, "eve")
        assert (answer.status_code, COOKIE in answer.cookies) == (401, False)
        assert "Eve has no role on this desk. Ask an admin of the desk for one." in answer.text
        assert answer.text.count(quote(VIEW, safe="")) == 1  # with a role they go on to the view
        assert f'name="next" value="{html.escape(VIEW)}"' in answer.text
    assert [person.role for person in shared.roster.people()] == [None]


async def test_after_a_wrong_token_the_provider_is_still_there(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the view that was asked for, as before; too many are told so there."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    async with browser(shared) as client:
        for status in (*[401] * limits.WRONG_A_MINUTE, 429):
            answer = await client.post("/sign-in", data={"token": "obt_x", "next": VIEW})
            assert answer.status_code == status
            assert f"/sign-in/provider?next={quote(VIEW, safe='')}" in answer.text
        assert answer.headers["retry-after"] == "60"
        assert "Too many wrong tokens came from this address. Ask again in a minute" in answer.text


async def test_signing_out_ends_the_session(shared: Desk) -> None:
    """The next view asks to sign in again."""
    async with browser(shared) as client:
        await signing_in(client, "ada")
        await client.get("/sign-out")
        assert shared.roster.sessions() == []
        assert (await client.get(VIEW)).status_code == 303


async def test_an_answer_counts_once_and_in_its_own_browser_only(shared: Desk) -> None:
    """Neither again, nor where another began, nor one that nobody began."""
    house = middleware.house(shared)
    async with browser(shared, house) as client, browser(shared, house) as other:
        leaving = await client.get("/sign-in/provider")
        back = (await at_provider(leaving.headers["location"], "ada")).removeprefix("http://desk")
        assert (await other.get(back)).status_code == 401
        assert (await client.get(back)).status_code == 401  # that try has used it up
        assert (await client.get("/sign-in/back?code=x&state=y")).status_code == 401
    assert shared.roster.sessions() == []


async def test_sign_ins_that_come_to_nothing_are_counted_as_wrong_tokens(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can send them: they write nothing, but that it goes on is told once."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    async with browser(shared) as client:
        back = [
            (await client.get(f"/sign-in/back?code=x&state={number}")).status_code
            for number in range(60)
        ]
    assert (back.count(401), back.count(429)) == (20, 40)
    kept = shared.warehouse.read("SELECT detail FROM access_audit WHERE outcome = 'refused'")
    assert kept.height == 1


async def test_the_word_of_another_provider_does_not_count(
    make_desk: Callable[..., Desk], issuer: str
) -> None:
    """An ID token for another client, and a provider that calls itself otherwise."""
    chosen = {"access": "oidc", "oidc_client_id": "desk", "oidc_roles": ROLES}
    desk = make_desk(**chosen, oidc_issuer=f"{issuer}/")
    async with browser(desk) as client:
        answer = await client.get("/sign-in/provider")
    assert (answer.status_code, "calls itself" in answer.text) == (503, True)


async def test_a_sign_in_names_what_it_needs_and_no_view_elsewhere(shared: Desk) -> None:
    """PKCE, state and nonce in the request; a foreign view is left out."""
    async with browser(shared) as client:
        leaving = await client.get("/sign-in/provider?next=https://evil.example/")
        asked = parse_qs(urlsplit(leaving.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} <= set(asked)
        assert asked["redirect_uri"] == ["http://desk/sign-in/back"]
        back = await at_provider(leaving.headers["location"], "ada")
        answer = await client.get(back.removeprefix("http://desk"))
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_client_id": "x", "oidc_roles": "a=viewer"},
        {"oidc_issuer": "http://login.example", "oidc_client_id": "x", "oidc_roles": "a=viewer"},
        {"oidc_issuer": "https://login.example", "oidc_client_id": "x", "oidc_roles": "viewer"},
        {"oidc_issuer": "https://login.example", "oidc_client_id": "x", "oidc_roles": "a=king"},
    ],
)
def test_half_a_provider_is_no_setting(given: dict[str, str]) -> None:
    """Without an issuer, over a wire that others read, and roles that there are not."""
    with pytest.raises(SettingsError):
        settings.load(access="oidc", **given)
