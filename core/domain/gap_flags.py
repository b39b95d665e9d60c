"""Flags of a gap, and the judgement of large ones: news, corporate action or bad print.

A large move is told apart by the money that changed hands. `turnover` is the session's dollar
volume against the usual one: rvol x open / prior close, which a split leaves alone (twice the
shares at half the price) and a spin-off hardly moves, while news multiplies it.
"""

from __future__ import annotations

from enum import IntFlag
from functools import cache

import polars as pl


class Flag(IntFlag):
    """Bits of the column `flags`."""

    BAD_BAR = 1
    BAD_BASE = 2
    STALE_BASE = 4
    SUSPECTED_SPLIT = 8
    ACTION = 16  # a corporate action on record other than split or dividend
    SUSPECTED_ACTION = 32
    NO_TRADING = 64  # a large move on less than the usual volume
    EX_DIVIDEND = 128
    SPLIT_ADJUSTED = 256
    NEWS_MOVE = 512


EXCLUDING = (
    Flag.BAD_BAR
    | Flag.BAD_BASE
    | Flag.STALE_BASE
    | Flag.SUSPECTED_SPLIT
    | Flag.ACTION
    | Flag.SUSPECTED_ACTION
    | Flag.NO_TRADING
)
WORDS: dict[Flag, str] = {
    Flag.BAD_BAR: "bad_print",
    Flag.BAD_BASE: "bad_print",
    Flag.STALE_BASE: "stale_base",
    Flag.SUSPECTED_SPLIT: "suspected_split",
    Flag.ACTION: "corporate_action",
    Flag.SUSPECTED_ACTION: "corporate_action",
    Flag.NO_TRADING: "bad_print",
    Flag.EX_DIVIDEND: "ex_dividend",
    Flag.SPLIT_ADJUSTED: "split_adjusted",
    Flag.NEWS_MOVE: "news_move",
}
REASONS: dict[Flag, str] = {
    Flag.BAD_BAR: "bad_print: the bar of this session is unsound",
    Flag.BAD_BASE: "bad_print: the bar of the session before is unsound, so the prior close is",
    Flag.STALE_BASE: "stale_base: no bar in the session before",
    Flag.SUSPECTED_SPLIT: "suspected_split: the price ratio is a split's, and so is the volume",
    Flag.ACTION: "corporate_action: on record for this session",
    Flag.SUSPECTED_ACTION: "corporate_action: suspected, a large move without the trading or the "
    "filing that news brings",
    Flag.NO_TRADING: "bad_print: a large move on less than the usual trading",
}
LARGE_PCT = 10.0  # from here on a gap needs at least the usual volume
SUSPECT_PCT = 15.0  # from here on it needs turnover or a catalyst
EXTREME_PCT = 45.0  # from here on it needs a catalyst, or turnover as only news brings
QUIET_TURNOVER = 2.25
NEWS_TURNOVER = 5.0
NEWS_RATIO = 3.0  # a price that tripled, or fell to a third, needs a catalyst in any case
SPLIT_RATIOS = (1.25, 4 / 3, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)
RATIO_TOLERANCE = 0.03
VOLUME_TOLERANCE = 2.0
_JUDGED = ("symbol", "session", "open", "close", "prior_close", "gap_pct", "rvol", "flags")


def judge(measured: pl.DataFrame, catalysts: pl.DataFrame | None = None) -> pl.DataFrame:
    """The frame of `gaps.measure` with the bits for large gaps set.

    `catalysts` has symbol, session, explains (a filing that can explain a move) and structural
    (8-K 2.01, 3.03, 5.03: it speaks of a spin-off or a change of the shares, not of news).
    """
    where = measured.select(row=pl.arg_where(pl.col("gap_pct").abs() >= LARGE_PCT))["row"]
    if where.is_empty():
        return measured
    large = measured.select(pl.col(_JUDGED).gather(where)).with_columns(where.alias("row"))
    large = _with_catalysts(large, catalysts)
    ratio = pl.col("prior_close") / pl.col("open")
    large = large.with_columns(
        ratio=ratio, turnover=pl.col("rvol") / ratio, size=pl.col("gap_pct").abs()
    )
    bits = large.select("row", bits=pl.col("flags") | _bits())
    return measured.with_columns(measured["flags"].scatter(bits["row"], bits["bits"]))


def _with_catalysts(large: pl.DataFrame, catalysts: pl.DataFrame | None) -> pl.DataFrame:
    if catalysts is None or catalysts.is_empty():
        return large.with_columns(explains=pl.lit(value=False), structural=pl.lit(value=False))
    joined = large.join(
        catalysts.select("symbol", "session", "explains", "structural"),
        on=["symbol", "session"],
        how="left",
    )
    return joined.with_columns(pl.col("explains", "structural").fill_null(value=False))


@cache  # some forty expressions, the same for every scan
def _bits() -> pl.Expr:
    """Bits for one large gap; a split on record or a bad bar has settled it already."""
    size, turnover = pl.col("size"), pl.col("turnover")
    settled = (pl.col("flags") & int(Flag.SPLIT_ADJUSTED | Flag.BAD_BAR | Flag.BAD_BASE)) != 0
    split = _split_like() & ~pl.col("explains") & (size >= SUSPECT_PCT)
    news = _news_like()
    idle = (pl.col("rvol") < 1) | ((size >= SUSPECT_PCT) & (pl.col("rvol") < 1.5))
    rise = (size >= SUSPECT_PCT) & (pl.col("gap_pct") > 0) & (turnover < QUIET_TURNOVER)
    action = _action_like() & ~news
    return (
        pl.when(settled)
        .then(pl.lit(0, dtype=pl.UInt16))
        .when(split.fill_null(value=False))
        .then(_bit(Flag.SUSPECTED_SPLIT))
        .when((idle & ~pl.col("explains") & (size < EXTREME_PCT)).fill_null(value=False))
        .then(_bit(Flag.NO_TRADING))
        .when((rise & ~pl.col("explains") & (size < EXTREME_PCT)).fill_null(value=False))
        .then(_bit(Flag.NO_TRADING))
        .when(action.fill_null(value=False))
        .then(_bit(Flag.SUSPECTED_ACTION))
        .when((news & (size >= EXTREME_PCT)).fill_null(value=False))
        .then(_bit(Flag.NEWS_MOVE))
        .otherwise(pl.lit(0, dtype=pl.UInt16))
    )


def _split_like() -> pl.Expr:
    """A ratio within 3 % of a usual split, either way, and turnover within a factor 2 of usual."""
    ratio = pl.col("ratio")
    near = pl.any_horizontal(
        (ratio / known - 1).abs() <= RATIO_TOLERANCE
        for usual in SPLIT_RATIOS
        for known in (usual, 1 / usual)
    )
    return near & pl.col("turnover").is_between(1 / VOLUME_TOLERANCE, VOLUME_TOLERANCE)


def _news_like() -> pl.Expr:
    """Five times the usual turnover, and the close kept at least half of the gap."""
    moved = pl.col("open") - pl.col("prior_close")
    held = (pl.col("close") - pl.col("prior_close")) / moved >= 0.5
    bounded = pl.col("ratio").is_between(1 / NEWS_RATIO, NEWS_RATIO)
    return (held & bounded & (pl.col("turnover") >= NEWS_TURNOVER)).fill_null(value=False)


def _action_like() -> pl.Expr:
    """Beyond 45 % without a catalyst, a quiet fall beyond 15 %, or a structural filing with it."""
    size, plain = pl.col("size"), ~pl.col("explains")
    fall = (pl.col("gap_pct") < 0) & (size >= SUSPECT_PCT)
    quiet = fall & (pl.col("turnover") < QUIET_TURNOVER)
    return ((size > EXTREME_PCT) & plain) | (quiet & plain) | (fall & pl.col("structural"))


def _bit(flag: Flag) -> pl.Expr:
    return pl.lit(int(flag), dtype=pl.UInt16)


def excluded() -> pl.Expr:
    """True where a flag keeps the gap out of ranks and statistics."""
    return (pl.col("flags") & int(EXCLUDING)) != 0


def words(column: str = "flags") -> pl.Expr:
    """The flags as a list of words, each once."""
    picked = [
        pl.when((pl.col(column) & int(flag)) != 0).then(pl.lit(word))
        for flag, word in WORDS.items()
    ]
    return pl.concat_list(picked).list.drop_nulls().list.unique(maintain_order=True)


def reason() -> pl.Expr:
    """Why a gap is left out: the first excluding flag as a sentence; null for none."""
    chain = pl.lit(None, dtype=pl.String)
    for flag, sentence in reversed(REASONS.items()):
        chain = pl.when((pl.col("flags") & int(flag)) != 0).then(pl.lit(sentence)).otherwise(chain)
    return chain
