"""Broken downloads of the stand-in container: bodies that are cut, slow, endless or packed."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from core.sandbox.foundry.fault_names import ARCHIVE, DOWNLOAD
from core.sandbox.foundry.faults import LOGIN, MB, Answer, active, drop, status
from core.sandbox.foundry.port import Faulty


def csv_is_gone(sandbox: Faulty) -> bool:
    """Faults of the archive need the CSV out of the way."""
    return bool(sandbox.faults & {"csv-404", "both-404", "file-gone", "files-gone", *ARCHIVE})


async def download(sandbox: Faulty, request: web.Request, path: Path) -> Answer:
    """The broken answer to a CSV download; None to serve it as usual."""
    fault = active(sandbox, DOWNLOAD)
    if fault is None:
        return None
    whole = await asyncio.to_thread(path.read_bytes)
    if fault in _BODIES:
        body = _BODIES[fault](whole)
        return web.Response(body=body, headers={"Content-Type": "text/csv"})
    if fault in _STREAMS:
        return await _STREAMS[fault](request, whole)
    if fault == "html-page":
        return web.Response(body=LOGIN, content_type="text/html")
    return status(fault)


def _cut_at_row(body: bytes) -> bytes:
    return body[: body.rfind(b"\n", 0, len(body) // 2) + 1]


_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "sha-mismatch": lambda body: body.replace(b"1", b"2", 1),
    "cut-mid-row": lambda body: body[: len(body) // 2],
    "cut-at-row": _cut_at_row,
    "empty-body": lambda body: b"",
    "html-as-csv": lambda body: LOGIN,
}


async def _begin(request: web.Request, **headers: str) -> web.StreamResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = web.StreamResponse(headers={"Content-Type": "text/csv", **named})
    if "Content-Length" not in named:
        response.enable_chunked_encoding()
    await response.prepare(request)
    return response


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request)
    await response.write(body[: len(body) // 2])
    return response


async def _drop(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _half(request, body)
    await asyncio.sleep(0.05)
    drop(request)
    return response


async def _stall(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _half(request, body)
    await asyncio.sleep(3600)
    return response


async def _short(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request, Content_Length=str(len(body) + 1000))
    await response.write(body)
    if request.transport is not None:
        request.transport.close()
    return response


async def _drip(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request)
    while True:
        await response.write(b"1")
        await asyncio.sleep(0.05)


async def _endless(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request)
    while True:
        await response.write(b"1,2,3\n" * 10_000)


async def _gzip_bomb(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request, Content_Encoding="gzip")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(1024):
        await response.write(packer.compress(bytes(MB)) + packer.flush(zlib.Z_SYNC_FLUSH))
        await asyncio.sleep(0)
    await response.write(packer.flush())
    await response.write_eof()
    return response


async def _gzip(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _begin(request, Content_Encoding="gzip")
    await response.write(gzip.compress(body))
    await response.write_eof()
    return response


async def _never(request: web.Request, body: bytes) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


_STREAMS: dict[str, Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]] = {
    "short-length": _short,
    "gzip-bomb": _gzip_bomb,
    "gzip-body": _gzip,
    "endless-body": _endless,
    "stalled-body": _stall,
    "slow-body": _drip,
    "slow-headers": _never,
    "drop-mid-body": _drop,
    "drop-mid-body-once": _drop,
}
