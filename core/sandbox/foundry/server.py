"""A stand-in Foundry container on loopback: the real wire with all its quirks, and faults at will.

    async with FoundrySandbox(StaticProvider({"Prices Daily": csv_bytes})) as sandbox:
        FoundryClient(sandbox.url) …

Rows come from a `DatasetProvider`. Each pull makes a version, kept by the moment it was made; the
dates of a request choose among versions and never filter rows.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from core.sandbox.foundry import downloads
from core.sandbox.foundry import faults as broken
from core.sandbox.foundry.archives import archive_fault
from core.sandbox.foundry.fault_names import known
from core.sandbox.foundry.job import FoundryJob, send, until_closed
from core.sandbox.foundry.provider import DatasetProvider, StaticProvider
from core.sandbox.foundry.versions import Version, load

__all__ = ["DatasetProvider", "FoundrySandbox", "StaticProvider"]
PREFIX = "/fdtc-api"
CHUNK_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024
POSTS = ("versions", "download", "unzip", "zip", "delete", "list", "info")


class FoundrySandbox:
    """The container. `faults` may be changed while it runs; `requests` logs method and path.

    `keepalive_seconds` is the heartbeat, `work_seconds` how long a query takes, `write_seconds` how
    long the CSV is written without a heartbeat. More than `batch_rows` rows with a column `id` are
    read by ranges of ids. Versions in `directory` outlive a restart.
    """

    def __init__(
        self,
        provider: DatasetProvider,
        *,
        faults: Iterable[str] = (),
        directory: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keepalive_seconds: float = 50.0,
        work_seconds: float = 0.0,
        write_seconds: float = 0.0,
        batch_rows: int = 1_000_000,
    ) -> None:
        self.provider = provider
        self.faults = known(faults)
        self.keepalive_seconds = keepalive_seconds
        self.work_seconds = work_seconds
        self.write_seconds = write_seconds
        self.batch_rows = batch_rows
        self.versions: list[Version] = []
        self.requests: list[str] = []
        self.frames: list[dict[str, Any]] = []  # client frames as they came
        self.queries = 0  # how often Foundry was asked
        self.writing = asyncio.Lock()  # nobody is answered while a CSV is written
        self.now = now
        self._given = directory
        self._happened: set[str] = set()
        self._numbers = itertools.count()  # pulls run at the same time
        self._runner: web.AppRunner | None = None
        self.url = ""

    # Life

    def app(self) -> web.Application:
        """The aiohttp application, with and without the path prefix."""
        app = web.Application(middlewares=[self._log])
        for prefix in (PREFIX, ""):
            app.router.add_get(f"{prefix}/", self._health)
            app.router.add_get(f"{prefix}/dataset/get", self._exchange)
            app.router.add_get(f"{prefix}/dataset/download/csv/{{sha256}}", self._csv)
            app.router.add_get(f"{prefix}/dataset/download/zip/{{sha256}}", self._zip)
            for name in POSTS:
                app.router.add_post(f"{prefix}/dataset/{name}", self._unimplemented)
        app.router.add_get("/_sandbox/faults", self._faults)
        app.router.add_put("/_sandbox/faults", self._set_faults)
        return app

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens; the address with its prefix. Port 0 takes a free one."""
        self.folder = await asyncio.to_thread(self._open)
        self.versions = load(self.folder)
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{host}:{bound}{PREFIX}"
        return self.url

    async def stop(self) -> None:
        """Closes every connection. Versions go, unless they have a directory to stay in."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            if self._given is None:
                await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    def _open(self) -> Path:
        if self._given is None:
            return Path(tempfile.mkdtemp("", "foundry-"))
        self._given.mkdir(parents=True, exist_ok=True)
        return self._given

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def has(self, fault: str) -> bool:
        """Whether a fault is to happen now; one that ends in `-once` happens once."""
        if fault not in self.faults or fault in self._happened:
            return False
        if fault.endswith("-once"):
            self._happened.add(fault)
        return True

    # The exchange

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        refused = await broken.handshake(self, request)
        if refused is not None:
            return refused
        socket = web.WebSocketResponse(autoping=True, compress=False)
        await socket.prepare(request)
        first = await socket.receive()
        body = _json(first.data) if first.type is WSMsgType.TEXT else None
        if body is None or not isinstance(body.get("names"), list):
            await send(socket, "final", False, "Malformed request")
            await socket.close(code=1008)
            return socket
        self.frames.append(body)
        await FoundryJob(self, request, socket).run(body)
        await until_closed(socket)
        return socket

    # The files

    async def _csv(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if path is None or downloads.csv_is_gone(self):
            return web.json_response({"detail": "CSV dataset not found"}, status=404)
        answer = await downloads.download(self, request, path)
        if answer is not None:
            return answer
        return await _stream(request, path, "text/csv; charset=utf-8")

    async def _zip(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if path is None or self.faults & {"both-404", "files-gone"}:
            return web.json_response({"detail": "Zipped dataset not found"}, status=404)
        pack = archive_fault(self)
        archive = self.folder / f"broken-{next(self._numbers)}.zip"
        archive = archive if pack else path.with_suffix(".zip")
        await asyncio.to_thread(pack or _pack, path, archive)
        return await _stream(request, archive, "application/zip")

    def _path(self, request: web.Request) -> Path | None:
        sha256 = request.match_info["sha256"]
        return next((v.path for v in self.versions if v.sha256 == sha256), None)

    # The rest

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"online": True, "message": "Foundry data container (stand-in)"})

    async def _unimplemented(self, request: web.Request) -> web.Response:
        return web.json_response({"detail": "not implemented"}, status=501)

    async def _faults(self, request: web.Request) -> web.Response:
        return web.json_response(sorted(self.faults))

    async def _set_faults(self, request: web.Request) -> web.Response:
        self.faults = known(await request.json())
        self._happened.clear()
        return web.json_response(sorted(self.faults))

    @web.middleware
    async def _log(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/_sandbox"):
            self.requests.append(f"{request.method} {request.path}")
            async with self.writing:
                pass
        try:
            response: web.StreamResponse = await handler(request)
        except ConnectionError:  # the client has gone: nobody is left to answer
            return web.Response(status=499)
        return response


def _json(text: str) -> dict[str, Any] | None:
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


async def _stream(request: web.Request, path: Path, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{path.name}"',
        }
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            await response.write(piece)
    await response.write_eof()
    return response


def _pack(path: Path, archive: Path) -> None:
    if not archive.exists():
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            packed.write(path, path.name)
