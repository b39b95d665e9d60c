"""Events for people and scripts: pages of them by filters, the export, and what follows an id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from core.domain.access.principals import Role
from core.errors import UsageError
from core.observe.events import KINDS, SEVERITIES
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import events as store
from core.store.events import EventFilter

if TYPE_CHECKING:
    from core.service.desk import Desk

Wanted = EventFilter  # which events, as pages are given it
MOST = 1000  # events of one page
EXPORTED = 1_000_000
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS.values()))


def chosen(
    kinds: Sequence[str] = (),
    severities: Sequence[str] = (),
    *,
    subject: str | None = None,
    actor: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> EventFilter:
    """A filter; `kinds` may be whole groups (`pull`). UsageError for an unknown word."""
    _known("kind of event", kinds, (*KINDS, *GROUPS))
    _known("severity", severities, SEVERITIES)
    return EventFilter(
        tuple(kinds),
        tuple(severities),
        subject or None,
        actor or None,
        text or None,
        _aware(since),
        _aware(until),
    )


def listing(
    desk: Desk, wanted: EventFilter, *, before: str | None = None, limit: int = MOST
) -> pl.DataFrame:
    """Events newest first (columns of `core.store.events.SCHEMA`), older than the id `before`."""
    return store.page(desk.warehouse, wanted, before=before, limit=limit)


def following(
    desk: Desk, wanted: EventFilter, after: str, limit: int = MOST
) -> list[dict[str, Any]]:
    """Events that came after an id, oldest first, as documents."""
    return documents(store.page(desk.warehouse, wanted, after=after, limit=limit))


def last_id(desk: Desk) -> str:
    """The id of the latest event; empty, which is before every id, when there is none."""
    return store.last_id(desk.warehouse) or ""


def documents(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Events as JSON-able documents with `before` and `after` as objects."""
    return [_document(row) for row in frame.iter_rows(named=True)]


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["event_id"],
        "at": row["happened_at"],
        "kind": row["kind"],
        "subject": row["subject"],
        "severity": row["severity"],
        "actor": row["actor"],
        "message": row["message"],
        "correlation_id": row["correlation_id"],
        "before": orjson.loads(row["value_before"]) if row["value_before"] else None,
        "after": orjson.loads(row["value_after"]) if row["value_after"] else None,
    }


def _known(what: str, words: Sequence[str], known: Sequence[str]) -> None:
    for word in words:
        if word not in known:
            raise UsageError(f"there is no {what} {word!r}", hint=f"there are: {', '.join(known)}")


def _aware(instant: datetime | None) -> datetime | None:
    """An instant given without a zone is UTC."""
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


@command("events", needs=Role.VIEWER)
def events_command(
    desk: Desk,
    *,
    kind: list[str] | None = None,
    severity: list[str] | None = None,
    subject: str | None = None,
    actor: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 100,
) -> dict[str, Any]:
    """What happened, newest first; with `after` an id what followed it, oldest first.

    `next` is the id to give as `before` (or `after`) for the next page; null when there is none.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit must lie between 1 and {MOST:,}")
    wanted = chosen(
        kind or (),
        severity or (),
        subject=subject,
        actor=actor,
        text=text,
        since=since,
        until=until,
    )
    found = store.page(desk.warehouse, wanted, after=after, before=before, limit=limit)
    full = found.height == limit
    return {"events": documents(found), "next": found["event_id"][-1] if full else None}


@export("events", needs=Role.VIEWER)
def export_events(
    desk: Desk,
    *,
    kind: str | None = None,
    severity: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """What happened, newest first, with before and after as JSON text."""
    wanted = chosen(
        [kind] if kind else (),
        [severity] if severity else (),
        subject=subject,
        since=since,
        until=until,
    )
    return store.page(desk.warehouse, wanted, limit=EXPORTED)
