"""The minutes of one name in one session, from its pre-market to now, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.domain.timetable import sessions as calendar
from core.domain.trading.plans import Plan
from core.service.cache import SESSIONS
from core.store import plans as plan_store
from core.store import prints as store

if TYPE_CHECKING:
    from core.service.desk import Desk

PRE_MARKET = timedelta(hours=5, minutes=30)
AFTER_HOURS = timedelta(hours=4)
MOST_BARS = 200  # more candles than that are no candles on a screen
STEPS = (1, 5, 15)  # minutes a candle


@dataclass(frozen=True, slots=True)
class Intraday:
    """Bars of one session (ts, open, high, low, close, volume; UTC), each `step` minutes long.

    `plan` is the latest one of the name for that session that was not rejected.
    """

    symbol: str
    session: date
    opens: datetime
    closes: datetime
    bars: pl.DataFrame
    step: int
    plan: Plan | None = None


def intraday(desk: Desk, symbol: str, day: date) -> Intraday | None:
    """The minutes of a session that have ended by now; None without any."""
    minute = desk.now().replace(second=0, microsecond=0)
    key = (*desk.state, "intraday", symbol, day, minute)
    return SESSIONS.get(key, lambda: _intraday(desk, symbol, day, minute))


def _intraday(desk: Desk, symbol: str, day: date, minute: datetime) -> Intraday | None:
    found = of_names(desk, [symbol], day, minute).get(symbol)
    return found and replace(found, plan=_plan(desk, symbol, day))


def of_names(
    desk: Desk, symbols: Sequence[str], day: date, minute: datetime
) -> dict[str, Intraday]:
    """The minutes of some names up to an instant, read together, each without its plan; of those
    that have any.
    """
    rows = calendar.sessions_between(day, day).select("open_at", "close_at").rows()
    if not rows:
        return {}
    opens, closes = rows[0]
    minutes = store.whole_day(
        desk.warehouse, symbols, opens - PRE_MARKET, min(closes + AFTER_HOURS, minute)
    )
    found = {}
    for part in minutes.partition_by("symbol", maintain_order=True):
        symbol, step = part["symbol"][0], step_of(part)
        found[symbol] = Intraday(symbol, day, opens, closes, in_steps(part, step), step)
    return found


def step_of(minutes: pl.DataFrame) -> int:
    """The shortest step that leaves few enough candles, by the time from first to last."""
    first, last = minutes.select(pl.col("ts").min(), pl.col("ts").max().alias("last")).row(0)
    span = (last - first) / timedelta(minutes=1)
    return next((step for step in STEPS if span / step <= MOST_BARS), STEPS[-1])


def in_steps(minutes: pl.DataFrame, step: int) -> pl.DataFrame:
    """Minutes (sorted) joined to bars of so many; a step without a print has none."""
    return minutes.group_by_dynamic("ts", every=f"{step}m").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def _plan(desk: Desk, symbol: str, day: date) -> Plan | None:
    found = [
        item.plan
        for item in plan_store.load(desk.warehouse, until=desk.stands_at)
        if item.state != "rejected" and item.plan.symbol == symbol and item.plan.session == day
    ]
    return found[-1] if found else None
