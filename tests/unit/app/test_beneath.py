"""Addresses beneath a page lead to it; what is served beneath a name stays."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.beneath import Beneath

VISIT = {"accept": "text/html,application/xhtml+xml"}


async def answered(path: str, **headers: str) -> httpx.Response:
    """What a browser is answered at a path."""

    async def page(_: Request) -> Response:
        return PlainTextResponse("a page")

    inside = Starlette(routes=[Route("/{path:path}", page, methods=["GET", "POST"])])
    transport = httpx.ASGITransport(Beneath(inside))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        return await client.get(path, headers=headers or VISIT)


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/symbol/ACME", "/symbol"),
        ("/symbol/?symbol=ACME&within=a+week", "/symbol?symbol=ACME&within=a+week"),
        ("/overview/overview", "/overview"),
        ("/no/such/page", "/no"),
        ("/%5Cevil.example/x", "/%5Cevil.example"),
        ("//evil.example/x", "/"),
    ],
)
async def test_a_visit_beneath_a_page_leads_to_it(asked: str, leads: str) -> None:
    """With the parameters of the address, and never to another host."""
    found = await answered(f"http://desk{asked}")
    assert (found.status_code, found.headers["location"]) == (307, leads)


@pytest.mark.parametrize(
    "asked", ["/", "/symbol", "/symbol?symbol=a/b", "/api/v1/events", "/static/js/a.js", "/media/x"]
)
async def test_what_stands_where_it_is_asked_for_stays(asked: str) -> None:
    """Pages at the top, the API, and the files of the pages."""
    assert (await answered(asked)).text == "a page"


async def test_what_is_no_visit_is_handed_on() -> None:
    """A script beneath a page that is not there is not answered with another page."""
    assert (await answered("/symbol/a.js", accept="*/*")).text == "a page"
