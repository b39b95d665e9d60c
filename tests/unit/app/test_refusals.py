"""Whatever refuses a call of the API, before any route hears of it, too: a problem document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app import gate, senders
from app.api import problems
from app.doors import middleware
from core.observe.sparing import Sparing
from core.service.desk import Desk
from tests import api_desk
from tests.unit.app.test_doors import Visited

LONG = {"X-Long": "x" * senders.HEAD_BYTES}
TOKEN = {"Authorization": "Bearer obt_x"}


@pytest.fixture
def served(make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk with all of its layers."""
    monkeypatch.setattr("app.doors.middleware.anyio.sleep", _at_once)
    for layer in (gate, senders, middleware):
        monkeypatch.setattr(layer, "log", Sparing(layer.__name__))
    inner = Visited(make_desk(access="token", **api_desk.RATES))
    return gate.Gate(senders.Bounded(inner.app, most_bytes=1000), ("desk",))


async def _at_once(_: float) -> None:
    """No pause."""


@pytest.mark.parametrize(
    ("status", "given"),
    [
        (400, {"headers": {"Host": "evil.example"}}),
        (403, {"headers": {"Origin": "http://evil.example"}}),
        (413, {"content": b"x" * 1001}),
        (431, {"headers": LONG}),
        (401, {"headers": TOKEN}),
        (401, {}),
    ],
)
async def test_it_is_a_problem_with_a_hint_and_the_id_of_the_log(
    served: Any, status: int, given: dict[str, Any]
) -> None:
    """Of a path of the API; the id is that of the header and, where one is written, of a line."""
    transport = httpx.ASGITransport(served, client=("10.0.0.7", 5000))
    with capture_logs([merge_contextvars]) as lines:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            answer = await client.post("/api/v1/plans", **given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == problems.MEDIA
    told = answer.json()
    assert (told["status"], told["success"], told["instance"]) == (status, False, "/api/v1/plans")
    assert told["hint"]
    assert told["correlation_id"] == answer.headers["x-correlation-id"]
    assert {line.get("correlation_id") for line in lines} <= {told["correlation_id"]}
    assert lines or status == 401


async def test_to_others_than_the_api_it_is_a_sentence(served: Any) -> None:
    """In a browser."""
    transport = httpx.ASGITransport(served, client=("10.0.0.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        answer = await client.get("/overview", headers={"Host": "evil.example"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert "OPENBELL_ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("status", sorted({*(code for _, code in problems.STATUS), 405, 400}))
def test_every_status_has_a_hint(status: int) -> None:
    """Of its own, where the error has none."""
    assert f'"status":{status},'.encode() in problems.of_status(status, "/api/v1/x")
    assert b'"hint":null,"correlation_id"' not in problems.of_status(status, "/api/v1/x")
