"""How the stand-in container misbehaves: one small function a fault. Bytes on the wire are real."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from core.sandbox.foundry.fault_names import EXCHANGE, HANDSHAKE
from core.sandbox.foundry.port import Faulty

ELSEWHERE = "http://203.0.113.7/stolen"
LOGIN = b"<!doctype html><html><body><form action=/login>Sign in</form></body></html>\n"
A_DAY = "86400"
MB = 1024 * 1024

Answer = web.StreamResponse | None


def active(sandbox: Faulty, names: Any) -> str | None:
    """The first fault of a group that is to happen now."""
    return next((name for name in names if sandbox.has(name)), None)


# The handshake


async def handshake(sandbox: Faulty, request: web.Request) -> Answer:
    """The answer in place of a WebSocket; None to go on."""
    fault = active(sandbox, HANDSHAKE)
    if fault is None:
        return None
    if fault == "ws-hang":
        await asyncio.sleep(3600)
    if fault == "ws-garbage":
        return _raw(request, b"SSH-2.0-OpenSSH_9.2\r\n\x00\xff\r\n\r\n")
    if fault == "ws-html":
        return web.Response(body=LOGIN, content_type="text/html")
    return status(fault)


def status(fault: str) -> web.Response:
    """A plain answer for `…-429-once`, `…-503`, `…redirect`."""
    if fault.endswith("redirect"):
        return web.Response(status=302, headers={"Location": ELSEWHERE})
    status = next(part for part in fault.split("-") if part.isdecimal())
    wait = {"429": "1" if fault.endswith("-once") else A_DAY}.get(status)
    headers = {"Retry-After": wait} if wait else {}
    return web.json_response({"detail": "no"}, status=int(status), headers=headers)


def _raw(request: web.Request, data: bytes) -> web.Response:
    """Bytes past aiohttp, then the end of the connection."""
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    return web.Response()


# The exchange


async def exchange(sandbox: Faulty, request: web.Request, socket: web.WebSocketResponse) -> bool:
    """Plays a broken exchange after the first update; False to go on as usual."""
    if sandbox.has("unknown-type"):
        await socket.send_str(_frame("finale", "DONE", datasets="0" * 64))
    fault = active(sandbox, _EXCHANGES)
    if fault is None:
        return False
    await _EXCHANGES[fault](request, socket)
    return True


def _says(text: str | bytes) -> Callable[[web.Request, web.WebSocketResponse], Awaitable[None]]:
    async def play(request: web.Request, socket: web.WebSocketResponse) -> None:
        await (socket.send_str(text) if isinstance(text, str) else socket.send_bytes(text))

    return play


def _writes(data: bytes) -> Callable[[web.Request, web.WebSocketResponse], Awaitable[None]]:
    async def play(request: web.Request, socket: web.WebSocketResponse) -> None:
        if request.transport is not None:
            request.transport.write(data)

    return play


def _frame(kind: str, message: str, **more: Any) -> str:
    return json.dumps({"type": kind, "success": True, "message": message, **more})


def _final(datasets: Any) -> Callable[[web.Request, web.WebSocketResponse], Awaitable[None]]:
    return _says(_frame("final", "DONE", datasets=datasets))


async def _abort(request: web.Request, socket: web.WebSocketResponse) -> None:
    drop(request)


async def _close(request: web.Request, socket: web.WebSocketResponse) -> None:
    await socket.close(code=1000)


async def _refuse(request: web.Request, socket: web.WebSocketResponse) -> None:
    await socket.send_json({"type": "final", "success": False, "message": "Malformed request"})
    await socket.close(code=1008)


async def _silence(request: web.Request, socket: web.WebSocketResponse) -> None:
    return None


async def _keepalives(request: web.Request, socket: web.WebSocketResponse) -> None:
    while not socket.closed and request.transport is not None:
        await socket.send_str(_frame("keepalive", "Still working"))
        await asyncio.sleep(0.05)


async def _flood(request: web.Request, socket: web.WebSocketResponse) -> None:
    message = _frame("update", "x" * 10_000)
    while not socket.closed and request.transport is not None:
        await socket.send_str(message)
        await asyncio.sleep(0)


async def _huge(request: web.Request, socket: web.WebSocketResponse) -> None:
    """A text frame of 100 MB, written piece by piece so that it costs the sandbox nothing."""
    transport = request.transport
    if transport is None:
        return
    transport.write(b"\x81\x7f" + struct.pack(">Q", 100 * MB))
    for _ in range(1600):
        if transport.is_closing():
            return
        transport.write(b"x" * 65536)
        await socket.drain()


_EXCHANGES: dict[str, Callable[[web.Request, web.WebSocketResponse], Awaitable[None]]] = {
    "error-frame": _says(_frame("error", "No known dataset names given")),
    "drop-before-pointer": _abort,
    "drop-once": _abort,
    "close-1000": _close,
    "refused-1008": _refuse,
    "broken-json": _says('{"type": "final", "success": tr'),
    "array-frame": _says('["final", true]'),
    "null-frame": _says("null"),
    "binary-frame": _says(b"\x00\x01\x02"),
    "bad-utf8-frame": _writes(b'\x81\x04{"\xff}'),
    "deflated-frame": _writes(b"\xc1\x05" + zlib.compress(b"{}")[:5]),
    "huge-frame": _huge,
    "frame-flood": _flood,
    "silence": _silence,
    "endless-keepalive": _keepalives,
    "query-failed-bare": _final("Foundry query failed: HTTP 502 from upstream"),
    "pointer-list": _final(["0" * 64]),
    "pointer-number": _final(42),
    "pointer-traversal": _final("../../../../etc/passwd"),
    "pointer-upper": _final("A" * 64),
    "pointer-short": _final("a" * 63),
    "pointer-newline": _final("a" * 64 + "\n"),
}
_IN_THE_JOB = {
    "unknown-type",
    "query-failed",
    "no-rows",
    "drop-after-pointer",
    "drop-after-store-once",
    "silent-write",
    "file-gone",
    "files-gone",
    "versions-forgotten",
    "batches",
}
assert set(_EXCHANGES) | _IN_THE_JOB == set(EXCHANGE)


def drop(request: web.Request) -> None:
    """Cuts the connection without a goodbye."""
    if isinstance(request.transport, asyncio.WriteTransport):
        request.transport.abort()


def after_pointer(sandbox: Faulty, request: web.Request) -> None:
    """What follows a good final."""
    if "drop-after-pointer" in sandbox.faults and request.transport is not None:
        request.transport.close()
