"""Sessions of the exchange: which days trade, when they open and close, early closes included.

The calendar itself is a table of ours, written from the library `exchange-calendars` (`xnys`).
Frames here have the columns session (Date), open_at and close_at (UTC instants), early_close.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

import polars as pl

from core.domain.tables.frames import INSTANT
from core.domain.timetable import xnys
from core.errors import UsageError

EXCHANGE = xnys.EXCHANGE
FIRST_YEAR = xnys.FIRST_YEAR
LAST_YEAR = xnys.LAST_YEAR


def all_sessions() -> pl.DataFrame:
    """Every session of the exchange from 1990 to 2030, in order."""
    return xnys.table()


def sessions_between(start: date, end: date) -> pl.DataFrame:
    """Sessions from `start` to `end`, both included."""
    return all_sessions().filter(pl.col("session").is_between(start, end))


def is_session(day: date) -> bool:
    """Whether the exchange trades on that day."""
    return day in _instants().place


def is_closed(days: pl.Series) -> pl.Series:
    """Which days are no sessions of the exchange; days beyond its calendar are not known to be."""
    closed, first = _closed()
    place = (days.cast(pl.Int32) - first).clip(-1, len(closed) - 2) + 1
    return closed.gather(place).fill_null(value=False).alias(days.name)


def traded(bars: pl.DataFrame) -> pl.DataFrame:
    """The rows whose `session` is one of the exchange: all that anything is computed from.

    A row of a holiday or a weekend (an older desk may have kept some) is no bar: it would be the
    base of the next gap, and a range, a volume or a return of a day that was none.
    """
    closed = is_closed(bars["session"])
    return bars.filter(~closed) if closed.any() else bars


@cache
def _closed() -> tuple[pl.Series, int]:
    """Whether each day of the calendar is no session, between two that say no; its first day."""
    days = all_sessions()["session"].cast(pl.Int32)
    first, last = int(days[0]), int(days[-1])
    closed = pl.repeat(True, last - first + 3, dtype=pl.Boolean, eager=True)
    return closed.scatter(days - first + 1, False).scatter([0, last - first + 2], False), first


def session_back(day: date, count: int) -> date:
    """The session `count` sessions before the session `day` (0: the day itself)."""
    table = all_sessions().filter(pl.col("session") <= day)
    if table.is_empty() or table["session"][-1] != day:
        raise UsageError(f"{day} is no session of the exchange", hint="ask for a trading day")
    return table["session"][max(0, table.height - 1 - count)]  # type: ignore[no-any-return]


def hours_of(day: date) -> tuple[datetime, datetime]:
    """When a session opens and closes, in UTC; UsageError for a day that is none."""
    table = _instants()
    place = table.place.get(day)
    if place is None:
        raise UsageError(f"{day} is no session of the exchange", hint="ask for a trading day")
    return table.open_at[place], table.close_at[place]


def latest_open(now: datetime) -> date:
    """The latest session that has opened at the instant `now`."""
    table = _instants()
    return table.days[_last_until(table.open_at, now)]


def last_close(now: datetime) -> datetime:
    """The latest close of the exchange that is not later than `now`."""
    closes = _instants().close_at
    return closes[_last_until(closes, now)]


def _last_until(instants: Sequence[datetime], now: datetime) -> int:
    """The place of the latest instant that is not later than `now`."""
    count = bisect_right(instants, now)
    if count == 0:
        raise UsageError(f"the calendar begins in {FIRST_YEAR}, not at {now:%Y-%m-%d}")
    return count - 1


def current_session(now: datetime) -> date:
    """The session that is open at `now` or opens next: the one a pre-market scan is for."""
    table = _instants()
    count = bisect_right(table.close_at, now)
    if count == len(table.days):
        raise UsageError(f"the calendar ends in {LAST_YEAR}", where=EXCHANGE)
    return table.days[count]


class _Instants(NamedTuple):
    """All sessions in order, for looking up one: a filter of the frame takes milliseconds."""

    days: list[date]
    place: dict[date, int]
    open_at: list[datetime]
    close_at: list[datetime]


@cache
def _instants() -> _Instants:
    table = all_sessions()
    days, opens, closes = (table[name].to_list() for name in ("session", "open_at", "close_at"))
    return _Instants(days, {day: place for place, day in enumerate(days)}, opens, closes)


def explained_session(instants: pl.Series) -> pl.Series:
    """For each UTC instant the session whose opening gap it can explain, else null.

    That is the session t with close(t−1) <= instant < open(t): what becomes known while the
    exchange is open, or after the open, explains no gap of that day.
    """
    table = all_sessions().select(
        "session", "open_at", closed_at=pl.col("close_at").shift(1), at=pl.col("open_at")
    )
    asked = pl.DataFrame({"at": instants.cast(INSTANT)}).with_row_index("row").sort("at")
    found = asked.join_asof(
        table, on="at", strategy="forward", allow_exact_matches=False, check_sortedness=False
    )
    in_time = pl.col("at").is_not_null() & (pl.col("at") >= pl.col("closed_at"))
    return found.sort("row").select(pl.when(in_time).then("session").alias("session")).to_series()
