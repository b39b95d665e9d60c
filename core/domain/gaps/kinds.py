"""Kinds of gaps: the mechanical type from the prior range, the story type as a stated heuristic."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

GAP_TYPES = ("full_up", "partial_up", "full_down", "partial_down", "none")
STORIES = ("common", "breakaway", "runaway", "exhaustion")
TYPE = pl.Enum(GAP_TYPES)
STORY = pl.Enum(STORIES)
ACTIVE_RVOL = 1.5
CLIMAX_RVOL = 3.0
TREND_ATR = 2.0
EXTENDED_ATR = 6.0
TREND_SESSIONS = 21  # from the close 21 sessions before to the prior close: 20 sessions


def mechanical_type() -> pl.Expr:
    """full_up: the open is above the prior high; partial_up: only above the prior close; and down.

    Needs open, base (the prior close), prior_high, prior_low; null where the base is unknown.
    """
    opened, base = pl.col("open"), pl.col("base")
    up = (opened <= pl.col("prior_high")).cast(pl.UInt8)
    down = (opened >= pl.col("prior_low")).cast(pl.UInt8) + 2
    same = pl.when(opened == base).then(pl.lit(4, dtype=pl.UInt8))
    code = (
        pl.when(opened > base).then(up).otherwise(pl.when(opened < base).then(down).otherwise(same))
    )
    return code.cat.to(TYPE)


def story_types(
    table: pl.DataFrame, trend_closes: Callable[[pl.Series], pl.Series]
) -> tuple[pl.Series, pl.Series]:
    """The story of each gap by rule, a heuristic and labelled so, and the trend it rests on:

    - common: the open lies within the range of the 20 sessions before, or rvol is below 1.5;
    - else, with the trend of those sessions (close to close, in ATR, signed as the gap):
      exhaustion from 6 ATR on with rvol >= 3, runaway from 2 ATR on, breakaway otherwise.

    Null where range, ATR, rvol or the close 21 sessions before (`trend_closes` of row numbers) is
    unknown. `table` has open, prior_close, gap_pct, high20, low20, rvol, atr. The trend is in the
    unit of prices, signed as the gap, and null where the story does not rest on it.
    """
    opened = pl.col("open")
    inside = (opened <= pl.col("high20")) & (opened >= pl.col("low20"))
    quiet = inside | (pl.col("rvol") < ACTIVE_RVOL)
    known = pl.all_horizontal(pl.col("gap_pct", "high20", "rvol", "atr").is_not_null())
    common = pl.when(known & quiet).then(pl.lit(0, dtype=pl.UInt8))
    marks = table.select(story=common.cat.to(STORY), loud=known & ~quiet)
    stories = marks["story"]
    rows = marks.select(row=pl.arg_where(pl.col("loud")))["row"]
    few = table.select(
        pl.col("prior_close", "gap_pct", "rvol", "atr").gather(rows),
        close21=pl.lit(trend_closes(rows)),
    )
    along = (pl.col("prior_close") - pl.col("close21")) * pl.col("gap_pct").sign()
    few = few.with_columns(trend=along)
    none = pl.repeat(None, table.height, dtype=pl.Float64, eager=True).alias("trend")
    loud = few.select(story=loud_story())["story"]
    return stories.scatter(rows, loud), none.scatter(rows, few["trend"])


def loud_story() -> pl.Expr:
    """The story of a gap that leaves the range on volume, from trend, atr and rvol."""
    along = pl.col("trend") / pl.col("atr")
    return (
        pl.when(along.is_null())
        .then(pl.lit(None, dtype=STORY))
        .when((along >= EXTENDED_ATR) & (pl.col("rvol") >= CLIMAX_RVOL))
        .then(_story(3))
        .when(along >= TREND_ATR)
        .then(_story(2))
        .otherwise(_story(1))
    )


def _story(place: int) -> pl.Expr:
    return pl.lit(STORIES[place], dtype=STORY)
