"""How far data reach, against the calendar: what a pull brought, not when it ran. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.domain.tables.datasets import Dataset
from core.domain.timetable import sessions as calendar
from core.domain.timetable.freshness import Freshness

ZONE = ZoneInfo("America/New_York")
TOLD_BY: Mapping[str, str] = {"filings": "accepted_at", "facts": "filed"}
SESSIONS = ("session", "ts")  # columns of a key that say of which sessions the data are


@dataclass(frozen=True, slots=True)
class Reach:
    """Up to when a dataset's rows reach (a day as its midnight in UTC), None without rows.

    `sessions_behind` counts the sessions that should be there and are not; None where rows are of
    no sessions, or nothing is expected.
    """

    until: datetime | None = None
    sessions_behind: int | None = None
    is_day: bool = False


def date_column(dataset: Dataset) -> str | None:
    """The column that tells how far the rows reach; None when there is none."""
    told = TOLD_BY.get(dataset.table)
    if told is not None:
        return told
    kinds = ((name, dataset.schema[name].kind) for name in dataset.key if name in dataset.schema)
    return next((name for name, kind in kinds if kind in ("date", "datetime")), None)


def is_of_sessions(dataset: Dataset) -> bool:
    """Whether rows are expected for every session; a finished history expects none."""
    column = date_column(dataset)
    return column in SESSIONS and not dataset.options.get("history", False)


def sessions_behind(until: datetime, due_at: datetime) -> int:
    """Sessions after the day of `until` that had closed by the refresh at `due_at`."""
    day = until.date() if _is_midnight(until) else until.astimezone(ZONE).date()
    later = calendar.sessions_between(day + timedelta(days=1), due_at.date())
    return later.filter(pl.col("close_at") <= due_at).height


def reach(dataset: Dataset, until: date | datetime | None, due_at: datetime | None) -> Reach:
    """The reach of a dataset's rows at its latest refresh."""
    if until is None:
        return Reach()
    is_day = not isinstance(until, datetime)
    at = datetime(until.year, until.month, until.day, tzinfo=UTC) if is_day else until
    assert isinstance(at, datetime)
    if due_at is None or not is_of_sessions(dataset):
        return Reach(at, None, is_day)
    return Reach(at, sessions_behind(at, due_at), is_day)


def judged(fresh: Freshness, found: Reach, rows: int, now: datetime) -> Freshness:
    """Freshness by what the data reach up to: a good pull that brought too little is no fresh data.

    Without rows nothing is fresh: it is as if it had never been pulled.
    """
    if fresh.state != "fresh":
        return fresh
    if not rows:
        return replace(fresh, state="never")
    if not found.sessions_behind or fresh.due_at is None:
        return fresh
    late = now - fresh.due_at
    return replace(fresh, state="due" if late <= fresh.grace else "overdue", behind=late)


def _is_midnight(at: datetime) -> bool:
    return at.astimezone(UTC).time() == datetime.min.time()
