"""From a bar and what came before it to the quantities of its gap, its types and its flags."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from core.domain.gaps.bars import is_price
from core.domain.gaps.flags import Flag
from core.domain.gaps.kinds import mechanical_type, story_types

FOREIGN_DIVIDEND = "foreign_dividend"  # of a currency that has no rate to the instrument's
NEEDED = (  # of a bar and what came before it, beside the windows
    "open",
    "volume",
    "sound",
    "split_factor",
    "first",
    "whole",
    "prior_sound",
    "prior_close",
    "prior_high",
    "prior_low",
    "atr",
)
TrendCloses = Callable[[pl.Series], pl.Series]


def quantities(bars: pl.DataFrame, work: pl.DataFrame, trend_closes: TrendCloses) -> pl.DataFrame:
    """The columns of `gaps.measure` beside the bars, but for corporate actions and judgements, and
    the trend that a story rests on.

    `work` has, row by row and on today's share basis, open, volume, sound and split_factor of the
    bar; first (no bar before it), whole (the bar before is of the session before), prior_sound,
    prior_close, prior_high, prior_low of that one; and atr, mean_volume, high20, low20.
    `trend_closes` gives, for some row numbers, the sound closes 21 sessions before.
    """
    work = work.with_columns(atr=pl.when(pl.col("atr") > 0).then("atr"))
    work = work.with_columns(base=base())
    span = pl.col("prior_high") - pl.col("prior_low")
    table = work.with_columns(
        gap_pct=(pl.col("open") / pl.col("base") - 1) * 100,
        gap_atr=(pl.col("open") - pl.col("base")) / pl.col("atr"),
        range_position=pl.when(span > 0).then((pl.col("open") - pl.col("prior_low")) / span),
        rvol=pl.col("volume") / pl.col("mean_volume"),
        gap_type=mechanical_type(),
    )
    table = table.with_columns(*story_types(table, trend_closes), _flags(table))
    return _delivered(bars, table)


def base() -> pl.Expr:
    """The prior close where a gap can be measured from it."""
    # as it stood that session: on the basis of a split to come any price can be out of bounds
    stood = (is_price(pl.col(name) * pl.col("split_factor")) for name in ("prior_close", "open"))
    return pl.when(pl.all_horizontal("whole", *stood)).then("prior_close")


def gap_pct() -> pl.Expr:
    """The gap in percent, null without a base."""
    return (pl.col("open") / base() - 1) * 100


def _flags(table: pl.DataFrame) -> pl.Series:
    """Bits that come from the bars themselves; judgements on large gaps come later."""
    first, before = pl.col("first"), pl.col("prior_sound")
    clean = pl.col("sound") & (first | (before & pl.col("whole")))
    rows = table.select(row=pl.arg_where(~clean))["row"]
    odd = table.select(pl.col("sound", "whole", "first", "prior_sound").gather(rows))
    bits = odd.select(
        bits=(~pl.col("sound")).cast(pl.UInt16) * Flag.BAD_BAR
        + (~before & ~first).fill_null(value=False).cast(pl.UInt16) * Flag.BAD_BASE
        + (~pl.col("whole") & ~first).cast(pl.UInt16) * Flag.STALE_BASE
    )["bits"]
    none = pl.repeat(0, table.height, dtype=pl.UInt16, eager=True).alias("flags")
    return none.scatter(rows, bits)


def _delivered(bars: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Back to the share basis of each session, beside the bars as delivered."""
    factor = pl.col("split_factor")
    prices = ("prior_close", "prior_high", "prior_low", "high20", "low20", "atr", "trend")
    scaled = (
        table
        if bool((table["split_factor"] == 1).all())
        else table.with_columns(
            *(pl.col(name) * factor for name in prices), pl.col("mean_volume") / factor
        )
    )
    answer = bars.select("symbol", "session", "open", "high", "low", "close", "volume").hstack(
        scaled.select(
            *prices,
            "mean_volume",
            "gap_pct",
            "gap_atr",
            "range_position",
            "rvol",
            "gap_type",
            "story",
            "split_factor",
            "flags",
        )
    )
    return answer.with_columns(
        dollar_volume=pl.col("close") * pl.col("volume"),
        gap_ex_div_pct=pl.lit(None, dtype=pl.Float64),
    )


def first_sessions_after(answer: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Actions with the row of the symbol's first session on or after the ex-date.

    `answer` has symbol, session, open and prior_close as delivered, all bars of each symbol.
    """
    rows = answer.select("symbol", "session", "prior_close", "open").with_row_index("row")
    rows = rows.filter(pl.col("symbol").is_in(actions["symbol"].unique().implode()))
    return (
        actions.sort("ex_date")
        .join_asof(
            rows.sort("session"),
            left_on="ex_date",
            right_on="session",
            by="symbol",
            strategy="forward",
            check_sortedness=False,
            coalesce=False,
        )
        .filter(pl.col("row").is_not_null())
    )


def with_actions(answer: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """Marks the rows that actions hit (row, kind, amount, open, prior_close): dividend, split,
    other action.
    """
    if hits.is_empty():
        return answer
    kind = pl.col("kind")
    cash = pl.when(kind == "dividend").then("amount").sum()
    found = hits.group_by("row").agg(
        gap_ex_div_pct=pl.when(cash > 0).then(
            ((pl.col("open").first() + cash) / pl.col("prior_close").first() - 1) * 100
        ),
        bits=(kind == "split").any().cast(pl.UInt16) * Flag.SPLIT_ADJUSTED
        + (kind == "dividend").any().cast(pl.UInt16) * Flag.EX_DIVIDEND
        + (kind == FOREIGN_DIVIDEND).any().cast(pl.UInt16) * Flag.FOREIGN_CASH
        + (~kind.is_in(["split", "dividend", FOREIGN_DIVIDEND])).any().cast(pl.UInt16)
        * Flag.ACTION,
    )
    old = answer["flags"].gather(found["row"])
    flags = answer["flags"].scatter(found["row"], old + found["bits"])
    cash_gap = answer["gap_ex_div_pct"].scatter(found["row"], found["gap_ex_div_pct"])
    return answer.with_columns(flags, cash_gap)
