"""The session to come, or under way: its prints, its open, and the bars that stand in for it.

Until a session's daily bars are stored it is provisional: the last print before the open stands for
the open, and the first regular minute is the open once it is stored. Nothing later than now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.domain.gaps import premarket
from core.domain.timetable import sessions as calendar
from core.service.cache import DERIVED
from core.store import prints as store
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk

MINUTES = "bars_minute"
PREMARKET_HOURS = timedelta(hours=6)  # from 4:00 on, with half an hour to spare


@dataclass(frozen=True, slots=True)
class Print:
    """What stands for the open of a name: its last print before, or (`official`) the open."""

    symbol: str
    session: date
    price: float
    at: datetime
    prints: int
    source: str
    official: bool
    volume: float


def opens_of(day: date) -> datetime:
    """The open of a session; UsageError for another day."""
    return calendar.hours_of(day)[0]


def latest_day(now: datetime) -> date:
    """The latest session whose pre-market has begun."""
    return calendar.latest_open(now + PREMARKET_HOURS)


def awaited(desk: Desk, now: datetime) -> date | None:
    """The latest session with prints up to now, whose daily bars may still be to come."""
    day = latest_day(now)
    opens = opens_of(day)
    there = store.any_sound(desk.warehouse, opens - PREMARKET_HOURS, min(now, opens))
    return day if there else None


def opens(desk: Desk, day: date) -> pl.DataFrame:
    """symbol, open_print and open_at of a session's first regular minutes that have ended."""
    return store.opens(desk.warehouse, opens_of(day), desk.now())


def print_of(desk: Desk, symbol: str, day: date, reader: Reader | None = None) -> Print | None:
    """What stands for the open of one name by now; None without a print.

    Without a reader of its own at most a minute old: minutes are stored as they end.
    """
    if reader is not None:
        return _print_of(desk, symbol, day, reader)
    minute = desk.now().replace(second=0, microsecond=0)
    key = (*desk.state, "print", symbol, day, minute)
    return DERIVED.get(key, lambda: _print_of(desk, symbol, day, desk.warehouse))


def _print_of(desk: Desk, symbol: str, day: date, source: Reader) -> Print | None:
    now, begins = desk.now(), opens_of(day)
    rows = store.minutes_of(source, symbol, begins - PREMARKET_HOURS, min(now, begins))
    early = premarket.sound_minutes(rows, min(now, begins)).sort("ts")
    opened = store.opens(source, begins, now, symbol)
    if opened.is_empty() and early.is_empty():
        return None
    official = not opened.is_empty()
    if official:
        _, price, at = opened.row(0)
    else:
        price, at = early["close"][-1], early["ts"][-1] + timedelta(minutes=1)
    volume = float(early["volume"].sum() or 0) or 1.0
    name = source_of(desk)
    return Print(symbol, day, price, at, early.height, name, official, volume)


def source_of(desk: Desk) -> str:
    """The dataset that brings the prints."""
    named = [d for d in desk.catalogue.datasets.values() if d.table == MINUTES]
    return next((d.name for d in sorted(named, key=lambda d: not d.enabled)), MINUTES)


def session_of(desk: Desk, symbol: str, reader: Reader | None = None) -> Print | None:
    """The print of a name in a session whose daily bar is still to come; None when it is there."""
    source = reader or desk.warehouse
    day = latest_day(desk.now())
    found = source.read(
        "SELECT session FROM bars_daily WHERE symbol = ? AND session >= ?", [symbol, day]
    )
    return print_of(desk, symbol, day, source) if calendar.traded(found).is_empty() else None


def stand_in(found: Print, columns: list[str]) -> pl.DataFrame:
    """One daily bar of the columns asked for: the price stands for all four."""
    row = {
        "symbol": found.symbol,
        "session": found.session,
        **dict.fromkeys(("open", "high", "low", "close"), found.price),
        "volume": found.volume,
    }
    return pl.DataFrame([row]).select(columns)
