"""Moves that are no trading: where the average range is not carried across (docs/gaps.md).

Pence that become pounds, a split that nobody recorded, a ticker with a new owner: the range across
such a move says nothing of how the name trades. It is left out, and the average goes on in the
units of the new bars.
"""

from __future__ import annotations

import polars as pl

from core.domain.gaps.bars import is_sound
from core.domain.gaps.flags import EXTREME_PCT, Flag, large

UNREAL = (
    Flag.SUSPECTED_SPLIT | Flag.ACTION | Flag.SUSPECTED_ACTION | Flag.NO_TRADING | Flag.FOREIGN_CASH
)
UNJUDGED = Flag.BAD_BAR | Flag.BAD_BASE | Flag.STALE_BASE
NEW_OWNER_DAYS = 60  # after so long without a bar, a price far off is that of another company
HELD = 0.5  # of a move that the close kept: the bars live on the new basis
BREAKS = {"symbol": pl.String, "session": pl.Date}


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Symbol and session of the large moves of `gaps.measure` that the judgement calls unreal."""
    return rows.filter(is_unreal()).select(tuple(BREAKS))


def is_unreal() -> pl.Expr:
    """True for large moves that the judgement calls unreal."""
    unreal = (pl.col("flags") & int(UNREAL)) != 0
    seen = (pl.col("flags") & int(UNJUDGED)) == 0
    return large() & unreal & seen


def far() -> pl.Expr:
    """True where an open is so far from the last sound close (base) that only news explains it.

    Where a session or a sound bar lacks between them, no volume can tell whether it was.
    """
    return ((pl.col("open") / pl.col("base") - 1).abs() * 100 >= EXTREME_PCT).fill_null(value=False)


def stretches(bars: pl.DataFrame, moves: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """The sound bars, with `stretch`: it rises wherever the prices may mean something else than
    before, so that nothing is followed across it.

    That is at each of the moves (symbol, session: `judged`), and at a far one from the last sound
    close where a session or a sound bar lacks between them. `bars` are in order, with split_factor.
    """
    marked = moves.select("symbol", "session", _told=pl.lit(value=True))
    numbers = pl.DataFrame({"session": sessions}).with_row_index("_number")
    rows = bars.filter(is_sound())
    rows = rows.join(marked, on=["symbol", "session"], how="left", maintain_order="left")
    rows = rows.join(numbers, on="session", how="left", maintain_order="left")
    close, same = pl.col("close") / pl.col("split_factor"), pl.col("symbol").shift(1)
    rows = rows.with_columns(
        base=pl.when(pl.col("symbol") == same).then(close.shift(1) * pl.col("split_factor")),
        whole=pl.col("_number").cast(pl.Int64).diff() == 1,
    )
    ends = pl.col("_told").fill_null(value=False) | (
        far() & ~pl.col("whole").fill_null(value=False)
    )
    return rows.with_columns(stretch=ends.cum_sum()).drop("_told", "_number", "base", "whole")


def ratio(base_close: str = "base") -> pl.Expr:
    """New units per old one: open over the close before where the close stays there, else 1."""
    opened, base = pl.col("open"), pl.col(base_close)
    stays = (pl.col("close") - base) / (opened - base) >= HELD
    return pl.when(stays).then(opened / base).otherwise(1.0)


def on_basis_after(work: pl.DataFrame, rows: pl.DataFrame) -> pl.Series:
    """For each row the product of the ratios of all later breaks of its symbol.

    `work` has row and start, `rows` row, start and ratio (null: begins anew) of the breaks. Ranges
    times this factor stand in the units of the symbol's last bar.
    """
    ones = pl.repeat(1.0, work.height, dtype=pl.Float64, eager=True).alias("scale")
    scaled = rows.filter(pl.col("ratio") != 1)
    if scaled.is_empty():
        return ones
    steps = ones.clone().scatter(scaled["row"], scaled["ratio"]).shift(-1, fill_value=1.0)
    few = work.select("row", "start", step=steps).filter(
        pl.col("start").is_in(scaled["start"].unique().implode())
    )
    product = few.select(pl.col("step").cum_prod(reverse=True).over("start"))["step"]
    return ones.scatter(few["row"], product)
