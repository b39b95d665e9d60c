"""Client of the Foundry container: one name per connection, nothing trusted, everything bounded.

    async with FoundryClient("http://project-fdt-container:8888/fdtc-api") as client:
        result = await client.get_single("Prices Daily", from_dt, to_dt)

The exchange runs over a WebSocket and ends in a sha256; the file of that sha256 is then downloaded
and hashed on the way. Every error names host, path and dataset.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import ssl as tls
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from yarl import URL

from core.domain.tables.datasets import ColumnType
from core.errors import (
    DeadlineError,
    OpenbellError,
    ServerError,
    UsageError,
)
from core.observe import metrics
from core.sources.files import tables
from core.sources.files.rows import Table
from core.sources.foundry.download import unwritable
from core.sources.foundry.exchange import Exchange
from core.sources.foundry.files import FetchJob, Files, FrameHook
from core.sources.foundry.results import Fetched, FoundryResult, FoundryResults, shortfall
from core.sources.foundry.socket import SocketAddress
from core.sources.foundry.wire import is_pointer
from core.sources.http import new_session, where_of
from core.sources.pulled import ProgressHook
from core.sources.retry import Retry, Sleep
from core.sources.upstreams import OpenGate, UpstreamGate

T = TypeVar("T")
GIB = 1024**3
IDLE_HINT = "raise OPENBELL_FOUNDRY_IDLE_SECONDS ({:g}) if the container works that long in silence"
TOTAL_HINT = "raise OPENBELL_FOUNDRY_TOTAL_SECONDS ({:g}) if the dataset is that large"


class FoundryClient:
    """Pulls datasets from one container. An async context manager; safe for concurrent pulls.

    `idle_seconds` is the longest silence (heartbeats come every 50 s), `total_seconds` the longest
    pull with all its retries; keepalives extend the first only. `ssl` is an SSLContext, True
    (check certificates) or False.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        idle_seconds: float = 90.0,
        total_seconds: float = 3600.0,
        max_bytes: int = 4 * GIB,
        use_zip: bool = False,
        retries: int = 5,
        retry_base_seconds: float = 0.5,
        retry_max_seconds: float = 60.0,
        ssl: tls.SSLContext | bool = True,
        rng: random.Random | None = None,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        directory: Path | None = None,
        gate: UpstreamGate | None = None,
    ) -> None:
        self._gate = gate or OpenGate()
        self._base = URL(base_url.rstrip("/"))
        self._headers = dict(headers or {})
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._idle, self._total = idle_seconds, total_seconds
        self._max_bytes, self._use_zip = max_bytes, use_zip
        jitter = rng.random if rng else random.random
        self._retry = Retry(retries, retry_base_seconds, retry_max_seconds, jitter, sleep)
        self._ssl, self._now, self._directory = ssl, now, directory
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = new_session(
            headers=self._headers, connect_seconds=self._idle, connections=8, ssl=self._ssl
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def online(self) -> bool:
        """Whether the container says that it is up; a typed error when it cannot be asked."""
        with self._deadlines():
            body = await self._files.small(self._base / "")
        return b'"online"' in body and b"true" in body

    async def sign_of_life(self) -> None:
        """Ask for the health and open a WebSocket without a word; a typed error when it is down.

        A container whose health answers may still refuse every exchange. No gate and no retries.
        """
        if not await self.online():
            raise ServerError("the container says that it is offline", where=where_of(self._base))
        await self._exchange("the container").greet()

    async def get(
        self,
        names: str | Iterable[str],
        from_dt: datetime | None = None,
        to_dt: datetime | None = None,
        *,
        use_zip: bool | None = None,
        on_progress: ProgressHook | None = None,
    ) -> FoundryResults:
        """Several datasets, one connection each; one that fails does not stop the others.

        A text is one name. Without dates the container pulls anew.
        """
        results: dict[str, FoundryResult] = {}
        errors: dict[str, OpenbellError] = {}
        for name in dict.fromkeys([names] if isinstance(names, str) else names):
            try:
                results[name] = await self.get_single(
                    name, from_dt, to_dt, use_zip=use_zip, on_progress=on_progress
                )
            except OpenbellError as error:
                errors[name] = error
        return FoundryResults(results, errors)

    async def get_single(
        self,
        name: str,
        from_dt: datetime | None = None,
        to_dt: datetime | None = None,
        *,
        schema_overwrite: Mapping[str, str | ColumnType] | None = None,
        use_zip: bool | None = None,
        on_progress: ProgressHook | None = None,
    ) -> FoundryResult:
        """One dataset as a frame: all columns text, those of `schema_overwrite` typed.

        `from_dt` and `to_dt` (aware) choose among versions by the moment those were pulled, the
        newest one wins; without dates, or with none stored in the window, a new pull is made.
        """
        began = time.monotonic()
        async with self.fetch(
            name, from_dt, to_dt, use_zip=use_zip, on_progress=on_progress
        ) as got:
            assert got.path is not None
            today = self._now().date()
            table = await asyncio.to_thread(
                _read_text, got.path, name, schema_overwrite or {}, today, got.where
            )
        return FoundryResult(
            dataset=name,
            sha256=got.sha256,
            frame=table.rows,
            rejects=table.rejects,
            drift=table.drift,
            announced_rows=got.announced_rows,
            rows_read=table.rows_read,
            bytes=got.bytes,
            messages=got.messages,
            seconds=time.monotonic() - began,
            partial=shortfall(got.announced_rows, table.rows_read),
        )

    @asynccontextmanager
    async def fetch(
        self,
        name: str,
        from_dt: datetime | None = None,
        to_dt: datetime | None = None,
        *,
        use_zip: bool | None = None,
        on_progress: ProgressHook | None = None,
        on_frame: FrameHook | None = None,
        known: str | None = None,
    ) -> AsyncIterator[Fetched]:
        """The verified CSV of one dataset; it is deleted when the context ends.

        When the container points at the version `known`, nothing is downloaded. `on_frame` gets
        each frame of the container as it came, plain or async.
        """
        now = self._now()
        folder = await self._folder(name)
        try:
            job = FetchJob(
                name=name,
                start=from_dt or now,
                end=to_dt or now,
                use_zip=self._use_zip if use_zip is None else use_zip,
                known=known,
                hook=on_progress,
                folder=folder,
                began=now,
                on_frame=on_frame,
            )
            yield await self._within_total(job)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def download(
        self,
        sha256: str,
        directory: Path,
        *,
        use_zip: bool | None = None,
        on_progress: ProgressHook | None = None,
    ) -> Path:
        """The verified CSV of a sha256 as `directory/{sha256}.csv`; UsageError for anything else.

        CSV first, then ZIP (or the other way round); NotFoundError only when both are missing.
        """
        if not is_pointer(sha256):
            raise UsageError(f"{sha256[:80]!r} is not a sha256 in lower-case hex")
        now = self._now()
        chosen = self._use_zip if use_zip is None else use_zip
        job = FetchJob(sha256[:12], now, now, chosen, None, on_progress, directory, now)
        return await self._limited(job, lambda: self._files.fetch(job, sha256))

    async def _folder(self, name: str) -> Path:
        """A folder for one pull's files."""
        try:
            return Path(await asyncio.to_thread(tempfile.mkdtemp, "", "pull-", self._directory))
        except OSError as error:
            raise unwritable(name, self._directory or Path(tempfile.gettempdir()), error) from None

    async def _within_total(self, job: FetchJob) -> Fetched:
        began = time.monotonic()
        sha256, path = await self._limited(job, lambda: self._attempt(job))
        return Fetched(
            dataset=job.name,
            sha256=sha256,
            path=path,
            bytes=path.stat().st_size if path else 0,
            announced_rows=job.heard.announced_rows,
            messages=tuple(job.messages),
            requests=job.requests,
            seconds=time.monotonic() - began,
            where=where_of(self._base / "dataset" / "download" / "csv" / sha256),
        )

    async def _limited(self, job: FetchJob, operation: Callable[[], Awaitable[T]]) -> T:
        """The operation with its retries, all within the total deadline."""

        async def told(error: OpenbellError, wait: float) -> None:
            metrics.http_retry(self._base.host or "")
            await job.tell(f"{error} Trying again in {wait:.1f} s")

        try:
            async with asyncio.timeout(self._total) as limit:
                with self._deadlines():
                    return await self._retry.run(
                        lambda: self._gate.attempt(operation, job.name), told
                    )
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineError(
                f"{job.name}: not done within {self._total:g} seconds{job.heard.reason}",
                where=where_of(self._base),
                hint=TOTAL_HINT.format(self._total),
            ) from None

    @contextmanager
    def _deadlines(self) -> Iterator[None]:
        """A silence that lasted too long names the setting that bounds it."""
        try:
            yield
        except DeadlineError as error:
            error.hint = error.hint or IDLE_HINT.format(self._idle)
            raise

    async def _attempt(self, job: FetchJob) -> tuple[str, Path | None]:
        if job.pointer is None:
            job.pointer = await self._ask(job)
        if job.pointer == job.known:
            return job.pointer, None
        return job.pointer, await self._files.fetch(job, job.pointer)

    async def _ask(self, job: FetchJob) -> str:
        start, end = job.window(self._now())
        job.requests += 1
        return await self._exchange(job.name).run(start, end, job.heard, job.told)

    def _exchange(self, what: str) -> Exchange:
        self._must_be_open()
        url = self._base / "dataset" / "get"
        return Exchange(SocketAddress(url, self._headers, self._ssl, self._idle), what)

    @property
    def _files(self) -> Files:
        return Files(self._must_be_open(), self._base, self._idle, self._max_bytes)

    def _must_be_open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise UsageError("the client is closed", hint="use `async with FoundryClient(…)`")
        return self._session


def _read_text(
    path: Path,
    name: str,
    overwrite: Mapping[str, str | ColumnType],
    today: date,
    where: str,
) -> Table:
    typed = tables.as_schema(overwrite)
    text = ColumnType("str", nullable=True)
    header = tables.csv_header(path, where)
    schema = {column: typed.get(column, text) for column in [*header, *typed]}
    return tables.read_csv(path, tables.text_dataset(name, schema), today=today, where=where)
