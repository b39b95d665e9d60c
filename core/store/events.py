"""Events in the store: added in the transaction that makes the change, read in pages, kept a while.

Ids grow in the order of commits, so that whoever has read up to one can go on from there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from core.observe import work
from core.observe.events import Event, family
from core.store.journal import Reader
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

INSTANT = pl.Datetime("us", "UTC")
SCHEMA: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "event_id": pl.String,
    "happened_at": INSTANT,
    "kind": pl.String,
    "subject": pl.String,
    "severity": pl.String,
    "actor": pl.String,
    "message": pl.String,
    "correlation_id": pl.String,
    "value_before": pl.String,
    "value_after": pl.String,
}
LONGEST = 2000  # letters of a message


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are asked for; None and empty: all. `text` stands in subject or message."""

    kinds: Sequence[str] = ()
    severities: Sequence[str] = ()
    subject: str | None = None
    actor: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def add(tx: Transaction, events: Sequence[Event], at: datetime) -> list[str]:
    """Store events of one instant; the ids of those that are news.

    One of a steady kind is left out where the last of its trouble and subject said the same.
    """
    ids: list[str] = []
    for event in events:
        if not (event.kind.steady and _is_told(tx, event)):
            ids.append(_insert(tx, event, at, _next_id(tx, at)))
    return ids


def _insert(tx: Transaction, event: Event, at: datetime, event_id: str) -> str:
    row = (
        event_id,
        at,
        event.kind.name,
        event.subject,
        event.severity,
        event.actor,
        event.message[:LONGEST],
        event.correlation_id,
        _json(event.before),
        _json(event.after),
    )
    tx.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    counted = work.EVENTS.labels(event.kind.name, event.severity)
    tx.after_commit.append(counted.inc)
    return event_id


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def _is_told(tx: Transaction, event: Event) -> bool:
    last = tx.read(
        "SELECT kind FROM events WHERE subject = ? AND kind IN (SELECT unnest(?)) "
        "ORDER BY event_id DESC LIMIT 1",
        [event.subject, list(family(event.kind))],
    )
    if last.is_empty():
        return event.kind.phase == "ends"
    return bool(last.item() == event.kind.name)


def _next_id(tx: Transaction, at: datetime) -> str:
    """Microseconds since 1970 in hex, later than every id before it, and a tail by chance."""
    last = tx.read("SELECT max(event_id) FROM events").item()
    count = max(int(at.timestamp() * 1e6), int(last[:14], 16) + 1 if last else 0)
    return f"{count:014x}{secrets.token_hex(3)}"


def last_id(reader: Reader) -> str | None:
    """The id of the latest event; None when there is none."""
    found: str | None = reader.read("SELECT max(event_id) FROM events").item()
    return found


def page(
    reader: Reader,
    chosen: EventFilter,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 100,
) -> pl.DataFrame:
    """Events (columns of SCHEMA) newest first; with `after` an id, those that follow, oldest first.

    `before` an id: older ones than that.
    """
    order = "ASC" if after is not None else "DESC"
    return reader.read(
        f"SELECT {', '.join(SCHEMA)} FROM events "
        "WHERE ($after IS NULL OR event_id > $after) AND ($before IS NULL OR event_id < $before) "
        "AND (len($kinds::VARCHAR[]) = 0 OR kind IN (SELECT unnest($kinds::VARCHAR[])) "
        "  OR split_part(kind, '.', 1) IN (SELECT unnest($kinds::VARCHAR[]))) "
        "AND (len($severities::VARCHAR[]) = 0 "
        "  OR severity IN (SELECT unnest($severities::VARCHAR[]))) "
        "AND ($subject IS NULL OR subject = $subject) AND ($actor IS NULL OR actor = $actor) "
        "AND ($text IS NULL OR contains(lower(subject || ' ' || message), lower($text))) "
        "AND ($since IS NULL OR happened_at >= $since) "
        "AND ($until IS NULL OR happened_at < $until) "
        f"ORDER BY event_id {order} LIMIT $limit",
        {
            "after": after,
            "before": before,
            "kinds": list(chosen.kinds),
            "severities": list(chosen.severities),
            "subject": chosen.subject,
            "actor": chosen.actor,
            "text": chosen.text,
            "since": chosen.since,
            "until": chosen.until,
            "limit": limit,
        },
    )


def get(reader: Reader, event_id: str) -> dict[str, Any] | None:
    """What an event says after it; None when there is no such event."""
    found = reader.read("SELECT value_after FROM events WHERE event_id = ?", [event_id])
    return None if found.is_empty() else orjson.loads(found.item() or "{}")


def told(reader: Reader, kind: str, subjects: Sequence[str]) -> set[str]:
    """Those of the subjects of which an event of that kind is stored."""
    found = reader.read(
        "SELECT DISTINCT subject FROM events WHERE kind = ? AND subject IN (SELECT unnest(?))",
        [kind, list(subjects)],
    )
    return set(found["subject"].to_list())


def last_of(reader: Reader, kinds: Sequence[str]) -> datetime | None:
    """When an event of these kinds happened last."""
    found: datetime | None = reader.read(
        "SELECT max(happened_at) FROM events WHERE kind IN (SELECT unnest(?))", [list(kinds)]
    ).item()
    return found


def purge(warehouse: Warehouse, before: datetime) -> int:
    """Forget events older than an instant; how many there were."""
    old: int = warehouse.read_anew(
        "SELECT count(*) FROM events WHERE happened_at < ?", [before]
    ).item()
    if old:
        with warehouse.transaction() as tx:
            tx.execute("DELETE FROM events WHERE happened_at < ?", [before])
    return old


def known_settings(reader: Reader) -> dict[str, str]:
    """The settings of the last start."""
    return dict(reader.read("SELECT name, value FROM known_settings").iter_rows())


def setting_changes(tx: Transaction, values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Keep the settings of this start; name, value before and value now of what differs.

    Empty at the first start, when nothing was known.
    """
    known = known_settings(tx)
    if known == values:
        return []
    tx.execute("DELETE FROM known_settings")
    tx.insert(
        "known_settings", pl.DataFrame({"name": list(values), "value": list(values.values())})
    )
    names = sorted({*known, *values}) if known else []
    differ = ((name, known.get(name, ""), values.get(name, "")) for name in names)
    return [(name, before, now) for name, before, now in differ if before != now]


def latest(reader: Reader, kind: str, subjects: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the last event of a kind says after it, by subject."""
    found = reader.read(
        "SELECT subject, arg_max(value_after, event_id) AS value_after FROM events "
        "WHERE kind = ? AND subject IN (SELECT unnest(?::VARCHAR[])) GROUP BY subject",
        [kind, list(subjects)],
    )
    return {subject: orjson.loads(text) if text else {} for subject, text in found.iter_rows()}
