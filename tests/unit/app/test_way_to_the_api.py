"""The way of a request to the API: past the layers of the pages, packed where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app import address, asgi
from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk
from tests import api_desk


async def test_the_api_is_answered_without_the_layers_of_the_pages(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would double its time; what is large is packed for who takes it so, as before."""
    desk = make_desk(scheduler=False, access="token")
    token = desk.roster.add_token("t", Role.VIEWER, None, LOCAL)[1]
    app = asgi.create(desk.settings, desk=desk)

    async def pages(*_: object) -> None:
        raise AssertionError("the pages were asked")

    monkeypatch.setattr(app, "_framed", pages)
    async with (
        app.lifespan(None),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as client,
    ):
        told = {"Authorization": f"Bearer {token}"}
        packed = await client.get("/api/v1/glossary", headers=told)
        plain = await client.get(
            "/api/v1/glossary", headers={**told, "Accept-Encoding": "identity"}
        )
    assert packed.status_code == plain.status_code == 200
    assert packed.json()["data"] == plain.json()["data"]
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert "set-cookie" not in packed.headers
    assert packed.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/v1/plans/", "/v1/commands/", "/v1/events/", "/docs/", "/mcp/"])
async def test_a_slash_too_many_leads_nowhere(make_desk: Callable[..., Desk], path: str) -> None:
    """Behind a proxy that speaks TLS a redirect would send the token on over plain HTTP."""
    desk = make_desk(access="token")
    async with api_desk.connected(api_desk.token(desk, Role.VIEWER)) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert answer.json()["success"] is False


def test_the_address_of_a_desk_is_read_anew_when_another_stands_there(tmp_path: Path) -> None:
    """It is asked for with each call, and read once; a desk that begins anew has another token."""
    first = address.announce(tmp_path, "127.0.0.1", 1)
    assert address.read(tmp_path) == first
    second = address.announce(tmp_path, "127.0.0.1", 1)
    assert address.read(tmp_path) == second != first
    address.withdraw(tmp_path)
    assert address.read(tmp_path) is None
    (tmp_path / address.FILE).write_text("{")
    assert address.read(tmp_path) is None
