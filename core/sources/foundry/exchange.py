"""One exchange with the container over a WebSocket: a name and a window go out, a sha256 comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from core.errors import (
    ConnectionLostError,
    DeadlineError,
    OpenbellError,
    ParsingError,
    ProtocolError,
)
from core.sources.foundry import wire
from core.sources.foundry.socket import (
    CLOSE_SECONDS,
    REFUSED,
    Socket,
    SocketAddress,
    SocketClosedError,
)
from core.sources.foundry.wire import Heard
from core.sources.http import permanent, where_of

Tell = Callable[[wire.Frame], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks for one dataset. The caller bounds the whole; the address bounds each silence."""

    address: SocketAddress
    dataset: str

    @property
    def where(self) -> str:
        """Host and path."""
        return where_of(self.address.url)

    async def run(self, start: datetime, end: datetime, heard: Heard, tell: Tell) -> str:
        """The sha256 that the container answers; a typed error for every other end.

        `heard` is filled on the way; `tell` gets each frame.
        """
        request = wire.request(self.dataset, start, end)
        heard.begin()
        try:
            return await self._ask(request, heard, tell)
        except OpenbellError as error:
            if heard.failure:  # the reason: what ends the exchange has a generic sentence only
                error.message = f"{error.message.rstrip('.')}{heard.reason}"
            raise

    async def _ask(self, request: str, heard: Heard, tell: Tell) -> str:
        socket = await self.address.open(self.dataset)
        try:
            await socket.send(request)
            return await self._listen(socket, heard, tell)
        except SocketClosedError as closed:
            raise self._closed(closed.code, heard) from None
        finally:
            await socket.close()

    async def greet(self) -> None:
        """Open the WebSocket and close it again: whether exchanges are taken at all."""
        await (await self.address.open(self.dataset)).close()

    async def _listen(self, socket: Socket, heard: Heard, tell: Tell) -> str:
        while True:
            frame = wire.parse(await socket.text(), where=self.where, dataset=self.dataset)
            heard.note(frame)
            await tell(frame)
            if frame.kind not in ("final", "error"):
                continue
            if frame.datasets is None and frame.kind == "final":
                await self._refusal(socket, frame)
            return wire.pointer(frame, where=self.where, dataset=self.dataset, heard=heard)

    def _closed(self, code: int | None, heard: Heard) -> OpenbellError:
        if code == REFUSED and not heard.accepted:
            return permanent(
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
        try:
            await socket.text(min(CLOSE_SECONDS, self.address.idle_seconds))
        except SocketClosedError as closed:
            if closed.code == REFUSED:
                raise permanent(
                    ProtocolError(
                        f"{self.dataset}: the container refused the request: {frame.message}",
                        where=self.where,
                    )
                ) from None
        except (DeadlineError, ParsingError):
            return  # whatever else follows: the refusal stands
