"""What a session is sent: the messages of a page run go out together, in one write.

Streamlit hands a run over as some twenty messages, and each would pass a queue, a task, four
wrappers of `send` and the socket by itself: a third of what a small page costs. `Frames` is the
server's end of a WebSocket, which takes many messages at once; `WholeRuns` is a session's end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from struct import Struct
from typing import Any

from starlette.websockets import WebSocketDisconnect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.runtime_util import serialize_forward_msg
from streamlit.runtime.session_manager import SessionClientDisconnectedError
from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import OPEN

from core.observe import logs

TOGETHER = "openbell.together"  # the extension of a scope that takes many messages at once
MOST_WAITING = 500  # messages to a browser that does not read; Streamlit's own bound
BINARY = 0x82  # the first byte of a whole message of bytes
_short, _middle, _long = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")
Together = Callable[[Sequence[bytes]], Awaitable[None]]
log = logs.get("outgoing")


class Frames(WebSocketsSansIOProtocol):
    """A WebSocket whose application may send many messages in one write."""

    def handle_connect(self, event: Request) -> None:
        """Let the application know of it; a refused handshake has no scope."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[TOGETHER] = self.send_together

    async def send(self, message: Any) -> None:
        """Send a message of ASGI. A handshake that is refused with an answer is complete, too:
        uvicorn would call every one an error of ours in the log, which any stranger can fill.
        """
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete |= not message.get("more_body", False)

    async def send_together(self, payloads: Sequence[bytes]) -> None:
        """Send each as a message of bytes; ClientDisconnected when the other side is not there."""
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not OPEN:
            raise ClientDisconnected
        if self.conn.extensions:  # they may change what is sent
            for payload in payloads:
                self.conn.send_binary(payload)
            self.transport.writelines(self.conn.data_to_send())
        else:
            self.transport.writelines([part for p in payloads for part in (_head(len(p)), p)])


def _head(length: int) -> bytes:
    """The head of a frame from a server: whole, bytes, of that length."""
    if length < 126:
        return _short.pack(BINARY, length)
    if length < 2**16:
        return _middle.pack(BINARY, 126, length)
    return _long.pack(BINARY, 127, length)


class WholeRuns(StarletteSessionClient):
    """A session's browser, which gets what comes in one go as one write.

    Streamlit gives the loop a turn after each message; when a turn has brought no more, what there
    is goes out. Over another server than `Frames` each message is sent by itself, as ever.
    """

    def __init__(self, websocket: Any) -> None:
        self._waiting: list[bytes] = []
        self._seen = 0
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        super().__init__(websocket)

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Take a message; SessionClientDisconnectedError for a browser that is gone or too slow."""
        if self._closed.is_set():
            raise SessionClientDisconnectedError
        if len(self._waiting) >= MOST_WAITING:
            self._closed.set()
            raise SessionClientDisconnectedError
        self._waiting.append(serialize_forward_msg(msg))
        if len(self._waiting) == 1:
            self._seen = 0
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        if len(self._waiting) == self._seen:
            self._ready.set()
            return
        self._seen = len(self._waiting)
        self._loop.call_soon(self._look)

    async def _sender(self) -> None:
        """Send until the browser is gone."""
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                batch, self._waiting = self._waiting, []
                await self._send(batch)
        except (WebSocketDisconnect, OSError):
            pass  # uvicorn's word for a browser that is gone is an OSError
        except Exception:
            log.exception("a session could not be sent to")
        finally:
            self._closed.set()

    async def _send(self, batch: Sequence[bytes]) -> None:
        together: Together | None = self._websocket.scope.get("extensions", {}).get(TOGETHER)
        if together is not None:
            await together(batch)
            return
        for payload in batch:
            await self._websocket.send_bytes(payload)
