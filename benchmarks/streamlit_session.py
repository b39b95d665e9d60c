"""A browser session without a browser: Streamlit's websocket protocol, spoken by hand."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

DEADLINE = 120.0


class Session:
    """One session on one page: `await session.rerun()` gives the seconds until the run is over."""

    def __init__(self, base: str, page: str = "", query: str = "", cookie: str = "") -> None:
        self.url = base.replace("http", "ws", 1) + "/_stcore/stream"
        self.page, self.query = page, query
        self.headers = {"Cookie": cookie} if cookie else {}
        self.received_bytes = 0
        self.deltas = 0

    async def __aenter__(self) -> Session:
        self._socket = await websockets.connect(
            self.url,
            subprotocols=[Subprotocol("streamlit")],
            additional_headers=self.headers,
            max_size=None,
            compression=None,
            open_timeout=60,
        )
        self.first_seconds = await self.rerun()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()

    async def rerun(self) -> float:
        """Ask for a full run and wait until the script has finished."""
        message = BackMsg()
        message.rerun_script.page_name = self.page
        message.rerun_script.query_string = self.query
        message.rerun_script.context_info.timezone = "UTC"
        self.received_bytes = self.deltas = 0
        began = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(DEADLINE):
            while not self._is_end(await self._socket.recv()):
                pass
        return time.perf_counter() - began

    def _is_end(self, raw: str | bytes) -> bool:
        self.received_bytes += len(raw)
        message = ForwardMsg()
        message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
        kind = message.WhichOneof("type")
        self.deltas += kind == "delta"
        if kind == "page_not_found":
            raise LookupError(f"the desk has no page {self.page!r}")
        return kind == "script_finished"
