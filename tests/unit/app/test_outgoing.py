"""The messages of a run arrive whole, in order and in few writes, with every kind of browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvicorn
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.session_manager import SessionClientDisconnectedError
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.uri import parse_uri

from app.outgoing import MOST_WAITING, TOGETHER, Frames, WholeRuns

SIZES = (0, 1, 125, 126, 65_535, 65_536, 200_000)  # around each form of a frame's head


class Wire(asyncio.Transport):
    """A connection whose other end is a client in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, parts: Any) -> None:
        self.writes.append(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def _opened(app: Any, *, deflate: bool = False) -> tuple[Frames, Wire, ClientProtocol]:
    """A handshake of a client with the application, on this loop."""
    config = uvicorn.Config(app, ws_ping_interval=None, log_config=None, lifespan="off")
    config.load()
    frames, wire = Frames(config, ServerState(), {}), Wire()
    frames.connection_made(wire)
    wanted = [ClientPerMessageDeflateFactory()] if deflate else None
    client = ClientProtocol(parse_uri("ws://desk/_stcore/stream"), extensions=wanted)
    client.send_request(client.connect())
    frames.data_received(b"".join(client.data_to_send()))
    return frames, wire, client


def _heard(wire: Wire, client: ClientProtocol) -> list[bytes]:
    """The messages that the client has read so far."""
    client.receive_data(b"".join(wire.writes))
    wire.writes.clear()
    return [bytes(e.data) for e in client.events_received() if isinstance(e, Frame)]


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0)


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


@pytest.mark.parametrize("deflate", [False, True])
def test_many_messages_are_one_write_and_arrive_as_they_were(deflate: bool) -> None:
    """Of every length of a head, also to a browser that wants them packed."""
    payloads = [bytes([n % 251]) * size for n, size in enumerate(SIZES)]
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await scope["extensions"][TOGETHER](payloads)
        done.set()
        await receive()

    async def main() -> None:
        frames, wire, client = _opened(app, deflate=deflate)
        await asyncio.wait_for(done.wait(), 20)
        assert len(wire.writes) == 2  # the handshake's answer, and all the rest
        assert _heard(wire, client) == payloads
        assert bool(frames.conn.extensions) == deflate
        frames.connection_lost(None)

    _run(main)


def test_after_the_end_nothing_is_written() -> None:
    """Of a desk that has closed, and of a browser that has gone."""
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1012})
        try:
            await scope["extensions"][TOGETHER]([b"late"])
        except ClientDisconnected:
            told.append(scope["path"])

    async def main() -> None:
        frames, wire, _ = _opened(app)
        await _until(lambda: bool(told))
        assert b"late" not in b"".join(wire.writes)
        frames.connection_lost(None)
        with pytest.raises(ClientDisconnected):
            await frames.send_together([b"later"])

    _run(main)


class Browser:
    """What a session's end knows of its WebSocket."""

    def __init__(self, *, together: bool = True) -> None:
        self.batches: list[list[bytes]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.error: Exception | None = None
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        self.client = None
        self.scope: dict[str, Any] = {"extensions": {TOGETHER: self.take} if together else {}}

    async def take(self, batch: Any) -> None:
        await self.free.wait()
        if self.error:
            raise self.error
        self.batches.append(list(batch))

    async def send_bytes(self, payload: bytes) -> None:
        await self.take([payload])


def _message(number: int) -> ForwardMsg:
    return ForwardMsg(hash=str(number))


def _numbers(batch: list[bytes]) -> list[int]:
    return [int(ForwardMsg.FromString(payload).hash) for payload in batch]


@pytest.mark.parametrize("together", [True, False])
def test_a_run_is_one_batch_and_the_next_another(together: bool) -> None:
    """Streamlit gives the loop a turn after each message; over a plain server they go singly."""

    async def main() -> None:
        browser = Browser(together=together)
        session = WholeRuns(browser)
        for first in (0, 20):
            for number in range(first, first + 20):
                session.write_forward_msg(_message(number))
                await asyncio.sleep(0)
            await _until(lambda: sum(map(len, browser.batches)) == first + 20)  # noqa: B023
        assert [n for batch in browser.batches for n in _numbers(batch)] == list(range(40))
        assert len(browser.batches) == (2 if together else 40)
        await session.aclose()
        with pytest.raises(SessionClientDisconnectedError):
            session.write_forward_msg(_message(0))

    _run(main)


def test_what_comes_while_a_browser_is_slow_is_kept_up_to_a_bound() -> None:
    """Then it is cut off, as Streamlit does, before its messages fill the memory."""

    async def main() -> None:
        browser = Browser()
        session = WholeRuns(browser)
        session.write_forward_msg(_message(0))
        browser.free.clear()
        await _until(lambda: not session._waiting)
        for number in range(1, MOST_WAITING + 1):
            session.write_forward_msg(_message(number))
        browser.free.set()
        await _until(lambda: sum(map(len, browser.batches)) == MOST_WAITING + 1)
        assert [n for b in browser.batches for n in _numbers(b)] == list(range(MOST_WAITING + 1))
        browser.free.clear()
        with pytest.raises(SessionClientDisconnectedError):
            for number in range(2 * MOST_WAITING + 2):
                session.write_forward_msg(_message(number))
        await session.aclose()

    _run(main)


@pytest.mark.parametrize("error", [ClientDisconnected(), RuntimeError("broken")])
def test_a_browser_that_is_gone_is_noticed(error: Exception) -> None:
    """The runtime hears of it at the next message and lets the session go."""

    async def main() -> None:
        browser = Browser()
        browser.error = error
        session = WholeRuns(browser)
        session.write_forward_msg(_message(0))
        await _until(session._closed.is_set)
        with pytest.raises(SessionClientDisconnectedError):
            session.write_forward_msg(_message(1))
        await session.aclose()

    _run(main)


async def test_a_refused_handshake_is_no_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Any stranger can bring one about; what fails on our side still is one."""

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        head = {"type": "websocket.http.response.start", "status": 401, "headers": []}
        await send(head)
        await send({"type": "websocket.http.response.body", "body": b"sign ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"in"})

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        """Answers nothing."""

    for app, errors in ((refuse, 0), (silent, 1)):
        caplog.clear()
        frames, wire, _ = _opened(app)
        await asyncio.gather(*frames.tasks)
        assert wire.closed
        assert len([one for one in caplog.records if one.levelname == "ERROR"]) == errors
        answer = b"".join(wire.writes)
        assert answer.startswith(b"HTTP/1.1 401 " if not errors else b"HTTP/1.1 500 ")
