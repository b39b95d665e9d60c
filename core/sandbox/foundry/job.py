"""One job of the stand-in container: what it says and does from the request to the final frame."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web

from core.sandbox.foundry import faults as broken
from core.sandbox.foundry import versions as stored
from core.sandbox.foundry.fault_names import DATA
from core.sandbox.foundry.port import Container
from core.sandbox.foundry.provider import lines_in
from core.sandbox.foundry.rows import by_ranges, mutate

JUNE = (datetime(2025, 6, 1), datetime(2025, 6, 30))  # noqa: DTZ001 - the container is naive
LOSES_ROWS = {"rows-lost", "id-ranges", "mixed-file"}  # announced all the same
BATCHED = {"batches", "id-ranges"}
Window = tuple[datetime, datetime]
T = TypeVar("T")


class DatasetRefusedError(Exception):
    """Ends one dataset of a job: the text is the sentence that stands in place of its sha256."""


class FoundryJob:
    """A job over one socket. Frames as the container sends them, in its order."""

    def __init__(
        self, sandbox: Container, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self._sandbox, self._request, self._socket = sandbox, request, socket

    async def run(self, body: Mapping[str, Any]) -> None:
        """Answers one request; nothing follows the final frame."""
        names = [name for name in body["names"] if name in self._sandbox.provider.names()]
        if not names:
            await self._send("error", False, "No known dataset names given")
            return
        await self._send("update", True, "Request accepted", datasets=names)
        if await broken.exchange(self._sandbox, self._request, self._socket):
            return
        window = _window(body)
        if window is None:
            await self._send("final", True, "DONE", datasets="Invalid isoformat string")
            return
        pointers = [await self._pointer(name, window) for name in names]
        await self._send("final", True, "DONE", datasets=pointers[0])
        broken.after_pointer(self._sandbox, self._request)

    async def _pointer(self, name: str, window: Window) -> str:
        """The sha256 of a dataset, or the sentence in its place."""
        try:
            version = await self._version(name, window)
        except DatasetRefusedError as failed:
            return str(failed)
        if self._sandbox.faults & {"file-gone", "files-gone"}:
            return f"Dataset {name} with SHA256 {version.sha256} not found."
        return version.sha256

    async def _version(self, name: str, window: Window) -> stored.Version:
        """The newest version in the window, or a new one."""
        if "versions-forgotten" in self._sandbox.faults:
            self._sandbox.versions[:] = [v for v in self._sandbox.versions if v.name != name]
        count, version = stored.chosen(self._sandbox.versions, name, *window)
        start, end = (at.isoformat() for at in window)
        if version is not None:
            await self._update(f"Found {count} versions of {name!r} between {start} and {end}")
            return version
        if any(version.name == name for version in self._sandbox.versions):
            await self._update(f"No versions between {start} and {end} found of {name!r}")
        else:
            await self._send("neutral", False, f"No available versions found for {name!r}")
        return await self._pull(name)

    async def _pull(self, name: str) -> stored.Version:
        """Queries Foundry: the rows are announced first, then fetched, then written."""
        sandbox = self._sandbox
        await self._update(f"Downloading dataset {name!r} from Foundry")
        sandbox.queries += 1
        if sandbox.has("query-failed"):
            reason = "HTTP 429 from Foundry: QUOTA exceeded"
            await self._send("update", False, f"Failed to download dataset {name!r}. {reason}")
            raise DatasetRefusedError(f"Dataset {name} could not be downloaded or does not exist.")
        rows, pieces = await self._heartbeat(asyncio.to_thread(self._content, name))
        if not rows or "no-rows" in sandbox.faults:
            await self._send("final", False, f"No rows found for {name!r}")
            raise DatasetRefusedError(f"Dataset {name} could not be downloaded or does not exist.")
        pieces = await self._announce(name, rows, pieces)
        await self._heartbeat(asyncio.sleep(sandbox.work_seconds))
        return await self._write(name, rows, pieces)

    async def _announce(self, name: str, rows: int, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Says how many rows come, and what comes of them where they are read by ranges of ids."""
        sandbox = self._sandbox
        ranged = rows > sandbox.batch_rows and await asyncio.to_thread(self._has_ids, name)
        if not ranged and not sandbox.faults & BATCHED:
            await self._update(f"Downloading all {rows} rows of dataset {name!r}")
            return pieces
        batches = rows // sandbox.batch_rows + 1
        await self._update(
            f"Found {rows} rows in {name!r}, starting download in {batches} batch(es)"
        )
        for number in range(batches):
            await self._update(f"Downloading batch {number + 1} of {batches} of {name!r}")
        if not ranged:
            return pieces
        return [await asyncio.to_thread(by_ranges, b"".join(pieces), batches * sandbox.batch_rows)]

    async def _write(self, name: str, rows: int, pieces: Iterable[bytes]) -> stored.Version:
        """Stores the version. The container writes in its event loop: it says nothing meanwhile,
        neither here nor to anybody else."""
        sandbox = self._sandbox
        await self._update(f"Dataset {name!r} downloaded. Writing to disk")
        async with sandbox.writing:
            if sandbox.has("silent-write"):
                await until_closed(self._socket)
                raise ConnectionResetError
            await asyncio.sleep(sandbox.write_seconds)
            at = sandbox.now().astimezone(UTC)
            version = await asyncio.to_thread(stored.store, sandbox.folder, name, at, rows, pieces)
            sandbox.versions.append(version)
        await asyncio.to_thread(stored.save, sandbox.folder, tuple(sandbox.versions))
        if sandbox.has("drop-after-store-once"):
            broken.drop(self._request)
            raise ConnectionResetError
        return version

    async def _heartbeat(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to; while it lasts a frame says so now and then."""
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait([task], timeout=self._sandbox.keepalive_seconds))[0]:
                async with self._sandbox.writing:
                    pass
                await self._send("keepalive", True, "Still working")
            return task.result()
        finally:
            task.cancel()  # nobody waits for it any more; nothing to one that is done

    def _content(self, name: str) -> tuple[int, Iterable[bytes]]:
        """The rows to announce, and the CSV with its faults."""
        provider = self._sandbox.provider
        rows, body = provider.rows(name), provider.csv(name)
        pieces = [body] if isinstance(body, bytes) else body
        wrong = sorted(self._sandbox.faults & DATA.keys())
        if not wrong or not rows:
            return rows, pieces
        mutated = mutate(b"".join(pieces), wrong, len(self._sandbox.versions))
        delivered = max(1, lines_in([mutated]) - 1)
        return rows if LOSES_ROWS & set(wrong) else delivered, [mutated]

    def _has_ids(self, name: str) -> bool:
        body = self._sandbox.provider.csv(name)
        first = body if isinstance(body, bytes) else next(iter(body), b"")
        return b"id" in first.partition(b"\n")[0].strip().split(b",")

    async def _update(self, message: str) -> None:
        await self._send("update", True, message)

    async def _send(self, kind: str, success: bool, message: str, **more: Any) -> None:
        await send(self._socket, kind, success, message, **more)


async def send(
    socket: web.WebSocketResponse, kind: str, success: bool, message: str, **more: Any
) -> None:
    """One frame."""
    await socket.send_json({"type": kind, "success": success, "message": message, **more})


async def until_closed(socket: web.WebSocketResponse) -> None:
    """The container never closes by itself and never reads a second frame."""
    while not socket.closed:
        await socket.receive()


def _window(body: Mapping[str, Any]) -> Window | None:
    """The dates as the container reads them: offsets dropped, June 2025 where absent."""
    try:
        start, end = (
            datetime.fromisoformat(body[key]).replace(tzinfo=None) if body.get(key) else default
            for key, default in zip(("from_dt", "to_dt"), JUNE, strict=True)
        )
    except (TypeError, ValueError):
        return None
    return start, end
