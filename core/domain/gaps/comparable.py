"""What of a name's past can be compared: share volumes and price levels across unreal moves.

Where a move that is no trading changed the units (a split that nobody recorded, pence and pounds,
another owner of the ticker), volumes and levels before it stand in other shares: what looks 20
sessions back begins anew there. Where the close came back, only that bar's prices are no trading.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps.flags import large

WINDOW = 20  # sessions that volumes and levels look back
CHANGES = {"symbol": pl.String, "session": pl.Date, "units": pl.Boolean}
_QUIET = "common"  # the one story that rests on no close before the window


def none() -> pl.DataFrame:
    """No move at all, as `changes` has them."""
    return pl.DataFrame(schema=CHANGES)


def changes(judged: pl.DataFrame, far: pl.DataFrame) -> pl.DataFrame:
    """symbol, session and units (whether the bars from there on live on another basis) of the moves
    judged unreal, and of the far ones that no volume can judge.
    """
    units = (gap_breaks.ratio("prior_close") != 1).fill_null(value=False)
    told = judged.filter(gap_breaks.is_unreal()).select("symbol", "session", units=units)
    return pl.concat([told, far.select(tuple(CHANGES))])


def judged_in_turn(
    rows: pl.DataFrame,
    past: tuple[pl.DataFrame, pl.Series, pl.DataFrame],
    far: pl.DataFrame,
    judge: Callable[[pl.DataFrame], pl.DataFrame],
) -> pl.DataFrame:
    """The rows judged, each large gap soon after a change of units by the volumes since then.

    `past` are the bars as delivered, the sessions of the exchange and the splits on record. What is
    a change of units is itself a judgement, so the rows are judged until nothing changes: a row
    rests on those before it only, so each turn settles at least one more of a name.
    """
    found, told = judge(rows), None
    while True:
        after = _large_after(found, changes(found, far), past[1])
        if after.is_empty() and told is None:
            return found
        known = _since(after, *past)
        if told is not None and known.equals(told):
            return found
        rvol = rows["rvol"].scatter(known["place"], known["rvol"])
        found = found.with_columns(judge(rows.with_columns(rvol))["flags"])
        told = known


def struck(rows: pl.DataFrame, moves: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """The judged rows with `comparable_since` (where the windows of volume began anew within 20
    sessions, else null), and without what compares two kinds of shares: mean_volume, rvol, high20,
    low20 and the story.
    """
    nothing = pl.repeat(None, rows.height, dtype=pl.Date, eager=True).alias("comparable_since")
    rows = rows.with_columns(nothing)
    if moves.is_empty():
        return rows
    near = _near(moves, sessions, 1, WINDOW)
    keys = rows.select("symbol", "session").with_row_index("place")
    near = keys.join(near, on=["symbol", "session"])
    young = pl.col("age") < WINDOW
    near = near.group_by("place").agg(
        since=pl.col("begun").filter(pl.col("units") & young).max(),
        old=(pl.col("units") & young).any(),
        odd=(~pl.col("units")).any(),
    )
    stories = rows["story"].gather(near["place"])
    few = rows.select(pl.col(_TOUCHED).gather(near["place"])).hstack(near).with_columns(stories)
    old, odd = pl.col("old"), pl.col("odd")
    few = few.select(
        pl.when(~old).then(pl.col("mean_volume", "rvol")),
        pl.when(~(old | odd)).then(pl.col("high20", "low20")),
        pl.when(~(old | odd) & (pl.col("story") == _QUIET)).then("story"),
        comparable_since="since",
    )
    return rows.with_columns(
        rows[name].scatter(near["place"], few[name]) for name in (*_TOUCHED, "comparable_since")
    )


_TOUCHED = ("mean_volume", "rvol", "high20", "low20", "story")


def _near(moves: pl.DataFrame, sessions: pl.Series, first: int, last: int) -> pl.DataFrame:
    """symbol, session, begun (session of a move), units and age for the sessions after moves."""
    numbers = pl.DataFrame({"session": sessions}).with_row_index("number")
    numbers = numbers.with_columns(pl.col("number").cast(pl.Int64))
    spread = moves.join(numbers, on="session").rename({"session": "begun"})
    spread = spread.with_columns(age=pl.int_ranges(first, last + 1)).explode("age")
    spread = spread.with_columns(number=pl.col("number") + pl.col("age"))
    return spread.join(numbers, on="number").drop("number")


def _large_after(found: pl.DataFrame, moves: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """place, symbol, session, begun and volume of the large gaps within 20 sessions of a change of
    units, with the last one before each.
    """
    keys = found.select(
        "symbol", "session", "volume", "split_factor", place=pl.int_range(pl.len()), large=large()
    )
    keys = keys.filter("large").drop("large")
    near = _near(moves.filter("units"), sessions, 1, WINDOW - 1)
    near = near.group_by("symbol", "session").agg(pl.col("begun").max())
    return keys.join(near, on=["symbol", "session"]).sort("place")


def _since(
    after: pl.DataFrame, bars: pl.DataFrame, sessions: pl.Series, splits: pl.DataFrame
) -> pl.DataFrame:
    """place and rvol: the volume of some rows over the mean of the sessions since `begun`."""
    past = bars.filter(
        pl.col("symbol").is_in(after["symbol"].unique().implode()), bar_rules.is_sound()
    )
    past = past.filter(pl.col("session").is_in(sessions.implode()))
    factor = bar_rules.split_factors(past, splits)
    past = past.select("symbol", day="session", shares=pl.col("volume") * factor)
    inside = pl.col("day").is_between("begun", "session", closed="left")
    usual = after.join(past, on="symbol").filter(inside)
    usual = usual.sort("place", "day").group_by("place").agg(pl.col("shares").mean())
    table = after.join(usual, on="place", how="left", maintain_order="left")
    shares = pl.col("volume") * pl.col("split_factor")
    return table.select("place", rvol=shares / pl.col("shares"))
