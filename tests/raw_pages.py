"""Pages without a browser: Streamlit's WebSocket spoken by hand, as one who means harm would.

async with RawPages(base, cookie) as pages:
    drawn = await pages.run("reconciliation")
    await pages.run("reconciliation", press=drawn["Run the checks now"])
"""

from __future__ import annotations

import asyncio
from types import TracebackType

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

DEADLINE = 60.0


class RawPages:
    """One WebSocket; a button is pressed by its id, whether it was drawn here or not.

    `going_on` is the id of a session of pages that it asks to go on with, its own or another's.
    """

    def __init__(self, base: str, cookie: str, going_on: str = "") -> None:
        self.url = base.replace("http", "ws", 1) + "/_stcore/stream"
        self.asked = ["streamlit", "unused", going_on] if going_on else ["streamlit"]
        self.session = ""  # the id that the desk gave
        self.downloads: dict[str, str] = {}  # what files that are made when asked for go by
        self.headers = {"Cookie": cookie} if cookie else {}

    async def __aenter__(self) -> RawPages:
        self._socket = await websockets.connect(
            self.url,
            subprotocols=[Subprotocol(word) for word in self.asked],
            additional_headers=self.headers,
            max_size=None,
            compression=None,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()

    async def run(self, page: str, query: str = "", press: str = "") -> dict[str, str]:
        """Run a page, with a button pressed; the ids of the buttons that it drew, by word."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        if press:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = press, True
        await self._socket.send(message.SerializeToString())
        drawn: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE):
            while True:
                heard = ForwardMsg()
                heard.ParseFromString(bytes(await self._socket.recv()))  # type: ignore[arg-type]
                kind = heard.WhichOneof("type")
                if kind == "new_session":
                    self.session = heard.new_session.initialize.session_id
                if kind == "script_finished":
                    return drawn
                element = heard.delta.new_element if kind == "delta" else None
                what = element.WhichOneof("type") if element is not None else None
                if element is not None and what == "button":
                    drawn[element.button.label] = element.button.id
                if element is not None and what == "download_button":
                    offered = element.download_button
                    self.downloads[offered.label] = offered.deferred_file_id

    async def made(self, file_id: str) -> str:
        """The address of a file that is made now, by what it goes by; empty where it is refused."""
        message = BackMsg()
        asked = message.backend_operation_request
        asked.request_id, asked.session_id = "1", self.session
        asked.deferred_file.file_id = file_id
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(DEADLINE):
            while True:
                heard = ForwardMsg()
                heard.ParseFromString(bytes(await self._socket.recv()))  # type: ignore[arg-type]
                if heard.WhichOneof("type") == "backend_operation_response":
                    return heard.backend_operation_response.deferred_file.url
