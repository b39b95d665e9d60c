"""Average ranges set right after moves that turn out to be no trading, without measuring again.

Wilder's average is linear: what it has too much or too little after a bar shrinks by 13/14 with
every later range, whatever those are. So the range of an unreal move, and the change of units that
it may bring, are taken out of what is measured already.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps.kinds import loud_story
from core.domain.gaps.wilder import ATR_SESSIONS, KEEP

SURE = 1e-3  # an average that shrinks to less of itself keeps too few sure digits


def set_right(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The rows with atr, gap_atr and story as if no range were taken across unreal moves, and the
    names for which that cannot be told from the rows.

    `rows` are judged ones of `gaps.measure` by symbol and session, with `ranges` (true ranges
    before the bar, counted on through all names) and `trend`. Names are given up where the average
    had not begun at the move, where `ranges` is null, or where too little of the average is left.
    """
    places = _later_rows(rows)
    if places.is_empty():
        return rows, rows["symbol"].head(0)
    few = rows.select(
        pl.col("symbol", "ranges", "atr", "split_factor", "open", "rvol", "trend").gather(
            places["row"]
        ),
        base=pl.when(pl.col("gap_pct").is_not_null()).then("prior_close").gather(places["row"]),
    ).hstack(places.select("excess", before="ranges"))
    passed = pl.col("ranges") - pl.col("before") - 1
    atr = pl.col("atr") + pl.col("excess") * KEEP**passed * pl.col("split_factor")
    sure = (atr.is_finite() & (atr >= SURE * pl.col("atr"))).fill_null(value=False)
    few = few.with_columns(atr=atr, sure=sure)
    unsure = few.filter(~pl.col("sure"))["symbol"].unique()
    few = few.select(
        "atr", gap_atr=(pl.col("open") - pl.col("base")) / pl.col("atr"), story=loud_story()
    ).with_columns(few["trend"])
    quiet = rows["story"].gather(places["row"])
    story = few["story"].zip_with(few["trend"].is_not_null(), quiet)
    few = few.with_columns(story.alias("story"))
    return rows.with_columns(
        rows[name].scatter(places["row"], few[name]) for name in ("atr", "gap_atr", "story")
    ), unsure


def _later_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows after an unreal move of the same name (row), with what the last one before left
    (excess, on today's share basis) and the ranges before that one (ranges).
    """
    number = pl.int_range(pl.len(), dtype=pl.UInt32)
    begins = (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    last = pl.when(gap_breaks.is_unreal()).then(number)
    table = rows.select(
        row=number, start=pl.when(begins).then(number).forward_fill(), here=last
    ).with_columns(last=pl.col("here").forward_fill().shift(1))
    moves = _moves(rows, table.filter(pl.col("here").is_not_null()).select("row", "start"))
    left = moves.select("row", "ranges", excess=pl.Series(_excesses(moves), dtype=pl.Float64))
    later = table.filter(pl.col("last") >= pl.col("start")).select("row", "last")
    return later.join(left, left_on="last", right_on="row", maintain_order="left")


def _moves(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """row, start, ranges of the unreal moves, the average before and after, and the new units."""
    base = pl.col("prior_close")
    span = pl.max_horizontal("high", base) - pl.min_horizontal("low", base)
    few = rows.select(
        pl.col("open", "high", "low", "close", "prior_close", "ranges").gather(places["row"]),
        atr=(pl.col("atr") / pl.col("split_factor")).gather(places["row"]),
        split_factor=pl.col("split_factor").gather(places["row"]),
    )
    return places.hstack(
        few.select(
            "ranges",
            "atr",
            after=pl.col("atr") * KEEP + span / pl.col("split_factor") / ATR_SESSIONS,
            ratio=gap_breaks.ratio("prior_close"),
        )
    )


def _excesses(moves: pl.DataFrame) -> Iterator[float]:
    """What each move leaves in the average after it, those before it in the same name included;
    not a number where that is not known.
    """
    name, before, excess = -1, 0, 0.0
    for start, ranges, atr, after, ratio in moves.drop("row").iter_rows():
        if ranges is None or atr is None:
            left = float("nan")
        else:
            carried = excess * KEEP ** (ranges - before - 1) if start == name else 0.0
            left = ratio * (atr + carried) - after
        name, before, excess = start, ranges or 0, left
        yield left
