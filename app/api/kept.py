"""Answers that the store alone decides, kept as bytes until the next commit.

A resource declared `stored` says the same to the same reader until something is committed; one with
a `mark` until that is another, too. What it said is found before routing, the thread that would
read, and the read itself; also the tag of who has the answer already. Only `as_of`, the instant it
is told at, is written anew.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from app.api import correlating, envelope
from app.api.resources.kernel import Mark
from app.doors import credentials
from app.doors.credentials import CALLER, Visitor
from app.gate import Application, Receive, Scope, Send
from core.domain.access.principals import Role
from core.observe import logs, work
from core.service import current
from core.service.desk import Desk

KEEP = "openbell.keep"  # of a scope: takes the answer that is to be kept
ANSWERS = 128
LARGEST = 128 * 1024  # bytes of one; so all of them are 16 MB at most
PACKED = 500  # bytes from which on an answer is packed for who asks for that
Key = tuple[Hashable, ...]
Headers = tuple[tuple[bytes, bytes], ...]
_UNSAID = (b"content-length", b"content-type", b"vary")


@dataclass(frozen=True, slots=True)
class Lasting:
    """What decides of an answer beside the store, as it was before the answer was read."""

    mark_of: Mark | None = None
    mark: Hashable | None = None

    def lasts(self, desk: Desk) -> bool:
        """Whether nothing has changed since."""
        return self.mark_of is None or self.mark_of(desk) == self.mark


@dataclass(frozen=True, slots=True)
class RememberedRead:
    """An answer of 200 without its instant; `route` is what it is counted under."""

    said: envelope.Said
    headers: Headers
    vary: bytes
    route: str
    lasting: Lasting

    def status_and_body(self, kept: str, desk: Desk) -> tuple[int, bytes]:
        """What is sent to who has kept answers of those tags."""
        if kept and envelope.matches(kept, self.said.tag):
            return 304, b""
        return 200, self.said.whole(desk.now())

    def told(self, body: bytes, identifier: str, *, varies: bool) -> list[tuple[bytes, bytes]]:
        """The headers of an answer; `varies`: also that it could be packed, where it could be."""
        vary = self.vary + b", Accept-Encoding" if varies and len(body) >= PACKED else self.vary
        found = [*self.headers, (b"vary", vary)]
        if body:
            found.append((b"content-length", str(len(body)).encode()))
            found.append((b"content-type", envelope.JSON.encode()))
        return [*found, (b"x-correlation-id", identifier.encode())]


class RememberedReads:
    """An application whose stored answers are given again while the store stays as it is."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self._kept: OrderedDict[Key, RememberedRead] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give what is kept; else ask, and keep what may be."""
        desk = current.desk_or_none()
        key = _key(scope, desk) if desk is not None else None
        if desk is None or key is None:
            await self.app(scope, receive, send)
            return
        found = self._kept.get(key)
        if found is None or not found.lasting.lasts(desk):
            scope[KEEP] = self._keeper(key)
            await self.app(scope, receive, send)
            return
        self._kept.move_to_end(key)
        packs = "gzip" in (credentials.header(scope, b"accept-encoding") or "")
        again: Application = _Again(found, desk, varies=not packs)  # else the packing says so
        if packs:
            again = GZipMiddleware(again, minimum_size=PACKED)
        await again(scope, receive, send)

    def _keeper(self, key: Key) -> Callable[[RememberedRead], None]:
        def keep(answer: RememberedRead) -> None:
            if len(answer.said.before) > LARGEST:
                return
            self._kept[key] = answer
            while len(self._kept) > ANSWERS:
                self._kept.popitem(last=False)

        return keep


def _key(scope: Scope, desk: Desk) -> Key | None:
    """All that an answer depends on, taken before it is read; None for what is never kept."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    caller: Visitor | None = scope.get(CALLER)
    who = caller.who if caller else None
    if caller is None or who is None or not who.may(Role.VIEWER):
        return None
    asked = [credentials.header(scope, name) for name in (b"host", b"accept")]
    minute = desk.now().replace(second=0, microsecond=0)  # some tell what was known by today
    return (*desk.state, minute, who, caller.secure, scope["path"], scope["query_string"], *asked)


def keep(scope: Scope, answer: Response, lasting: Lasting) -> None:
    """Let an answer be kept, where there is something that keeps it."""
    keeper, said = scope.get(KEEP), getattr(answer, "said", None)
    if keeper is not None and said is not None and answer.status_code in (200, 304):
        headers = tuple(pair for pair in answer.raw_headers if pair[0] not in _UNSAID)
        vary = answer.headers["vary"].encode()
        route = getattr(scope.get("route"), "path", "none")
        keeper(RememberedRead(said, headers, vary, route, lasting))


class _Again:
    """Sends what is kept, named and counted as any answer."""

    def __init__(self, found: RememberedRead, desk: Desk, *, varies: bool) -> None:
        self._found, self._desk, self._varies = found, desk, varies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found, began = self._found, time.perf_counter()
        identifier = correlating.given(scope) or logs.new_correlation_id()
        kept = credentials.header(scope, b"if-none-match") or ""
        status, body = found.status_and_body(kept, self._desk)
        headers = found.told(body, identifier, varies=self._varies)
        work.api_request(found.route, "GET", status, time.perf_counter() - began)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
