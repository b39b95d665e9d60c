"""The container's files: CSV first, then ZIP, or the other way round; each verified on the way."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from core.errors import NotFoundError, ProtocolError
from core.sources.foundry import phases
from core.sources.foundry.download import Sink, Unzip, gunzip, pour, verify
from core.sources.foundry.wire import GONE_HINT, Frame, Heard
from core.sources.http import (
    chunks,
    get,
    permanent,
    read_bounded,
    status_error,
    where_of,
)
from core.sources.pulled import Progress, ProgressHook

MAX_MESSAGES = 50
PLAIN = {"Accept-Encoding": "identity"}
SIZE_HINT = "raise OPENBELL_FOUNDRY_MAX_BYTES if it really is that large"
FrameHook = Callable[[dict[str, Any]], Awaitable[None] | None]


@dataclass(slots=True)
class FetchJob:
    """One fetch under way: its arguments, and what was heard and asked so far."""

    name: str
    start: datetime
    end: datetime
    use_zip: bool
    known: str | None
    hook: ProgressHook | None
    folder: Path
    began: datetime
    on_frame: FrameHook | None = None
    messages: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_MESSAGES))
    heard: Heard = field(default_factory=Heard)
    pointer: str | None = None  # what the container has answered: a retry goes on from here
    requests: int = 0

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """What to ask for at `now` so that a version made for an earlier try is found.

        A version is found by the moment it was stored. The first try asks as told; a further one
        reaches to now where the window began or ended now, or where the container was heard asking
        Foundry, which it does only when the window itself holds no version.
        """
        if self.requests == 0:
            return self.start, self.end
        if self.heard.querying and self.end < self.began:
            return self.began, max(self.began, now)
        if self.end >= self.began or self.start == self.end:
            return self.start, max(self.end, now)
        return self.start, self.end

    async def told(self, frame: Frame) -> None:
        """Hands a frame to its hook as it came, and its message to those who follow the job."""
        if self.on_frame is not None:
            outcome = self.on_frame(dict(frame.raw))
            if inspect.isawaitable(outcome):
                await outcome
        if frame.kind in ("update", "neutral", "unknown"):
            await self.tell(frame.message)

    async def tell(self, message: str, size: int | None = None, whole: int | None = None) -> None:
        """Keeps a message and hands it to the hook, plain or async; `size` bytes came of `whole`.

        Rows are those that came, by the share of the file or of the container's batches: those
        announced are on their way still.
        """
        if size is None:
            self.messages.append(message)
        if self.hook is None:
            return
        asked = phases.asked(message) if size is None else None
        came = None if size is None else phases.came(size, whole)
        share, rows = asked if came is None else came, self.heard.announced_rows
        told = Progress(
            message,
            rows=None if rows is None or share is None else round(rows * share),
            bytes=size,
            percent=phases.percent(asked, came),
        )
        outcome = self.hook(told)
        if inspect.isawaitable(outcome):
            await outcome


@dataclass(frozen=True, slots=True)
class Files:
    """Downloads from one container within limits of size and silence."""

    session: aiohttp.ClientSession
    base: URL
    idle_seconds: float
    max_bytes: int

    async def fetch(self, job: FetchJob, sha256: str) -> Path:
        """The verified file in the job's folder; NotFoundError when CSV and ZIP are both gone."""
        ways = [self._csv, self._zip]
        missing: list[str] = []
        for way in reversed(ways) if job.use_zip else ways:
            try:
                return await way(job, sha256)
            except NotFoundError as error:
                missing.append(error.where or "")
        raise NotFoundError(
            f"{job.name}: neither the CSV nor the ZIP of {sha256[:12]}… exists",
            where=" and ".join(missing),
            hint=GONE_HINT,
        )

    async def _csv(self, job: FetchJob, sha256: str) -> Path:
        url = self.base / "dataset" / "download" / "csv" / sha256
        target = job.folder / f"{sha256}.csv"
        with Sink(target, job.name) as sink:
            await self._fill(sink, url, job)
            verify(sink, sha256, job.name, where_of(url))
            await asyncio.to_thread(sink.keep)
        await job.tell("Downloaded", sink.size, sink.size)
        return target

    async def _zip(self, job: FetchJob, sha256: str) -> Path:
        url = self.base / "dataset" / "download" / "zip" / sha256
        archive, target = job.folder / f"{sha256}.zip", job.folder / f"{sha256}.csv"
        with Sink(archive, job.name) as sink:
            await self._fill(sink, url, job)
            sink.flush()
            unzip = Unzip(sha256, self.max_bytes, job.name, where_of(url))
            size = await asyncio.to_thread(unzip.extract, archive, target)
        await job.tell("Downloaded and unpacked", size, size)
        return target

    async def _fill(self, sink: Sink, url: URL, job: FetchJob) -> None:
        job.requests += 1
        where = where_of(url)
        async with self._answer(url, job.name) as response:
            body = chunks(
                response,
                max_bytes=self.max_bytes,
                idle_seconds=self.idle_seconds,
                what=job.name,
                hint=SIZE_HINT,
            )
            encoding = response.headers.get("Content-Encoding", "identity").lower()
            if encoding == "gzip":
                body = gunzip(body, max_bytes=self.max_bytes, what=job.name, where=where)
            elif encoding != "identity":
                raise permanent(
                    ProtocolError(f"{job.name}: encoded as {encoding[:40]!r}", where=where)
                )
            whole = response.content_length if encoding == "identity" else None
            await pour(body, sink, lambda size: job.tell("Downloading", size, whole))

    @asynccontextmanager
    async def _answer(self, url: URL, what: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer with status 200 that is not an HTML page; its body is still unread."""
        async with get(
            self.session, url, what, headers=PLAIN, answer_seconds=self.idle_seconds
        ) as response:
            where = where_of(url)
            error = status_error(response.status, what, where, response.headers)
            if error is not None:
                raise error
            if response.content_type == "text/html":
                raise _html_page(what, where)
            yield response

    async def small(self, url: URL) -> bytes:
        """A small answer in memory, such as the health's."""
        async with self._answer(url, "the container's health") as response:
            return await read_bounded(
                response, max_bytes=64 * 1024, idle_seconds=self.idle_seconds, what="the container"
            )


def _html_page(what: str, where: str) -> ProtocolError:
    return ProtocolError(
        f"{what}: an HTML page came instead of a file",
        where=where,
        hint="a proxy may want a login: check token and headers",
    )
