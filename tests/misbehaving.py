"""A server on loopback that misbehaves byte by byte, as a test tells it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

BODY = json.dumps({"cik": 7, "facts": {}}).encode()
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes = BODY, **headers: str) -> bytes:
    """An HTTP answer with a true length, unless the headers tell another."""
    named = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    named["Connection"] = "close"
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Told\r\n{head}\r\n".encode() + body


def says(data: bytes) -> Reply:
    """Write the bytes and close."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return play


async def hang(writer: asyncio.StreamWriter) -> None:
    """Take the request and say nothing."""
    await writer.wait_closed()


async def stall(writer: asyncio.StreamWriter) -> None:
    """Begin an answer and leave it there."""
    writer.write(answer(200, b"{", Content_Length="1000"))
    await hang(writer)


class Server:
    """Answers requests with the replies in turn, the last one for ever; notes their paths.

    Without an `ending` of requests it answers the first bytes that come.
    """

    def __init__(self, *replies: Reply, ending: bytes = b"\r\n\r\n") -> None:
        self.ending = ending
        self.replies = replies
        self.paths: list[str] = []
        self.port = 0
        self.answering: set[asyncio.Task[Any]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)
        try:
            head = await (reader.readuntil(self.ending) if self.ending else reader.read(3))
            self.paths.append([*head.split(), b"", b""][1].decode())
            await self.replies[min(len(self.paths), len(self.replies)) - 1](writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def stop(self) -> None:
        """End the answers that hang, so that no connection outlives its test."""
        for task in self.answering:
            task.cancel()
        await asyncio.gather(*self.answering, return_exceptions=True)


@asynccontextmanager
async def serving(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """The server on a free port of loopback."""
    listening = await asyncio.start_server(server, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
        await asyncio.sleep(0)  # a closed transport lets go of its socket in the next turn
