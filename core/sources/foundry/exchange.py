"""One exchange with the container over a WebSocket: a name and a window go out, a sha256 comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from yarl import URL

from core.errors import (
    ConnectionLostError,
    DeadlineError,
    OpenbellError,
    ProtocolError,
    SizeLimitError,
)
from core.sources.foundry import wire
from core.sources.http import lasting, transport_errors, where_of

CLOSE_SECONDS = 1.0
REFUSED = 1008
TOO_BIG = 1009
_CLOSED = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)

Socket = aiohttp.ClientWebSocketResponse
Tell = Callable[[wire.Frame], Awaitable[None]]


@dataclass(slots=True)
class Heard:
    """What the container has said so far; it stays known when the exchange breaks off.

    `querying` tells that it asks Foundry for a new version, `failure` what it said went wrong.
    """

    announced_rows: int | None = None
    querying: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks for one dataset. The caller bounds the whole; `idle_seconds` bounds each silence."""

    session: aiohttp.ClientSession
    url: URL
    idle_seconds: float
    dataset: str

    @property
    def where(self) -> str:
        """Host and path."""
        return where_of(self.url)

    async def run(self, start: datetime, end: datetime, heard: Heard, tell: Tell) -> str:
        """The sha256 that the container answers; a typed error for every other end.

        `heard` is filled on the way; `tell` gets each frame.
        """
        request, heard.failure = wire.request(self.dataset, start, end), ""
        try:
            return await self._ask(request, heard, tell)
        except OpenbellError as error:
            if heard.failure:  # the reason: what ends the exchange has a generic sentence only
                error.message = f"{error.message.rstrip('.')} (it said: {heard.failure})"
            raise

    async def _ask(self, request: str, heard: Heard, tell: Tell) -> str:
        socket = await self._connected()
        try:
            with transport_errors(self.dataset, self.where):
                await socket.send_str(request)
            return await self._listen(socket, heard, tell)
        finally:
            await _hang_up(socket)

    async def greet(self) -> None:
        """Open the WebSocket and close it again: whether exchanges are taken at all."""
        await _hang_up(await self._connected())

    async def _connected(self) -> Socket:
        with transport_errors(self.dataset, self.where):
            async with asyncio.timeout(self.idle_seconds):
                return await self.session.ws_connect(
                    self.url,
                    max_msg_size=wire.MAX_FRAME_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )

    async def _listen(self, socket: Socket, heard: Heard, tell: Tell) -> str:
        while True:
            frame = wire.parse(await self._text(socket), where=self.where, dataset=self.dataset)
            self._note(frame, heard)
            await tell(frame)
            if frame.kind not in ("final", "error"):
                continue
            if frame.datasets is None and frame.kind == "final":
                await self._refusal(socket, frame)
            return wire.pointer(frame, where=self.where, dataset=self.dataset)

    def _note(self, frame: wire.Frame, heard: Heard) -> None:
        heard.failure = wire.failure(frame) or heard.failure
        if frame.kind == "update" and frame.success:
            rows = wire.announced_rows(frame.message)
            heard.announced_rows = heard.announced_rows if rows is None else rows
            heard.querying = heard.querying or wire.is_querying(frame.message)

    async def _text(self, socket: Socket) -> str:
        try:
            async with asyncio.timeout(self.idle_seconds):
                message = await socket.receive()
        except TimeoutError:
            raise DeadlineError(
                f"{self.dataset}: the container was silent for {self.idle_seconds:g} seconds",
                where=self.where,
            ) from None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        raise self._unusable(socket, message)

    def _unusable(self, socket: Socket, message: aiohttp.WSMessage) -> OpenbellError:
        """The error that anything but a text message means."""
        if message.type in _CLOSED:
            return self._closed(socket.close_code)
        if message.type is aiohttp.WSMsgType.BINARY:
            return ProtocolError(f"{self.dataset}: a binary frame", where=self.where)
        if getattr(message.data, "code", None) == TOO_BIG:
            return SizeLimitError(
                f"{self.dataset}: a frame is larger than {wire.MAX_FRAME_BYTES} bytes",
                where=self.where,
            )
        return ProtocolError(
            f"{self.dataset}: broken WebSocket data: {str(message.data)[:200]}", where=self.where
        )

    def _closed(self, code: int | None) -> OpenbellError:
        if code == REFUSED:
            return lasting(
                ProtocolError(
                    f"{self.dataset}: the container refused the request (close 1008)",
                    where=self.where,
                )
            )
        return ConnectionLostError(
            f"{self.dataset}: the connection closed before the final frame (code {code})",
            where=self.where,
        )

    async def _refusal(self, socket: Socket, frame: wire.Frame) -> None:
        """A bare `final` that a close 1008 follows says that the request itself was refused."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(CLOSE_SECONDS, self.idle_seconds)):
                follow = await socket.receive()
            if follow.type in _CLOSED and socket.close_code == REFUSED:
                raise lasting(
                    ProtocolError(
                        f"{self.dataset}: the container refused the request: {frame.message}",
                        where=self.where,
                    )
                )


async def _hang_up(socket: Socket) -> None:
    """A server that never answers the close frame must not hold the pull."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close()
