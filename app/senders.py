"""Bounds of what a sender may send: how large, and how slowly.

`Protocol` gives the head of a request a few seconds, from the connection's start or the last
answer on, and a size; `Bounded` gives the body both. Half-sent requests so never pile up, and no
page, command or export sees a body before it is whole.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from app import refusals
from app.gate import Application, Message, Receive, Scope, Send
from core.observe import logs
from core.observe.sparing import Sparing

HEAD_BYTES = 32 * 1024
HEAD_SECONDS = 10.0
BODY_BYTES = 1024 * 1024  # no page takes files; queries and arguments are far smaller
BODY_SECONDS = 10.0
TOO_SLOW, TOO_LARGE, TOO_MUCH_HEAD = 408, 413, 431
log = Sparing("senders")


class Protocol(H11Protocol):
    """A connection that is closed when the head of a request does not arrive in time."""

    head_seconds = HEAD_SECONDS
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait for the rest of a head, not for the rest of anything else."""
        super().data_received(data)
        self._wait() if self._headless() else self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop()
        super().connection_lost(exc)

    def _headless(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        if self._clock is None:
            self._clock = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop(self) -> None:
        if self._clock:
            self._clock.cancel()
            self._clock = None

    def _give_up(self) -> None:
        self._clock = None
        if self._headless() and self.transport.get_protocol() in (self, None):
            self.transport.abort()


class Bounded:
    """An ASGI application whose requests arrive whole, small and soon, or are refused."""

    def __init__(
        self, app: Application, *, most_bytes: int = BODY_BYTES, seconds: float = BODY_SECONDS
    ) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then let the application answer."""
        if scope["type"] == "http" and _head_bytes(scope) > HEAD_BYTES:  # whole in one packet
            most = HEAD_BYTES // 1024
            await _refuse(scope, send, TOO_MUCH_HEAD, f"Headers may hold {most} KB at most.")
            return
        if scope["type"] != "http" or not _has_body(scope):
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.seconds):
                body = await self._body(scope, receive)
        except TimeoutError:
            await _refuse(scope, send, TOO_SLOW, "The request did not arrive in time.")
            return
        except OverflowError:
            most = self.most_bytes // 1024
            await _refuse(scope, send, TOO_LARGE, f"A request may hold {most} KB at most.")
            return
        if body is not None:
            await self.app(scope, _replayed(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None when its sender has gone, OverflowError when it is too large."""
        if _announced(scope) > self.most_bytes:
            raise OverflowError
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self.most_bytes:
                raise OverflowError
            if not message.get("more_body", False):
                return b"".join(parts)


def _head_bytes(scope: Scope) -> int:
    return sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names


def _announced(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body in one message, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    with logs.correlated():
        log.warning("request refused", status=status, path=str(scope.get("path"))[:100])
        for part in refusals.started(scope, status, sentence):
            await send(part)
