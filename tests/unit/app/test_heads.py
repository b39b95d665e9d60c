"""HEAD is answered wherever GET is: as GET, without a body, and a stream ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from app.api.heads import allowed
from core.domain.access.principals import Role
from core.service.desk import Desk
from tests import api_desk

PATHS = (
    "/v1/companies",
    "/v1/companies/999",
    "/v1/datasets/prices.daily/rows",
    "/v1/exports/filings",
    "/v1/commands",
    "/v1/events",
    "/v1/nowhere",
    "/health/live",
    "/metrics",
    "/openapi.json",
    "/docs",
)
PASSING = {b"x-correlation-id", b"x-openbell-as-of"}


@pytest.fixture
def shared(make_desk: Callable[..., Desk]) -> Desk:
    """A filled desk that several share."""
    return api_desk.open_desk(make_desk)


async def ask(method: str, path: str, **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body as the server would be given them."""
    sent: list[Any] = []
    given = iter([{"type": "http.request", "body": b""}])

    async def receive() -> dict[str, Any]:
        for message in given:
            return message
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    rest = {"query_string": b"", "headers": told, "client": ("127.0.0.1", 1), "root_path": ""}
    where = {"scheme": "http", "server": ("desk", 80), "http_version": "1.1", "extensions": {}}
    with anyio.fail_after(30):
        await api_desk.application()({**scope, **rest, **where}, receive, send)
    body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    assert sent[-1].get("more_body", False) is False
    return sent[0]["status"], dict(sent[0]["headers"]), body


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_a_body(shared: Desk, path: str) -> None:
    """The same status, type, tag and length; whoever may not ask by GET may not by HEAD."""
    bearer = f"Bearer {api_desk.token(shared, Role.VIEWER)}"
    status, headers, body = await ask("GET", path, authorization=bearer)
    head = await ask("HEAD", path, authorization=bearer)
    assert (head[0], head[2]) == (status, b"")
    lasting = {name: value for name, value in headers.items() if name not in PASSING}
    if path == "/metrics":  # which has counted the first of the two
        lasting.pop(b"content-length")
    assert {name: head[1].get(name) for name in lasting} == lasting
    assert int(headers[b"content-length"]) == len(body) > 0


async def test_a_call_of_nobody_has_no_more_by_head(shared: Desk) -> None:
    """401, as for GET."""
    status, headers, body = await ask("HEAD", "/v1/companies")
    assert (status, body) == (401, b"")
    assert b"www-authenticate" in headers


async def test_a_stream_ends_with_its_headers(shared: Desk) -> None:
    """It would go on for ever: whoever asks for its headers gets them, and is let go."""
    bearer = f"Bearer {api_desk.token(shared, Role.VIEWER)}"
    status, headers, body = await ask(
        "HEAD", "/v1/events", authorization=bearer, accept="text/event-stream"
    )
    assert (status, body) == (200, b"")
    assert headers[b"content-type"].startswith(b"text/event-stream")


async def test_what_only_acts_has_no_head(shared: Desk) -> None:
    """405, and `Allow` tells what there is; of a path that is read it tells of HEAD, too."""
    assert (await ask("HEAD", "/v1/commands/status"))[:2][0] == 405
    status, headers, _ = await ask("DELETE", "/v1/companies")
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")


def test_allow_names_head_beside_get() -> None:
    """Once."""
    assert allowed("GET") == "GET, HEAD"
    assert allowed("POST") == "POST"
    assert allowed("HEAD, GET") == "HEAD, GET"
