"""Answers that the store alone decides, kept as bytes until the next commit.

A resource declared `stored` says the same to the same reader until something is committed. What it
said is found before routing, the thread that would read, and the read itself; also the tag of who
has the answer already. Only `as_of`, the instant it is told at, is written anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from app.api import envelope
from app.doors import credentials
from app.doors.credentials import CALLER, Visitor
from app.gate import Application, Receive, Scope, Send
from core.domain.access.principals import Role
from core.service import current
from core.service.desk import Desk

KEEP = "openbell.keep"  # of a scope: takes the answer that is to be kept
ANSWERS = 128
LARGEST = 128 * 1024  # bytes of one; so all of them are 16 MB at most
Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class RememberedRead:
    """An answer of 200 without its instant; `route` is what it is counted under."""

    said: envelope.Said
    headers: Mapping[str, str]
    route: Any


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
        if found is None:
            scope[KEEP] = self._keeper(key)
            await self.app(scope, receive, send)
            return
        self._kept.move_to_end(key)
        scope["route"] = found.route
        await _again(found, desk, scope)(scope, receive, send)

    def _keeper(self, key: Key) -> Callable[[RememberedRead], None]:
        def keep(answer: RememberedRead) -> None:
            if len(answer.said.data) > LARGEST:
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


def keep(scope: Scope, answer: Response, said: envelope.Said | None) -> None:
    """Let a stored answer be kept, where there is something that keeps it."""
    keeper = scope.get(KEEP)
    if keeper is not None and said is not None and answer.status_code in (200, 304):
        unsaid = ("content-length", "content-type")
        headers = {name: value for name, value in answer.headers.items() if name not in unsaid}
        keeper(RememberedRead(said, headers, scope.get("route")))


def _again(found: RememberedRead, desk: Desk, scope: Scope) -> Response:
    if envelope.matches(credentials.header(scope, b"if-none-match") or "", found.said.tag):
        return Response(None, 304, dict(found.headers))
    body = found.said.whole(desk.now())
    return Response(body, 200, dict(found.headers), media_type=envelope.JSON)
