"""The id of a request: that which was given, else a new one; and what is counted of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.api.correlating import Correlated
from core.observe import logs, work


async def _said(request: Request) -> Response:
    return Response(logs.correlation_id())


async def _broken(request: Request) -> Response:
    raise RuntimeError("broken")


async def _streamed(request: Request) -> Response:
    async def pieces() -> Any:
        yield b"one "
        yield (logs.correlation_id() or "").encode()

    return StreamingResponse(pieces())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """Route, method and status of what was counted."""
    found: list[tuple[str, str, int]] = []
    monkeypatch.setattr(work, "api_request", lambda *given: found.append(given[:3]))
    return found


def client() -> httpx.AsyncClient:
    routes = [Route("/said", _said), Route("/broken", _broken), Route("/streamed", _streamed)]
    app = Starlette(routes=routes, middleware=[Middleware(Correlated)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://desk")


@pytest.mark.parametrize("path", ["/said", "/streamed"])
async def test_a_request_has_the_id_it_came_with(
    path: str, counted: list[tuple[str, str, int]]
) -> None:
    """In its answer and in what is logged meanwhile; one that is none is replaced."""
    async with client() as desk:
        answer = await desk.get(path, headers={"X-Correlation-Id": "abc123"})
        assert answer.headers["x-correlation-id"] == "abc123"
        assert answer.text.endswith("abc123")
        other = await desk.get(path, headers={"X-Correlation-Id": "a\tb" * 30})
        assert other.text.endswith(other.headers["x-correlation-id"])
        assert other.headers["x-correlation-id"] != answer.headers["x-correlation-id"]
    assert counted == [(path, "GET", 200)] * 2


async def test_what_fails_and_what_is_nowhere_is_counted(
    counted: list[tuple[str, str, int]],
) -> None:
    """Once each: a fault as 500, a path that leads nowhere without its name."""
    async with client() as desk:
        assert (await desk.get("/broken")).status_code == 500
        assert (await desk.get("/nowhere")).status_code == 404
    assert counted == [("/broken", "GET", 500), ("none", "GET", 404)]
