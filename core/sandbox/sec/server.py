"""A stand-in for the SEC on loopback: its rules, answers and faults; documents from a provider.

It checks the User-Agent (403 and an HTML page without a contact), counts requests (403 above the
rate), answers `If-None-Match` with 304, packs with gzip when asked, and says 404 in the archive's
own XML. data.sec.gov and www.sec.gov are the same address here.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import time
import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self

from aiohttp import web

from core.errors import UsageError

FAULTS = {
    "sec-403": "the block page of the SEC",
    "sec-429": "asked too often, with Retry-After",
    "sec-503": "not available",
    "sec-html": "an HTML page with status 200",
    "sec-empty": "an empty answer",
    "sec-garbage": "half a JSON document",
    "sec-truncated": "the connection ends in the middle of the body",
    "sec-cut-gzip": "packed data that ends early, with a fitting length",
    "sec-drop": "the connection ends before the answer",
    "sec-slow": "silence",
    "sec-bomb": "a small answer that unpacks to 256 MiB",
    "sec-redirect": "a redirect to another host",
    "sec-404": "no such document",
}
_CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BLOCK_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head>"
    b"<body><h1>Your Request Originates from an Undeclared Automated Tool</h1></body></html>"
)
_NO_SUCH_KEY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified '
    "key does not exist.</Message><Key>{key}</Key><RequestId>STANDIN</RequestId></Error>"
)
_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    b"<Message>Access Denied</Message><RequestId>STANDIN</RequestId></Error>"
)


@dataclass(frozen=True)
class Document:
    """One document as served; give `packed` (gzip) where it is at hand."""

    body: bytes
    media: str = "application/json"
    packed: bytes | None = None

    @cached_property
    def etag(self) -> str:
        """A validator that changes with the bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    @cached_property
    def gzipped(self) -> bytes:
        """The body packed with gzip; always the same bytes for the same body."""
        return self.packed if self.packed is not None else gzip.compress(self.body, 6, mtime=0)


class Documents(Protocol):
    """Where the documents come from; a document that does not change should be the same object."""

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        """The document at a path (`/submissions/CIK0000320193.json`), None when there is none."""


@dataclass
class Fault:
    """A fault on paths that contain `on`; `times` counts down, None lasts for ever."""

    name: str
    on: str = ""
    times: int | None = None
    retry_after: str = "0"

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise UsageError(f"{self.name!r} is no fault; there are {', '.join(FAULTS)}")


@dataclass
class Seen:
    """What the stand-in was asked: path with query, status, instant (monotonic seconds)."""

    path: str
    status: int
    at: float
    headers: dict[str, str] = field(default_factory=dict)


class SecSandbox:
    """The stand-in. `async with SecSandbox(documents) as sec: sec.url` on a free port."""

    def __init__(
        self,
        documents: Documents,
        *,
        max_per_second: int | None = 10,
        faults: Iterable[Fault] = (),
        port: int = 0,
        keep_requests: int = 10_000,
    ) -> None:
        self.documents = documents
        self.faults = list(faults)
        self.requests: deque[Seen] = deque(maxlen=keep_requests)
        self.port = port
        self._max_per_second = max_per_second
        self._recent: deque[float] = deque()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address for both SEC settings."""
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> web.Application:
        """The stand-in as an aiohttp application."""
        app = web.Application()
        app.router.add_route("GET", "/{path:.*}", self.answer)
        return app

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every path of the SEC's two hosts comes here."""
        response = await self._respond(request)
        seen = Seen(request.path_qs, response.status, time.monotonic(), dict(request.headers))
        self.requests.append(seen)
        return response

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        if not _CONTACT.search(request.headers.get("User-Agent", "")) or self._too_fast():
            return _page(403)
        fault = self._fault(request.path_qs)
        if fault:
            return await _faulty(request, fault, self._found(request))
        document = self._found(request)
        if document is None:
            return _missing(request.path)
        return _served(request, document)

    def _found(self, request: web.Request) -> Document | None:
        return self.documents.document(request.path, request.query)

    def _too_fast(self) -> bool:
        if self._max_per_second is None:
            return False
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] <= now - 1.0:
            self._recent.popleft()
        return len(self._recent) > self._max_per_second

    def _fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.on in path and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _served(request: web.Request, document: Document) -> web.Response:
    headers = {"ETag": document.etag, "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == document.etag:
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(
            body=document.gzipped, headers=headers | {"Content-Type": document.media}
        )
    return web.Response(body=document.body, headers=headers | {"Content-Type": document.media})


def _missing(path: str) -> web.Response:
    if path.startswith("/Archives/"):
        return web.Response(status=403, body=_DENIED, content_type="application/xml")
    text = _NO_SUCH_KEY.format(key=path.lstrip("/").replace("&", "&amp;").replace("<", "&lt;"))
    return web.Response(status=404, text=text, content_type="application/xml")


def _page(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=_BLOCK_PAGE, content_type="text/html", headers=headers)


async def _faulty(
    request: web.Request, fault: Fault, document: Document | None
) -> web.StreamResponse:
    body = document.body if document else b'{"cik":1,"facts":{}}'
    if fault.name == "sec-slow":
        await asyncio.sleep(3600)
    if fault.name in ("sec-truncated", "sec-drop", "sec-slow"):
        return await _broken_off(request, body, started=fault.name == "sec-truncated")
    if fault.name == "sec-bomb":
        return _packed(await asyncio.to_thread(_bomb))
    return {
        "sec-403": lambda: _page(403),
        "sec-503": lambda: _page(503),
        "sec-429": lambda: _page(429, {"Retry-After": fault.retry_after}),
        "sec-404": lambda: _missing(request.path),
        "sec-html": lambda: _page(200),
        "sec-empty": lambda: web.Response(body=b"", content_type="application/json"),
        "sec-garbage": lambda: web.Response(
            body=body[: len(body) // 2], content_type="application/json"
        ),
        "sec-cut-gzip": lambda: _packed(gzip.compress(body)[:-20]),
        "sec-redirect": lambda: web.Response(
            status=302, headers={"Location": "http://example.invalid/"}
        ),
    }[fault.name]()


def _packed(body: bytes) -> web.Response:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return web.Response(body=body, headers=headers)


async def _broken_off(request: web.Request, body: bytes, *, started: bool) -> web.StreamResponse:
    """An answer whose connection ends too early."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    if started:
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.abort()
    return response


def _bomb() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    chunk = b" " * (8 * 1024 * 1024)
    return b"".join([packer.compress(chunk) for _ in range(32)] + [packer.flush()])
