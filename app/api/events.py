"""Events over HTTP: pages of JSON, or a stream that goes on where a listener stopped."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
import anyio.to_thread
import polars as pl
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from app.api import answering, paging
from app.api.callers import address_of, authorised
from app.api.description import MEDIA
from app.api.envelope import JSON
from app.doors import credentials
from app.doors.credentials import CALLER, Visitor
from app.run import dumps
from core.domain.access.principals import LOCAL, Principal
from core.errors import UsageError
from core.service import current
from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import access, commands
from core.store.events import EventFilter

router = APIRouter(prefix="/v1")
Who = Annotated[Principal, Depends(authorised)]
STREAM = "text/event-stream"
LOOK_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
HERE = Visitor(LOCAL, "", own=True)
_LISTS = ("kind", "severity")
_ID = re.compile(r"[0-9a-f]{20}")  # of an event
_PAGES = {"limit", "before", "after"}
_TEXT = {"type": "string"}
_WORDS = {"type": "array", "items": _TEXT}
_PARAMETERS: dict[str, Any] = {
    "kind": _WORDS,
    "severity": _WORDS,
    "subject": _TEXT,
    "actor": _TEXT,
    "text": _TEXT,
    "since": {"type": "string", "format": "date-time"},
    "until": {"type": "string", "format": "date-time"},
    "after": _TEXT,
    "cursor": _TEXT,
    "limit": {"type": "integer", "minimum": 1, "maximum": feed.MOST, "default": 100},
    "fields": _TEXT,
}
_COLUMNS: dict[str, Any] = {  # of an event in a table; what was before and after is JSON text
    "id": pl.String,
    "at": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("kind", "subject", "severity", "actor", "message"), pl.String),
    **dict.fromkeys(("correlation_id", "before", "after"), pl.String),
}
_DESCRIBED: dict[str, Any] = {
    "security": [{"token": []}],
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in _PARAMETERS.items()
    ]
    + [{"name": "If-None-Match", "in": "header", "required": False, "schema": _TEXT}],
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or the stream of them.",
        "content": {
            **{media: {"schema": {}} for media in MEDIA.values()},
            JSON: {"schema": {"type": "object"}},
            STREAM: {"schema": _TEXT},
        },
    },
    304: {"description": "It is as the tag that was given says."},
}


@router.get(
    "/events",
    openapi_extra=_DESCRIBED,
    responses=_ANSWERS,
    response_class=Response,
)
async def events(request: Request, who: Who) -> Response:
    """What happened, newest first; as a stream (`Accept: text/event-stream`) as it happens.

    Pages have fields, tags and tables as those of any list. A stream begins with what followed
    `Last-Event-ID` (or `after`), or now.
    """
    asked = _asked(request)
    fields = answering.fields_of(asked.pop("fields", None))
    desk = current.desk()
    if cursor := asked.pop("cursor", ""):
        asked["before"] = _cursor(cursor)
    accepted = request.headers.get("accept", "")
    if STREAM in accepted:
        if fields:
            told = "is for pages: a stream tells events whole"
            raise UsageError(f"fields {told}", fields=[("fields", told)])
        return await _stream(desk, request, asked, who)
    media = answering.media_of(accepted, [JSON, *answering.TABLES])
    kept = request.headers.get("if-none-match", "")
    wish = answering.Wish(media, fields, paging.PageAsk(), kept)

    def page() -> tuple[Response, str | None]:
        found = commands.run(desk, "events", asked).document
        rows, following = found["events"], found["next"]
        return answering.of_rows(desk, rows, _frame(rows), wish, following), following

    with access.acting(who):
        answer, following = await anyio.to_thread.run_sync(page)
    answer.headers.update(_link(request, following))
    return answer


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Events as a table."""
    flat = [{**row, "before": _flat(row["before"]), "after": _flat(row["after"])} for row in rows]
    return pl.DataFrame(flat, schema=_COLUMNS)


def _flat(value: Any) -> str | None:
    return None if value is None else dumps(value).decode()


def _cursor(text: str) -> str:
    """The id that a page ended with; UsageError for what none can be."""
    if not _ID.fullmatch(text):
        raise UsageError(
            "the cursor is none that was given", fields=[("cursor", "is none that was given")]
        )
    return text


def _asked(request: Request) -> dict[str, Any]:
    """The parameters of the query as arguments of the command."""
    query = request.query_params
    unknown = set(query) - set(_PARAMETERS)
    if unknown:
        fields = [(name[:60], "is no parameter here") for name in sorted(unknown)]
        raise UsageError(f"there is no parameter {sorted(unknown)[0][:60]!r} here", fields=fields)
    for name in set(query) - set(_LISTS):
        if len(query.getlist(name)) > 1:
            raise UsageError(f"{name} is given twice", fields=[(name, "is given twice")])
    return {name: query.getlist(name) if name in _LISTS else query[name] for name in query}


def _link(request: Request, following: str | None) -> dict[str, str]:
    if following is None:
        return {}
    name = "after" if "after" in request.query_params else "cursor"
    return {
        "Link": f'<{address_of(request).include_query_params(**{name: following})}>; rel="next"'
    }


async def _stream(desk: Desk, request: Request, asked: dict[str, Any], who: Principal) -> Response:
    given = request.headers.get("last-event-id") or asked.get("after")
    plain = {name: value for name, value in asked.items() if name not in _PAGES}

    def begin() -> tuple[EventFilter, str]:
        commands.run(desk, "events", asked)  # refuses what is wrong, as pages do
        return _filter(plain), given if given is not None else feed.last_id(desk)

    with access.acting(who):
        wanted, after = await anyio.to_thread.run_sync(begin)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    caller = request.scope.get(CALLER) or credentials.of(request.scope, desk)
    stream = follow(desk, wanted, after, caller)
    return StreamingResponse(stream, media_type=STREAM, headers=headers)


def _filter(asked: dict[str, Any]) -> EventFilter:
    entry = commands.command.entries["events"].arguments.model_validate(asked)
    words = entry.model_dump(include={"subject", "actor", "text", "since", "until"})
    return feed.chosen(asked.get("kind", ()), asked.get("severity", ()), **words)


async def follow(
    desk: Desk,
    wanted: EventFilter,
    after: str,
    caller: Visitor = HERE,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """Server-sent events after an id until the desk closes, or whoever listens may no more read.

    A comment when nothing happens.
    """
    yield b"retry: 1000\n\n"
    silent, seen = anyio.current_time(), -1
    while not desk.closing.is_set() and credentials.still_reads(desk.roster, caller):
        if desk.warehouse.commits != seen:
            seen = desk.warehouse.commits
            found = await anyio.to_thread.run_sync(feed.following, desk, wanted, after)
            for event in found:
                yield _sent(event)
            if found:
                after, silent, seen = found[-1]["id"], anyio.current_time(), -1
                continue
        if anyio.current_time() - silent >= heartbeat_seconds:
            silent = anyio.current_time()
            yield b": still here\n\n"
        await anyio.sleep(LOOK_SECONDS)


def _sent(event: dict[str, Any]) -> bytes:
    head = f"id: {event['id']}\nevent: {event['kind']}\n".encode()
    return head + b"data: " + dumps(event) + b"\n\n"
