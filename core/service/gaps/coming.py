"""The session to come, or under way: its prints, its open, and the bars that stand in for it.

Until a session's daily bars are stored it is provisional: the last print before the open stands for
the open, and the first regular minute is the open once it is stored. Nothing later than now.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    return prints_of(desk, [symbol], day, source).get(symbol)


def prints_of(
    desk: Desk, symbols: Sequence[str], day: date, source: Reader | None = None
) -> dict[str, Print]:
    """What stands for the open of each name by now, read together; without those of no print."""
    if not symbols:
        return {}
    now, begins, reader = desk.now(), opens_of(day), source or desk.warehouse
    until = min(now, begins)
    rows = store.minutes_of(reader, symbols, begins - PREMARKET_HOURS, until)
    early = premarket.sound_minutes(rows, until).sort("symbol", "ts")
    seen = {
        name: (price, ts + timedelta(minutes=1), count, float(volume or 0) or 1.0)
        for name, price, ts, count, volume in early.group_by("symbol", maintain_order=True)
        .agg(pl.col("close", "ts").last(), pl.len().alias("prints"), pl.col("volume").sum())
        .iter_rows()
    }
    opened = {row[0]: row[1:] for row in store.opens(reader, begins, now, symbols).iter_rows()}
    name, found = source_of(desk), {}
    for symbol in dict.fromkeys(symbols):
        if symbol in seen or symbol in opened:
            *last, count, volume = seen.get(symbol, (None, None, 0, 1.0))
            price, at = opened.get(symbol, last)
            official = symbol in opened
            found[symbol] = Print(symbol, day, price, at, count, name, official, volume)
    return found


def source_of(desk: Desk) -> str:
    """The dataset that brings the prints."""
    named = [d for d in desk.catalogue.datasets.values() if d.table == MINUTES]
    return next((d.name for d in sorted(named, key=lambda d: not d.enabled)), MINUTES)


def session_of(desk: Desk, symbol: str, reader: Reader | None = None) -> Print | None:
    """The print of a name in a session whose daily bar is still to come; None when it is there."""
    return sessions_of(desk, [symbol], reader or desk.warehouse).get(symbol)


def sessions_of(desk: Desk, symbols: Sequence[str], source: Reader) -> dict[str, Print]:
    """The same of some names, read together."""
    day = latest_day(desk.now())
    found = source.read(
        "SELECT symbol, session FROM bars_daily "
        "WHERE symbol IN (SELECT unnest($symbols::VARCHAR[])) AND session >= $day",
        {"symbols": list(symbols), "day": day},
    )
    there = set(calendar.traded(found)["symbol"])
    return prints_of(desk, [name for name in symbols if name not in there], day, source)


def stand_in(found: Print, columns: list[str]) -> pl.DataFrame:
    """One daily bar of the columns asked for: the price stands for all four."""
    row = {
        "symbol": found.symbol,
        "session": found.session,
        **dict.fromkeys(("open", "high", "low", "close"), found.price),
        "volume": found.volume,
    }
    return pl.DataFrame([row]).select(columns)
