"""Alerts in the store: what each reader was told, and how far the events have been looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from core.domain.alerts.rules import AlertRule
from core.store.journal import Reader
from core.store.transaction import Transaction

SCHEMA = (
    "alert_id", "reader", "event_id", "happened_at", "kind", "subject", "severity", "message",
    "trouble", "ends", "cause", "bell", "ended_at", "read_at",
)  # fmt: skip
SHOWN = ("alert_id", "happened_at", "kind", "subject", "severity", "message", "ends", "ended_at",
         "read_at", "event_id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that one reader is told. `ends`: the alert that it says is over; `cause`: that of
    the trouble behind it, which speaks for it as long as it lasts.
    """

    alert_id: str
    reader: str
    event_id: str
    happened_at: datetime
    kind: str
    subject: str
    severity: str
    message: str
    trouble: str | None = None
    ends: str | None = None
    cause: str | None = None
    bell: bool = False
    ended_at: datetime | None = None
    read_at: datetime | None = None


def cursor(reader: Reader) -> str | None:
    """The last event that was looked at; None before the first look."""
    found: str | None = reader.read("SELECT max(event_id) FROM alert_cursor").item()
    return found


def move(tx: Transaction, event_id: str) -> None:
    """Events up to that one have been looked at."""
    tx.execute("DELETE FROM alert_cursor")
    tx.execute("INSERT INTO alert_cursor VALUES (?)", [event_id])


def rules(reader: Reader) -> dict[str, tuple[AlertRule, ...]]:
    """The rules of everybody who has changed theirs, by reader."""
    found = reader.read(
        "SELECT reader, rule_id, name, kinds, subject, severity, quiet, sinks, enabled "
        "FROM alert_rules ORDER BY reader, place"
    )
    made: dict[str, tuple[AlertRule, ...]] = {}
    for row in found.iter_rows(named=True):
        who = row.pop("reader")
        lists = {name: tuple(row[name].split()) for name in ("kinds", "sinks")}
        made[who] = (*made.get(who, ()), AlertRule(**{**row, **lists}))
    return made


def put_rules(tx: Transaction, reader: str, kept: Sequence[AlertRule], at: datetime) -> None:
    """Keep all rules of a reader instead of what was kept; with none the defaults count again."""
    tx.execute("DELETE FROM alert_rules WHERE reader = ?", [reader])
    for place, rule in enumerate(kept):
        tx.execute(
            "INSERT INTO alert_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [reader, place, rule.rule_id, rule.name, " ".join(rule.kinds), rule.subject,
             rule.severity, rule.quiet, " ".join(rule.sinks), rule.enabled, at],
        )  # fmt: skip


def add(tx: Transaction, alert: Alert) -> None:
    """Keep an alert."""
    values = [getattr(alert, name) for name in SCHEMA]
    tx.execute(f"INSERT INTO alerts VALUES ({', '.join('?' * len(values))})", values)


def is_known(tx: Transaction, alert_id: str) -> bool:
    """Whether there is an alert of that id."""
    return bool(tx.read("SELECT count(*) FROM alerts WHERE alert_id = ?", [alert_id]).item())


def lasting(reader: Reader, who: str, trouble: str, subject: str) -> list[Alert]:
    """The alerts of a reader that tell of a trouble which lasts."""
    return _made(
        reader.read(
            f"SELECT {', '.join(SCHEMA)} FROM alerts WHERE reader = ? AND trouble = ? "
            "AND subject = ? AND ends IS NULL AND ended_at IS NULL ORDER BY event_id",
            [who, trouble, subject],
        )
    )


def caused_by(reader: Reader, cause: str) -> list[Alert]:
    """The alerts that another has spoken for, and whose own trouble lasts."""
    return _made(
        reader.read(
            f"SELECT {', '.join(SCHEMA)} FROM alerts WHERE cause = ? AND ended_at IS NULL", [cause]
        )
    )


def get(reader: Reader, alert_id: str) -> Alert | None:
    """The alert of an id; None without one."""
    found = _made(
        reader.read(f"SELECT {', '.join(SCHEMA)} FROM alerts WHERE alert_id = ?", [alert_id])
    )
    return found[0] if found else None


def _made(rows: pl.DataFrame) -> list[Alert]:
    return [Alert(**row) for row in rows.iter_rows(named=True)]


def end(tx: Transaction, alert_ids: Sequence[str], at: datetime) -> None:
    """The trouble that these tell of is over."""
    tx.execute(
        "UPDATE alerts SET ended_at = ? WHERE alert_id IN (SELECT unnest(?::VARCHAR[]))",
        [at, list(alert_ids)],
    )


def ring(tx: Transaction, alert_id: str) -> None:
    """Show an alert on the pages of its reader."""
    tx.execute("UPDATE alerts SET bell = TRUE WHERE alert_id = ?", [alert_id])


def page(
    reader: Reader, who: str, *, unread: bool = False, before: str | None = None, limit: int = 100
) -> pl.DataFrame:
    """What a reader is shown, newest first: columns SHOWN."""
    return reader.read(
        f"SELECT {', '.join(SHOWN)} FROM alerts WHERE reader = $who AND bell "
        "AND (NOT $unread OR read_at IS NULL) AND ($before IS NULL OR event_id < $before) "
        "ORDER BY event_id DESC LIMIT $limit",
        {"who": who, "unread": unread, "before": before, "limit": limit},
    )


def unread(reader: Reader, who: str) -> int:
    """How many alerts a reader has not read."""
    found: int = reader.read(
        "SELECT count(*) FROM alerts WHERE reader = ? AND bell AND read_at IS NULL", [who]
    ).item()
    return found


def read_by(tx: Transaction, who: str, alert_ids: Sequence[str] | None, at: datetime) -> int:
    """A reader has read these, or all; how many were unread."""
    chosen: list[Any] = [who, alert_ids is None, list(alert_ids or ())]
    where = (
        "reader = ? AND bell AND read_at IS NULL "
        "AND (? OR alert_id IN (SELECT unnest(?::VARCHAR[])))"
    )
    count: int = tx.read(f"SELECT count(*) FROM alerts WHERE {where}", chosen).item()
    if count:
        tx.execute(f"UPDATE alerts SET read_at = ? WHERE {where}", [at, *chosen])
    return count


def purge(tx: Transaction, before: datetime) -> None:
    """Forget alerts older than an instant, and where they went."""
    tx.execute("DELETE FROM alerts WHERE happened_at < ? AND read_at IS NOT NULL", [before])
    tx.execute(
        "DELETE FROM alert_deliveries WHERE made_at < ? AND state NOT IN ('queued', 'held')",
        [before],
    )
