"""Opens and closes of an exchange, with holidays and early closes.

Source: for New York a table of ours (`xnys`), else the `exchange-calendars` package (computed from
its rules, nothing is asked of anyone). Calendars are built in blocks of ten years, because the
package's own default range depends on the day it is asked.
"""

from __future__ import annotations

import threading
import warnings
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import polars as pl

from core.domain.timetable import xnys

BLOCK_YEARS = 10
TABLED = range(xnys.FIRST_YEAR // BLOCK_YEARS, xnys.LAST_YEAR // BLOCK_YEARS)  # whole blocks
_lock = threading.Lock()

Session = tuple[date, datetime, datetime]


@cache
def is_exchange(code: str) -> bool:
    """Whether the code (or a known alias such as NYSE) names an exchange."""
    return code in xnys.NAMES or code in _library().get_calendar_names(include_aliases=True)


def sessions(exchange: str, first: date, last: date) -> tuple[Session, ...]:
    """Sessions of the exchange from `first` to `last` (inclusive): day, open and close in UTC."""
    found: list[Session] = []
    for block in range(first.year // BLOCK_YEARS, last.year // BLOCK_YEARS + 1):
        found.extend(_clip(_block(exchange, block), first, last))
    return tuple(found)


def _clip(block: tuple[Session, ...], first: date, last: date) -> tuple[Session, ...]:
    low = bisect_left(block, first, key=_day)
    return block[low : bisect_right(block, last, key=_day)]


def _day(session: Session) -> date:
    return session[0]


def _block(exchange: str, block: int) -> tuple[Session, ...]:
    with _lock:  # two threads would otherwise both build the same ten years
        return _built(exchange, block)


@cache
def _built(exchange: str, block: int) -> tuple[Session, ...]:
    if exchange in xnys.NAMES and block in TABLED:
        return _tabled(block)
    first, last = _bounds(exchange, block)
    if first > last:
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package still uses calls pandas will drop
        calendar = _library().get_calendar(exchange, start=first, end=last)
        table = calendar.schedule
        days = table.index.date
        opens = table["open"].dt.to_pydatetime()
        closes = table["close"].dt.to_pydatetime()
    return tuple(
        (day, opened.astimezone(UTC), closed.astimezone(UTC))
        for day, opened, closed in zip(days, opens, closes, strict=True)
    )


def _tabled(block: int) -> tuple[Session, ...]:
    first = date(block * BLOCK_YEARS, 1, 1)
    last = date(block * BLOCK_YEARS + BLOCK_YEARS - 1, 12, 31)
    rows = xnys.table().filter(pl.col("session").is_between(first, last))
    plain = rows.select("session", pl.col("open_at", "close_at").dt.replace_time_zone(None))
    return tuple((day, a.replace(tzinfo=UTC), b.replace(tzinfo=UTC)) for day, a, b in plain.rows())


def _bounds(exchange: str, block: int) -> tuple[date, date]:
    library = _library()
    canonical = library.resolve_alias(exchange)
    factory = library.calendar_utils._default_calendar_factories[canonical]
    least, most = factory.bound_min(), factory.bound_max()
    first = date(block * BLOCK_YEARS, 1, 1)
    last = date(block * BLOCK_YEARS + BLOCK_YEARS - 1, 12, 31)
    return (
        max(first, least.date()) if least is not None else first,
        min(last, most.date()) if most is not None else last,
    )


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars  # a second of import: only desks with session rules pay it
    return exchange_calendars
