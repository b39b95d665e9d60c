"""Flags of a gap, and the judgement of large ones: news, corporate action or bad print.

A large move is told apart by the money that changed hands. `turnover` is the session's dollar
volume against the usual one: rvol x open / prior close, which a split leaves alone (twice the
shares at half the price) and a spin-off hardly moves, while news multiplies it.
"""

from __future__ import annotations

from enum import IntFlag
from functools import cache
from itertools import pairwise

import polars as pl

from core.domain.gaps.bars import spelled


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
    FOREIGN_CASH = 1024  # a distribution in a currency without a rate to the instrument's


EXCLUDING = (
    Flag.BAD_BAR
    | Flag.BAD_BASE
    | Flag.STALE_BASE
    | Flag.SUSPECTED_SPLIT
    | Flag.ACTION
    | Flag.SUSPECTED_ACTION
    | Flag.NO_TRADING
    | Flag.FOREIGN_CASH
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
    Flag.FOREIGN_CASH: "corporate_action",
}
REASONS: dict[Flag, str] = {
    Flag.BAD_BAR: "bad_print: the bar of this session is unsound",
    Flag.BAD_BASE: "bad_print: the bar of the session before is unsound, so the prior close is",
    Flag.STALE_BASE: "stale_base: no bar in the session before",
    Flag.FOREIGN_CASH: "corporate_action: a distribution in another currency without a rate to "
    "the instrument's (OPENBELL_FX_RATES): the gap without it is not known",
    Flag.ACTION: "corporate_action: on record for this session",
    Flag.SUSPECTED_SPLIT: "suspected_split: the price ratio looks like a split's, and so does the "
    "volume",
    Flag.SUSPECTED_ACTION: "corporate_action: suspected, looks like one: a large move without the "
    "trading or the filing that news brings",
    Flag.NO_TRADING: "bad_print: a large move on less than the usual trading",
}
LARGE_PCT = 10.0  # from here on a gap needs at least the usual volume
SUSPECT_PCT = 15.0  # from here on it needs turnover or a catalyst
EXTREME_PCT = 45.0  # from here on it needs a catalyst, or turnover as only news brings
QUIET_TURNOVER = 2.25
NEWS_TURNOVER = 5.0
NEWS_RATIO = 3.0  # a price that tripled needs a catalyst in any case
NEWS_FALL = 20.0  # and so does one that fell to a twentieth: trials fail, by 80 % and more
HALVED = 1.9  # larger by the smaller price from which on a move may be a split nobody recorded
SPLIT_TURNOVER = 10.0  # no split on record was as busy: they were 0.4 to 1.2, news 12 to 24
USUAL_DAYS = 2.0  # a session within so many usual day ranges is none of a price that collapsed
SPLIT_RATIOS = (1.25, 4 / 3, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)
RATIO_TOLERANCE = 0.03
_USUAL = sorted((*SPLIT_RATIOS, *(1 / usual for usual in SPLIT_RATIOS)))
_HALFWAY = [(low + high) / 2 for low, high in pairwise(_USUAL)]  # a ratio is near one at most
VOLUME_TOLERANCE = 2.0
UNUSUAL_RANGES = 5.0  # a gap below so many usual day ranges of the name is ordinary for it
STILL_TIMES = (
    5.0  # a gap of so many times the session's range, on little volume, is no ordinary one
)
BREADTH_PCT = 3.0  # names that moved so much tell how broad the session's move was
BROAD_NAMES = 20  # at least so many to one side, and
BROAD_SHARE = 0.8  # this share of all that moved, make the move the market's
BROAD_TIMES = 3.0  # and the name moved at most so many times what half of those did
_JUDGED = (
    "symbol",
    "session",
    "open",
    "high",
    "low",
    "close",
    "prior_close",
    "gap_pct",
    "gap_ex_div_pct",
    "rvol",
    "flags",
    "usual_range",
)


def effective_gap() -> pl.Expr:
    """The gap that counts, in percent: without the distributions of the day."""
    return pl.coalesce("gap_ex_div_pct", "gap_pct")


def large() -> pl.Expr:
    """True for gaps that need evidence."""
    return (effective_gap().abs() >= LARGE_PCT).fill_null(value=False)


def judge(
    measured: pl.DataFrame,
    catalysts: pl.DataFrame | None = None,
    smaller: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The frame of `gaps.measure` with the bits for large gaps set.

    `catalysts` has symbol, session, explains (a filing that can explain a move) and structural
    (8-K 2.01, 3.03, 5.03: it speaks of a spin-off or a change of the shares, not of news).
    `smaller` (session, gap_pct) are moves of the market that `measured` leaves out.
    """
    where = measured.select(row=pl.arg_where(large()))["row"]
    if where.is_empty():
        return measured
    found = measured.select(pl.col(_JUDGED).gather(where)).with_columns(where.alias("row"))
    found = _with_breadth(_with_catalysts(found, catalysts), _moves(measured, smaller))
    ratio = 1 / (1 + effective_gap() / 100)
    found = found.with_columns(
        gap=effective_gap(),
        ratio=ratio,
        turnover=pl.col("rvol") / ratio,
        size=effective_gap().abs(),
        held=1 - (pl.col("open") - pl.col("close")) / (pl.col("open") * effective_gap() / 100),
    )
    bits = found.select("row", bits=pl.col("flags") | _bits())
    return measured.with_columns(measured["flags"].scatter(bits["row"], bits["bits"]))


def _with_catalysts(large: pl.DataFrame, catalysts: pl.DataFrame | None) -> pl.DataFrame:
    if catalysts is None or catalysts.is_empty():
        return large.with_columns(explains=pl.lit(value=False), structural=pl.lit(value=False))
    told = catalysts.group_by("session", _key=spelled("symbol")).agg(
        pl.col("explains", "structural").any()
    )
    keyed = large.with_columns(_key=spelled("symbol"))
    joined = keyed.join(told, on=["_key", "session"], how="left", maintain_order="left")
    return joined.drop("_key").with_columns(pl.col("explains", "structural").fill_null(value=False))


def _moves(measured: pl.DataFrame, smaller: pl.DataFrame | None) -> pl.DataFrame:
    """session and gap of all moves that count for the breadth of the market."""
    moves = measured.select("session", gap=effective_gap())
    if smaller is not None:
        moves = pl.concat([moves, smaller.rename({"gap_pct": "gap"})])
    return moves.filter(pl.col("gap").abs() >= BREADTH_PCT)


def _with_breadth(large: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """Adds `broad`: whether the market moved as the name did that session."""
    gap = effective_gap()
    sides = _broad_sides(moves)
    if sides.is_empty():  # as on nearly every day
        return large.with_columns(broad=pl.lit(value=False))
    side = large.select("session", up=gap > 0, size=gap.abs())
    usual = side.join(sides, on=["session", "up"], how="left", maintain_order="left")
    broad = (pl.col("size") <= BROAD_TIMES * pl.col("usual")).fill_null(value=False)
    return large.with_columns(usual.select(broad=broad))


def _broad_sides(moves: pl.DataFrame) -> pl.DataFrame:
    """session, up and usual (the median size, percent) where most names moved to one side.

    `moves` has session and gap. Counting comes first: medians are dear, and such sessions rare.
    """
    up = pl.col("gap") > 0
    counts = moves.group_by("session").agg(ups=up.sum(), all=pl.len())
    most = pl.max_horizontal("ups", pl.col("all") - pl.col("ups"))
    broad = (most >= BROAD_NAMES) & (most >= BROAD_SHARE * pl.col("all"))
    chosen = counts.filter(broad).select("session", up=pl.col("ups") == most)
    if chosen.is_empty():
        return pl.DataFrame(schema={"session": pl.Date, "up": pl.Boolean, "usual": pl.Float64})
    found = moves.with_columns(up=up).join(chosen, on=["session", "up"])
    return found.group_by("session", "up").agg(usual=pl.col("gap").abs().median())


@cache  # some forty expressions, the same for every scan
def _bits() -> pl.Expr:
    """Bits for one large gap; a split on record or a bad bar has settled it already."""
    size, turnover = pl.col("size"), pl.col("turnover")
    settled = (pl.col("flags") & int(Flag.SPLIT_ADJUSTED | Flag.BAD_BAR | Flag.BAD_BASE)) != 0
    settled = settled | _ordinary()
    split = _split_like() & ~pl.col("explains") & (size >= SUSPECT_PCT)
    news = _news_like()
    idle = ((pl.col("rvol") < 1) | ((size >= SUSPECT_PCT) & (pl.col("rvol") < 1.5))) & _apart()
    rise = (size >= SUSPECT_PCT) & (pl.col("gap") > 0) & (turnover < QUIET_TURNOVER) & _apart()
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


def _ordinary() -> pl.Expr:
    """Evidence that a move is real: it is small for the name, whose days range that widely, or the
    market moved with it. A price that tripled or fell to a third is never ordinary, and neither is
    a session on less than the usual volume that hardly ranged beside its gap.
    """
    few = pl.col("size") / 100 < UNUSUAL_RANGES * pl.col("usual_range")
    still = (pl.col("rvol") < 1) & (_span() <= pl.col("size") / STILL_TIMES)
    few = few & ~still.fill_null(value=False)
    bounded = pl.col("ratio").is_between(1 / NEWS_RATIO, NEWS_RATIO)
    return (bounded & (few | pl.col("broad"))).fill_null(value=False)


def _span() -> pl.Expr:
    """The range of the session in percent of the prior close."""
    return (pl.col("high") - pl.col("low")) / pl.col("prior_close") * 100


def _apart() -> pl.Expr:
    """The whole session stands apart from the price before: its range is small beside the gap, or
    the open alone stands apart and the close is back. Low volume by itself proves nothing.
    """
    return (_span() <= pl.col("size") / 3) | (pl.col("held") < 0.25)


def near_split(ratio: pl.Expr) -> pl.Expr:
    """Whether a ratio of two prices is within 3 % of a usual split's, either way."""
    place = pl.lit(pl.Series(_HALFWAY)).search_sorted(ratio)
    return (ratio / pl.lit(pl.Series(_USUAL)).gather(place) - 1).abs() <= RATIO_TOLERANCE


def _split_like() -> pl.Expr:
    """A ratio within 3 % of a usual split, either way, turnover within a factor 2 of usual, and a
    session that stays on the new basis.
    """
    near = near_split(pl.col("ratio"))
    stays = (pl.col("held") >= 0.5) & (pl.col("held") <= 1.5)
    return near & stays & pl.col("turnover").is_between(1 / VOLUME_TOLERANCE, VOLUME_TOLERANCE)


def _news_like() -> pl.Expr:
    """Five times the usual turnover and the close kept half of the gap; of a rise, which no
    spin-off brings, half of that turnover and a third. No calm one without a filing that tells
    news alone.
    """
    up = pl.col("gap") > 0
    held = pl.when(up).then(pl.col("held") >= 1 / 3).otherwise(pl.col("held") >= 0.5)
    busy = pl.when(up).then(QUIET_TURNOVER).otherwise(NEWS_TURNOVER)
    bounded = pl.col("ratio").is_between(1 / NEWS_RATIO, NEWS_FALL)
    calm = _calm() & ~(pl.col("explains") & ~pl.col("structural"))
    return (held & bounded & (pl.col("turnover") >= busy) & ~calm).fill_null(value=False)


def _calm() -> pl.Expr:
    """A fall to half or less or a doubling, to a usual split's price, in a session that ranged as
    any other on less than ten times the usual dollars: what collapses or soars ranges widely on its
    way, unless it moved before the open, as where a takeover is told or broken off, and then it is
    busier than that. Bars after it would tell no more (volume in shares stays up after both), nor
    may they be looked at.
    """
    range_ = (pl.col("high") - pl.col("low")) / pl.col("close")
    halved = (pl.col("ratio") > HALVED) | (pl.col("ratio") < 1 / HALVED)
    calm = halved & near_split(pl.col("ratio")) & (pl.col("turnover") < SPLIT_TURNOVER)
    return (calm & (range_ <= USUAL_DAYS * pl.col("usual_range"))).fill_null(value=False)


def _action_like() -> pl.Expr:
    """Beyond 45 % without a catalyst, a quiet fall beyond 15 %, or a structural filing with it or
    with a calm doubling.
    """
    size, plain = pl.col("size"), ~pl.col("explains")
    fall = (pl.col("gap") < 0) & (size >= SUSPECT_PCT)
    quiet = fall & (pl.col("turnover") < QUIET_TURNOVER)
    structural = (fall | _calm()) & pl.col("structural")
    return ((size > EXTREME_PCT) & plain) | (quiet & plain) | structural


def _bit(flag: Flag) -> pl.Expr:
    return pl.lit(int(flag), dtype=pl.UInt16)


def excluded() -> pl.Expr:
    """True where a flag keeps the gap out of ranks and statistics."""
    return (pl.col("flags") & int(EXCLUDING)) != 0


@cache
def words(column: str = "flags") -> pl.Expr:
    """The flags as a list of words, each once."""
    picked = [
        pl.when((pl.col(column) & int(flag)) != 0).then(pl.lit(word))
        for flag, word in WORDS.items()
    ]
    return pl.concat_list(picked).list.drop_nulls().list.unique(maintain_order=True)


@cache
def reason() -> pl.Expr:
    """Why a gap is left out: the first excluding flag as a sentence; null for none."""
    chain = pl.lit(None, dtype=pl.String)
    for flag, sentence in reversed(REASONS.items()):
        chain = pl.when((pl.col("flags") & int(flag)) != 0).then(pl.lit(sentence)).otherwise(chain)
    return chain
