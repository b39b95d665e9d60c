"""Requests that are too large or too slow, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from app import senders
from app.senders import Bounded, Protocol


class Quick(Protocol):
    """Gives a head less time than a test has patience."""

    head_seconds = 0.3


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body's length."""
    if scope["type"] != "http":
        return
    body = (await receive())["body"] if scope["method"] == "POST" else b""
    text = str(len(body)).encode()
    headers = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where a server with short limits listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            Bounded(hello, most_bytes=1000, seconds=0.3),
            http=Quick,
            h11_max_incomplete_event_size=senders.HEAD_BYTES,
            lifespan="off",
            log_config=None,
        )
    )
    server.capture_signals = _no_signals  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await task


class _no_signals:  # noqa: N801 - stands for a context manager of uvicorn's
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def _ask(port: int, *parts: bytes) -> bytes:
    """All that comes back for some bytes, until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


async def test_a_sound_request_is_answered(port: int) -> None:
    """With a body in parts, too."""
    answer = await _ask(port, HEAD + b"Content-Length: 4\r\n\r\nab", b"cd")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"4")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"Content-Length: 1001\r\n\r\n", b"413"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1f4\r\n" + b"x" * 500 + b"\r\n"
         + b"1f5\r\n" + b"x" * 501 + b"\r\n", b"413"),
        (HEAD + b"Content-Length: 4\r\n\r\nab", b"408"),
        (HEAD + b"X: " + b"x" * (senders.HEAD_BYTES + 10), b"400"),
    ],
)  # fmt: skip
async def test_too_large_and_too_slow_is_refused(port: int, request_: bytes, status: bytes) -> None:
    """With its status, and the connection is closed."""
    assert (await _ask(port, request_)).startswith(b"HTTP/1.1 " + status)


async def test_headers_that_come_whole_have_a_cap_too() -> None:
    """A head in one packet is never incomplete, so the server's own cap does not see it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    long = (b"x", b"x" * senders.HEAD_BYTES)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"x"), long]}
    await Bounded(hello)(scope, receive, send)
    assert sent[0]["status"] == 431


HALF = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.mark.parametrize(
    ("begun", "told"),
    [(b"", b""), (b"GET / HT", b""), (b"GET / HTTP/1.1\r\nHost: x\r\n", b""), (HALF, b"408")],
)
async def test_half_sent_requests_do_not_pile_up(port: int, begun: bytes, told: bytes) -> None:
    """A hundred of them are all closed, and a sound one is answered beside them."""
    waiting = [asyncio.create_task(_ask(port, begun)) for _ in range(100)]
    answer = await _ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert {answer[9:12] for answer in await asyncio.gather(*waiting)} == {told}


async def test_the_second_request_of_a_connection_has_a_clock_too(port: int) -> None:
    """A half one after a whole one is closed as well."""
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await _ask(port, whole, b"GET / HT")
    assert answer.count(b"HTTP/1.1") == 1
