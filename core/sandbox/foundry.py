"""A stand-in Foundry container on loopback: the real wire with all its quirks, and faults at will.

    async with FoundrySandbox(StaticProvider({"Prices Daily": csv_bytes})) as sandbox:
        FoundryClient(sandbox.url) …

Rows come from a `DatasetProvider`. Each pull makes a version, kept by the moment it was made; the
dates of a request choose among versions and never filter rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from core.sandbox import foundry_faults as broken
from core.sandbox.faults import DATA, known
from core.sandbox.foundry_archives import archive_fault
from core.sandbox.foundry_provider import DatasetProvider, StaticProvider, lines_in
from core.sandbox.foundry_rows import mutate

__all__ = ["DatasetProvider", "FoundrySandbox", "StaticProvider"]
PREFIX = "/fdtc-api"
CHUNK_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024
JUNE = (datetime(2025, 6, 1), datetime(2025, 6, 30))  # noqa: DTZ001 - the container is naive
POSTS = ("versions", "download", "unzip", "zip", "delete", "list", "info")


@dataclass(frozen=True, slots=True)
class Version:
    """One stored pull of a dataset; `at` is naive UTC, as in the container."""

    name: str
    at: datetime
    sha256: str
    rows: int
    path: Path


class FoundrySandbox:
    """The container. `faults` may be changed while it runs; `requests` logs method and path.

    `keepalive_seconds` is the heartbeat, `work_seconds` how long a pull takes.
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
    ) -> None:
        self.provider = provider
        self.faults = known(faults)
        self.keepalive_seconds = keepalive_seconds
        self.work_seconds = work_seconds
        self.versions: list[Version] = []
        self.requests: list[str] = []
        self.frames: list[dict[str, Any]] = []  # client frames as they came
        self._now = now
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
        self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, "", "foundry-", self._given))
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{host}:{bound}{PREFIX}"
        return self.url

    async def stop(self) -> None:
        """Closes every connection and forgets all versions."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

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
            await _send(socket, "final", False, "Malformed request")
            await socket.close(code=1008)
            return socket
        self.frames.append(body)
        await self._job(request, socket, body)
        await _until_closed(socket)
        return socket

    async def _job(
        self, request: web.Request, socket: web.WebSocketResponse, body: dict[str, Any]
    ) -> None:
        names = [name for name in body["names"] if name in self.provider.names()]
        if not names:
            await _send(socket, "error", False, "No known dataset names given")
            return
        await _send(socket, "update", True, "Request accepted", datasets=names)
        if await broken.exchange(self, request, socket):
            return
        window = _window(body)
        if window is None:
            await _send(socket, "final", True, "DONE", datasets="Invalid isoformat string")
            return
        pointers = [await self._version(socket, name, *window) for name in names]
        if pointers[0] is None:
            sentence = f"Dataset {names[0]} could not be stored: no rows"
            await _send(socket, "final", False, f"No rows found for {names[0]}")
            await _send(socket, "final", True, "DONE", datasets=sentence)
            return
        await _send(socket, "final", True, "DONE", datasets=pointers[0])
        broken.after_pointer(self, request)

    async def _version(
        self, socket: web.WebSocketResponse, name: str, start: datetime, end: datetime
    ) -> str | None:
        """The newest version in the window, or a new one; None when the dataset has no rows."""
        stored = [v for v in self.versions if v.name == name and start <= v.at <= end]
        if stored:
            return max(stored, key=lambda version: version.at).sha256
        await _send(socket, "neutral", False, f"{name}: no available versions found")
        await _send(socket, "update", True, f"Querying Foundry for {name}")
        pull = asyncio.create_task(self._pull(name))
        await self._heartbeat(socket, pull)
        rows, version = await pull
        if version is None:
            return None
        await _send(socket, "update", True, f"Found {rows} rows")
        await _send(socket, "update", True, f"Downloading all {rows} rows")
        return version.sha256

    async def _heartbeat(self, socket: web.WebSocketResponse, pull: asyncio.Task[Any]) -> None:
        while True:
            done, _ = await asyncio.wait([pull], timeout=self.keepalive_seconds)
            if done:
                return
            await _send(socket, "keepalive", True, "Still working")

    async def _pull(self, name: str) -> tuple[int, Version | None]:
        """Stores what the provider has now; the rows announced may differ from those stored."""
        await asyncio.sleep(self.work_seconds)
        at = self._now().astimezone(UTC)
        if "no-rows" in self.faults:
            return 0, None
        rows, pieces = await asyncio.to_thread(self._content, name)
        if not rows:
            return 0, None
        version = await asyncio.to_thread(self._store, name, at, rows, pieces)
        self.versions.append(version)
        return rows, version

    def _content(self, name: str) -> tuple[int, Iterable[bytes]]:
        """The rows to announce, and the CSV with its faults."""
        rows, body = self.provider.rows(name), self.provider.csv(name)
        pieces = [body] if isinstance(body, bytes) else body
        wrong = sorted(self.faults & DATA.keys())
        if not wrong:
            return rows, pieces
        mutated = mutate(b"".join(pieces), wrong, len(self.versions))
        # Rows that are lost are announced all the same.
        return rows if "rows-lost" in wrong else max(1, lines_in([mutated]) - 1), [mutated]

    def _store(self, name: str, at: datetime, rows: int, pieces: Iterable[bytes]) -> Version:
        digest = hashlib.sha256()
        aside = self._folder / f"{next(self._numbers)}.part"
        with aside.open("wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        path = aside.replace(self._folder / f"{digest.hexdigest()}.csv")
        return Version(name, at.replace(tzinfo=None), digest.hexdigest(), rows, path)

    # The files

    async def _csv(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if path is None or broken.csv_is_gone(self):
            return web.json_response({"detail": "CSV dataset not found"}, status=404)
        answer = await broken.download(self, request, path)
        if answer is not None:
            return answer
        return await _stream(request, path, "text/csv; charset=utf-8")

    async def _zip(self, request: web.Request) -> web.StreamResponse:
        path = self._path(request)
        if path is None or "both-404" in self.faults:
            return web.json_response({"detail": "Zipped dataset not found"}, status=404)
        pack = archive_fault(self)
        archive = self._folder / f"broken-{next(self._numbers)}.zip"
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
        try:
            response: web.StreamResponse = await handler(request)
        except ConnectionError:  # the client has gone: nobody is left to answer
            return web.Response(status=499)
        return response


def _window(body: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """The dates as the container reads them: offsets dropped, June 2025 where absent."""
    try:
        start, end = (
            datetime.fromisoformat(body[key]).replace(tzinfo=None) if body.get(key) else default
            for key, default in zip(("from_dt", "to_dt"), JUNE, strict=True)
        )
    except (TypeError, ValueError):
        return None
    return start, end


def _json(text: str) -> dict[str, Any] | None:
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


async def _send(
    socket: web.WebSocketResponse, kind: str, success: bool, message: str, **more: Any
) -> None:
    await socket.send_json({"type": kind, "success": success, "message": message, **more})


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """The container never closes by itself and never reads a second frame."""
    while not socket.closed:
        await socket.receive()


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
