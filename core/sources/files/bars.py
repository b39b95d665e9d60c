"""What the rows of daily bars and of corporate actions must keep to beyond the types of columns.

One rule for every bar: what cannot be a bar of its day is refused with its reason (no session of
the exchange, one that has not opened, a second row of the day, a cell of the wrong type). What is
one, but holds impossible numbers, is stored as delivered and flagged (`bars.is_sound`): it enters
no scan and no window.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from core.domain.gaps import bars
from core.domain.tables.datasets import Dataset
from core.domain.timetable import sessions as calendar


def are_bars(dataset: Dataset) -> bool:
    """Whether rows are daily bars of symbols, which only exist on days of the exchange."""
    day = dataset.schema.get("session")
    named = {"symbol", "open", "high", "low", "close", "volume"} <= set(dataset.schema)
    return named and day is not None and day.kind == "date"


def with_calendar(days: pl.Series, reasons: pl.Series, now: datetime | None) -> pl.Series:
    """The reasons, and why a bar cannot be of its day: the exchange is closed, or opens later."""
    sessions = calendar.all_sessions()["session"]
    day = pl.col("day")
    within = day.is_between(sessions.min(), sessions.max())
    ahead = pl.lit(value=False) if now is None else day > calendar.latest_open(now)
    told = (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(within & ~day.is_in(sessions.implode()))
        .then(pl.lit("is no session of the exchange"))
        .when(ahead)
        .then(pl.lit("is of a session that has not opened yet"))
    )
    frame = pl.DataFrame([days.alias("day"), reasons.alias("reason")])
    return frame.select(told.alias(reasons.name)).to_series()


def are_actions(dataset: Dataset) -> bool:
    """Whether rows are corporate actions of symbols."""
    return {"symbol", "ex_date", "kind", "ratio"} <= set(dataset.schema)


def with_splits(ratios: pl.Series, reasons: pl.Series) -> pl.Series:
    """The reasons, and why a ratio cannot be that of a split; none and zero say that it is none."""
    ratio = pl.col("ratio")
    told = (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when((ratio != 0) & ~bars.can_be_split(ratio))
        .then(pl.lit("is no ratio that shares are split by"))
    )
    frame = pl.DataFrame([ratios.alias("ratio"), reasons.alias("reason")])
    return frame.select(told.alias(reasons.name)).to_series()


def with_amounts(amounts: pl.Series, reasons: pl.Series) -> pl.Series:
    """The reasons, and why an amount cannot be paid on a share; none and zero say that none is."""
    amount = pl.col("amount")
    told = (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(~amount.is_between(0, bars.MOST_PRICE))
        .then(pl.lit("is no amount that a share pays"))
    )
    frame = pl.DataFrame([amounts.alias("amount"), reasons.alias("reason")])
    return frame.select(told.alias(reasons.name)).to_series()


def counted(rows: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Distributions of one symbol and day that differ all count: the note of each further one is
    numbered, which makes it a row of its own. Splits of one day contradict each other.
    """
    names = [name for name in dataset.schema if name in rows.columns]
    twins = [name for name in dataset.key if name in rows.columns]
    fresh = pl.struct(names).is_first_distinct()
    place = fresh.cum_sum().over(twins)
    several = fresh & (place > 1) & (pl.col("kind") == "dividend")
    numbered = pl.concat_str(
        pl.col("note").fill_null("distribution"), pl.lit(" ("), place, pl.lit(")")
    )
    return rows.with_columns(note=pl.when(several).then(numbered).otherwise("note"))


def flagged(dataset: Dataset, rows: pl.DataFrame) -> tuple[str, ...]:
    """How many of the bars are kept with a flag, and why; nothing where all are sound."""
    if not are_bars(dataset) or rows.is_empty():
        return ()
    why = rows.select(why=bars.problem())["why"].drop_nulls()
    if why.is_empty():
        return ()
    counts = why.value_counts().sort("count", "why", descending=[True, False])
    told = ", ".join(f"{reason}: {count}" for reason, count in counts.iter_rows())
    return (f"{len(why)} of {rows.height} bars are kept with a flag ({told})",)
