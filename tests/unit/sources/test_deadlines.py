"""Nobody who keeps silent holds a pull: each wait has an end, and calling off ends it at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from core.errors import DeadlineError, OpenbellError, ServerError
from core.sources import http
from core.sources.foundry import socket as sockets
from core.sources.foundry.socket import Socket
from core.sources.retry import Retry

PATIENCE = 60  # seconds, for a machine that is busy elsewhere
SHORT = 0.01


async def for_ever(*_: object, **__: Any) -> Any:
    """What a silent other side does."""
    await asyncio.Event().wait()


class Body:
    """An answer whose body stops coming after so many pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.url = URL("https://www.sec.gov/x")
        self.content_length = None
        self.content = self
        self._pieces = list(pieces)

    async def read(self, size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else await for_ever()


async def test_a_body_that_stops_coming_is_given_up() -> None:
    """After the silence that is allowed, and with the bytes of before handed on."""
    got = []
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DeadlineError, match=r"no answer in time \[www.sec.gov/x\]"):
            body: Any = Body(b"a", b"b")
            async for piece in http.chunks(body, max_bytes=9, idle_seconds=SHORT, what="facts"):
                got.append(piece)
    assert got == [b"a", b"b"]


async def test_an_answer_that_does_not_begin_is_given_up() -> None:
    """The headers have a deadline of their own."""
    session: Any = SimpleNamespace(get=for_ever)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DeadlineError):
            async with http.get(session, "http://h/", "x", headers={}, answer_seconds=SHORT):
                raise AssertionError


class Connection:
    """A WebSocket whose other side says nothing, not even at the end."""

    def __init__(self) -> None:
        self.aborted = 0
        self.transport = SimpleNamespace(abort=self._abort)
        self.close = self.recv = for_ever

    def _abort(self) -> None:
        self.aborted += 1


async def test_a_socket_whose_end_is_not_answered_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing comes to an end, and nothing stays open."""
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", SHORT)
    connection: Any = Connection()
    async with asyncio.timeout(PATIENCE):
        await Socket(connection, 1.0, "d", "h").close()
    assert connection.aborted == 1


async def test_a_socket_that_closes_well_is_not_cut() -> None:
    """The other side has got everything."""
    connection: Any = Connection()

    async def close() -> None:
        return None

    connection.close = close
    await Socket(connection, 1.0, "d", "h").close()
    assert connection.aborted == 0


@pytest.mark.parametrize("seconds", [None, SHORT])
async def test_a_silent_socket_is_given_up(seconds: float | None) -> None:
    """After its own patience, or the shorter one that is asked for."""
    idle = SHORT if seconds is None else 3600.0
    connection: Any = Connection()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DeadlineError, match="silent"):
            await Socket(connection, idle, "d", "h").text(seconds)


async def test_an_opening_that_is_not_answered_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The handshake has the patience of a silence."""
    monkeypatch.setattr(sockets, "_Connect", for_ever)
    address = sockets.SocketAddress(URL("http://h/dataset/get"), {}, True, SHORT)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DeadlineError, match="no answer in time"):
            await address.open("d")


async def test_what_is_called_off_is_not_tried_again() -> None:
    """However many tries are left, while it asks and while it waits for the next try."""
    tries: list[str] = []
    waiting = asyncio.Event()

    async def wait(seconds: float) -> None:
        waiting.set()
        await for_ever()

    async def failing() -> None:
        tries.append("failed")
        raise ServerError("503")

    async def called_off() -> None:
        tries.append("called off")
        raise asyncio.CancelledError

    task = asyncio.create_task(Retry(5, sleep=wait).run(failing))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(asyncio.CancelledError):
        await Retry(5, sleep=wait).run(called_off)
    assert tries == ["failed", "called off"]


@pytest.mark.parametrize("error", [ZeroDivisionError(), OpenbellError("x")])
async def test_only_what_may_pass_is_tried_again(error: Exception) -> None:
    """A mistake of ours is the same the next time."""
    tries = []

    async def failing() -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        await Retry(5, sleep=for_ever).run(failing)
    assert len(tries) == 1
