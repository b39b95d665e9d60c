"""Asking the SEC over HTTP: who we are, how often, what we know already, and when to give up.

The transport only: paths in, bytes out. What the bytes mean is for its neighbours here.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp

from core.errors import BlockedError, DeadlineError, NotFoundError, OpenbellError, ProtocolError
from core.observe import metrics
from core.settings import Settings
from core.sources.http import (
    get,
    new_session,
    read_bounded,
    status_error,
    transport_errors,
    where_of,
)
from core.sources.retry import Retry, Sleep
from core.sources.sec.body import MIB, Kind, must_be_kind, unpacked
from core.sources.sec.limit import (
    BLOCK_FILE,
    Block,
    Limiter,
    Slot,
    checked_user_agent,
    host_of,
    shared_limiter,
)
from core.sources.upstreams import OpenGate, UpstreamGate

_CONNECT_SECONDS = 10.0
_ERROR_BYTES = 256 * 1024  # of a page that says why not
# one thread: each that has ever unpacked keeps that much memory
_UNPACKING = ThreadPoolExecutor(1, "sec-unpack")


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """What we remember of a document we have: the validators to ask with, and its hash."""

    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One document. `unchanged`: it is the one we know, and `body` is empty."""

    url: str
    body: bytes
    sha256: str
    etag: str | None
    last_modified: str | None
    unchanged: bool = False
    wire_bytes: int = 0


class SecClient:
    """Asks the SEC (or a stand-in) within its rules; an async context manager.

    One client belongs to one event loop; limiter and block are shared by all of them.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        data_url: str = "https://data.sec.gov",
        www_url: str = "https://www.sec.gov",
        requests_per_second: float = 8.0,
        timeout_seconds: float = 60.0,
        block_seconds: float = 600.0,
        retries: int = 5,
        retry_base_seconds: float = 0.5,
        retry_max_seconds: float = 60.0,
        block: Block | None = None,
        max_bytes: int = 256 * MIB,
        limiter: Limiter | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        gates: Callable[[str], UpstreamGate] = lambda _: OpenGate(),
    ) -> None:
        self.data_url = data_url.rstrip("/")
        self.www_url = www_url.rstrip("/")
        self.block = block or Block()
        self.requests = 0
        self._user_agent = user_agent
        self._limiter = limiter or shared_limiter(requests_per_second, host_of(data_url))
        self._timeout = timeout_seconds
        self._block_seconds = block_seconds
        self._retry = Retry(retries, retry_base_seconds, retry_max_seconds, jitter, sleep)
        self._max_bytes = max_bytes
        self._now = now
        self._gates = gates
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        gates: Callable[[str], UpstreamGate] = lambda _: OpenGate(),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        block: Block | None = None,
        limiter: Limiter | None = None,
        max_bytes: int = 256 * MIB,
    ) -> Self:
        """A client as the settings say; the block file lies in the data folder.

        `gates` gives the gate of a base address; `block` and `limiter` are those of all machines.
        """
        return cls(
            user_agent=settings.sec_user_agent,
            data_url=settings.sec_data_url,
            www_url=settings.sec_www_url,
            requests_per_second=settings.sec_requests_per_second,
            timeout_seconds=settings.sec_timeout_seconds,
            block_seconds=settings.sec_block_seconds,
            retries=settings.retries,
            retry_base_seconds=settings.retry_base_seconds,
            retry_max_seconds=settings.retry_max_seconds,
            block=block or Block(settings.data_dir / BLOCK_FILE),
            limiter=limiter,
            gates=gates,
            now=now,
            max_bytes=max_bytes,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    async def data(self, path: str, dataset: str, known: KnownDocument | None = None) -> Answer:
        """A JSON document of data.sec.gov; `path` begins with a slash."""
        return await self.fetch(self.data_url + path, dataset, "json", known)

    async def www(
        self, path: str, dataset: str, kind: Kind = "json", known: KnownDocument | None = None
    ) -> Answer:
        """A document of www.sec.gov; `path` begins with a slash."""
        return await self.fetch(self.www_url + path, dataset, kind, known)

    async def fetch(
        self, url: str, dataset: str, kind: Kind = "json", known: KnownDocument | None = None
    ) -> Answer:
        """A document, unpacked, hashed and looked at.

        Passing failures are tried again with full jitter (429 and 503 as long as they say, capped).
        ValidationError without a contact, BlockedError while the SEC has blocked us,
        NotFoundError for 404, ForeignAnswerError when an HTML page came instead of data.
        """
        gate = self._gates(self._base_of(url))

        async def again(_: OpenbellError, __: float) -> None:
            metrics.http_retry(host_of(url))

        return await self._retry.run(
            lambda: gate.attempt(
                lambda: self._once(url, dataset, kind, known or KnownDocument()), url
            ),
            again,
        )

    async def sign_of_life(self, url: str) -> None:
        """Ask for a document and let go of it once the answer begins; no gate and no retries.

        A typed error when the host is down or has blocked us; a document that is not there is an
        answer like any other.
        """
        asked = "sign of life"
        async with self._answering(url, asked, KnownDocument()) as found:
            good = found.status in (200, 404)
            with transport_errors(asked, where_of(url)):
                body = b"" if good else await found.content.read(_ERROR_BYTES)
        if not good:
            self._must_be_good(found, body, where_of(url), asked)

    def _base_of(self, url: str) -> str:
        return self.data_url if url.startswith(self.data_url) else self.www_url

    def _must_not_be_blocked(self, where: str, dataset: str) -> None:
        until = self.block.until(self._now())
        if until:
            raise _blocked(until, where, dataset)

    async def _once(self, url: str, dataset: str, kind: Kind, known: KnownDocument) -> Answer:
        async with self._answering(url, dataset, known) as response:
            packed = await read_bounded(
                response,
                max_bytes=self._max_bytes,
                idle_seconds=self._timeout,
                what=dataset,
            )
        if response.status == 304 and (known.etag or known.last_modified):
            return Answer(url, b"", known.sha256 or "", known.etag, known.last_modified, True)
        self._must_be_good(response, packed, where_of(url), dataset)
        return await asyncio.get_running_loop().run_in_executor(
            _UNPACKING, self._opened, response, packed, kind, known, dataset
        )

    @asynccontextmanager
    async def _answering(
        self, url: str, dataset: str, known: KnownDocument
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request in its turn; all of it, with what is read inside, within the deadline."""
        host, where = host_of(url), where_of(url)
        headers = _headers(checked_user_agent(self._user_agent, host), known)
        self._must_not_be_blocked(where, dataset)
        async with self._limiter.slot() as slot:
            self._must_not_be_blocked(where, dataset)  # it may have come while we waited
            self.requests += 1
            try:
                async with (
                    asyncio.timeout(self._timeout),
                    self._get(url, dataset, headers, slot) as response,
                ):
                    yield response
            except TimeoutError:
                raise DeadlineError(
                    f"{dataset}: no answer within {self._timeout:g} seconds", where=where
                ) from None

    @asynccontextmanager
    async def _get(
        self, url: str, dataset: str, headers: dict[str, str], slot: Slot
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose headers are there; the slot hears of it."""
        async with get(
            self._open(), url, dataset, headers=headers, answer_seconds=self._timeout
        ) as response:
            slot.answered()
            yield response

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connect_seconds = min(_CONNECT_SECONDS, self._timeout)
            self._session = new_session(connect_seconds=connect_seconds)
        return self._session

    def _must_be_good(
        self, response: aiohttp.ClientResponse, packed: bytes, where: str, dataset: str
    ) -> None:
        status = response.status
        if status == 200:
            return
        if status == 403 and b"<Code>AccessDenied</Code>" in packed and "/Archives/" in where:
            # the archive says so of files that do not exist, as on days without filings
            raise NotFoundError(f"{dataset}: the SEC's archive has no such file", where=where)
        if status == 403:
            until = self.block.begin(self._now(), self._block_seconds, where)
            raise _blocked(until, where, dataset)
        error = status_error(status, dataset, where, response.headers, self._now())
        raise error or ProtocolError(f"{dataset}: an answer of status {status}", where=where)

    def _opened(
        self,
        response: aiohttp.ClientResponse,
        packed: bytes,
        kind: Kind,
        known: KnownDocument,
        dataset: str,
    ) -> Answer:
        url = str(response.url)
        where = where_of(url)
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        body = unpacked(packed, encoding, self._max_bytes, where, dataset)
        digest = hashlib.sha256(body).hexdigest()
        must_be_kind(body, kind, where, dataset)
        same = digest == known.sha256
        return Answer(
            url,
            b"" if same else body,
            digest,
            response.headers.get("ETag"),
            response.headers.get("Last-Modified"),
            same,
            len(packed),
        )


def _headers(user_agent: str, known: KnownDocument) -> dict[str, str]:
    headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"}
    if known.etag:
        headers["If-None-Match"] = known.etag
    elif known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _blocked(until: datetime, where: str, dataset: str) -> BlockedError:
    return BlockedError(
        f"{dataset}: the SEC has blocked us; nothing is asked before {until:%Y-%m-%d %H:%M:%S}Z",
        until=until,
        where=where,
        hint="check OPENBELL_SEC_USER_AGENT and that nothing else here asks the SEC",
    )
