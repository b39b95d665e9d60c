"""The awaiting client tries again what may pass, and ends with what the desk said last."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from core.client.awaiting import AsyncOpenbellClient
from core.client.calls import Patience
from core.errors import OpenbellError


def client(
    answers: Iterator[httpx.Response | Exception], waits: list[float]
) -> AsyncOpenbellClient:
    """A client whose desk answers as told; `waits` gets each pause, none is made."""

    def answer(_: httpx.Request) -> httpx.Response:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return AsyncOpenbellClient(
        "http://desk.test",
        "obt_x",
        patience=Patience(retries=2),
        transport=httpx.MockTransport(answer),
        sleep=sleep,
    )


def data(value: int) -> httpx.Response:
    return httpx.Response(200, json={"data": {"value": value}})


async def test_what_passes_is_tried_again_after_what_the_desk_asks_for() -> None:
    """Busy, then gone, then there."""
    waits: list[float] = []
    busy = httpx.Response(503, headers={"Retry-After": "3"}, json={"title": "busy"})
    async with client(iter([busy, httpx.ConnectError("refused"), data(7)]), waits) as desk:
        assert (await desk.get("/things"))["value"] == 7
    assert waits[0] == 3.0
    assert len(waits) == 2


@pytest.mark.parametrize("last", [httpx.Response(503, json={}), httpx.ConnectError("refused")])
async def test_the_last_try_tells(last: httpx.Response | Exception) -> None:
    """After it nobody waits any more."""
    waits: list[float] = []
    busy = [httpx.Response(503, json={}), httpx.Response(503, json={})]
    async with client(iter([*busy, last]), waits) as desk:
        with pytest.raises(OpenbellError):
            await desk.get("/things")
    assert len(waits) == 2


async def test_what_is_refused_is_not_tried_again() -> None:
    """It would be refused again."""
    waits: list[float] = []
    async with client(iter([httpx.Response(404, json={"title": "no"})]), waits) as desk:
        with pytest.raises(OpenbellError):
            await desk.get("/things")
    assert waits == []
