"""Opening gaps of all symbols in all sessions at once: quantities, types, flags.

Definitions: docs/gaps.md. Prices and volumes come out as delivered; whatever compares two
sessions is computed on one share basis. Percent columns hold 5.0 for 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from core.domain import bars as bar_rules
from core.domain import gap_windows as windows
from core.domain.frames import CORPORATE_ACTIONS
from core.domain.gap_filters import GapFilters, in_reach, passes
from core.domain.gap_flags import Flag, judge
from core.domain.gap_types import mechanical_type, story_types

BLOCK_ROWS = 400_000
WINDOW_SESSIONS = 22  # the gap's own, 20 before it, and the close before those (trend)


@dataclass(frozen=True, slots=True)
class Carried:
    """Wilder averages kept from an earlier run, so that a scan reads only its windows.

    Frame columns: symbol, session (of the last sound bar counted), first_session, close, atr.
    """

    frame: pl.DataFrame


def measure(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None = None,
    carried: Carried | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per bar with everything that is known about its opening gap.

    `bars` follow BARS_DAILY, raw or adjusted; `sessions` are the exchange's days in order;
    `actions` follow CORPORATE_ACTIONS (leave out those that the bars are adjusted for already);
    `catalysts` (symbol, session, explains, structural) help to judge large moves. With `carried`
    only the last session's windows are whole; that one is meant.
    Adds prior_close, prior_high, prior_low (on this session's share basis), gap_pct,
    gap_ex_div_pct, atr (before this session), gap_atr, range_position, rvol, mean_volume,
    dollar_volume (close x volume), high20, low20, gap_type, story, split_factor and
    flags (bits of `gap_flags.Flag`). Without a base for a quantity it is null, never 0; where the
    session before has no bar, prior_close is the last one known and the gap itself is null.
    """
    bars = bar_rules.in_order(bars)
    parts = [
        judge(_measure(bars.slice(*block), sessions, actions, carried), catalysts)
        for block in _blocks(bars)
    ]
    return parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=False)


def find(
    bars: pl.DataFrame,
    sessions: pl.Series,
    filters: GapFilters,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The gaps of `measure` that reach the least size, with `candidate`: passed all filters.

    Works through the bars block by block, so that what is not a gap never leaves the cache.
    """
    bars = bar_rules.in_order(bars)
    parts = []
    for block in _blocks(bars):
        part = judge(_measure(bars.slice(*block), sessions, actions, None), catalysts)
        found = part.select(pl.arg_where(in_reach(filters)).alias("row"))["row"]
        parts.append(part.select(pl.all().gather(found)).with_columns(candidate=passes(filters)))
    return pl.concat(parts)


def _blocks(bars: pl.DataFrame) -> list[tuple[int, int]]:
    """Offsets and lengths of about 400,000 rows, cut between symbols: they fit in the cache."""
    if bars.height <= BLOCK_ROWS:
        return [(0, bars.height)]
    starts = bars.select(pl.arg_where(pl.col("symbol") != pl.col("symbol").shift(1))).to_series()
    aims = pl.Series(range(BLOCK_ROWS, bars.height, BLOCK_ROWS), dtype=starts.dtype)
    found = starts.search_sorted(aims, side="left").clip(0, len(starts) - 1)
    cuts = [0, *starts.gather(found).unique().sort().to_list(), bars.height]
    return [(low, high - low) for low, high in pairwise(cuts) if high > low]


def _measure(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    carried: Carried | None,
) -> pl.DataFrame:
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    factor = bar_rules.split_factors(bars, splits)
    work = _one_basis(bars, factor, split=not splits.is_empty())
    work = work.with_columns(windows.positions(bars, sessions))
    kept = _carried_rows(work, bars, carried, splits, sessions)
    work = _with_bases(work, bars, kept)
    work = work.with_columns(windows.last_sessions(work))
    return _quantities(bars, work, actions)


def _one_basis(bars: pl.DataFrame, factor: pl.Series, *, split: bool) -> pl.DataFrame:
    """Prices on today's share basis; high, low, close and volume only of sound bars."""
    sound = pl.col("sound")
    ratio = factor if split else None

    def price(name: str) -> pl.Expr:
        return pl.col(name) if ratio is None else pl.col(name) / ratio

    volume = pl.col("volume").cast(pl.Float64)
    volume = volume if ratio is None else volume * ratio
    marked = bars.with_columns(sound=bar_rules.is_sound())
    return marked.select(
        "sound",
        factor.alias("split_factor"),
        open=price("open"),
        any_close=price("close"),
        any_high=price("high"),
        any_low=price("low"),
        high=pl.when(sound).then(price("high")),
        low=pl.when(sound).then(price("low")),
        close=pl.when(sound).then(price("close")),
        volume=pl.when(sound).then(volume),
    )


def _carried_rows(
    work: pl.DataFrame,
    bars: pl.DataFrame,
    carried: Carried | None,
    splits: pl.DataFrame,
    sessions: pl.Series,
) -> pl.DataFrame | None:
    """start, until, carried_close, atr, first_kept for symbols with a kept average."""
    if carried is None or carried.frame.is_empty():
        return None
    kept = carried.frame
    ratio = bar_rules.split_factors(kept, splits)
    kept = kept.select(
        "symbol",
        windows.session_numbers(kept["first_session"], sessions).alias("first_kept"),
        until="session",
        carried_close=pl.col("close") / ratio,
        atr=pl.col("atr") / ratio,
    )
    firsts = (
        work.select("row", "start")
        .with_columns(bars["symbol"])
        .filter(pl.col("row") == pl.col("start"))
    )
    return firsts.join(kept, on="symbol").drop("symbol", "row")


def _with_bases(work: pl.DataFrame, bars: pl.DataFrame, kept: pl.DataFrame | None) -> pl.DataFrame:
    """Adds the last sound close before each bar, the true range and Wilder's average before it."""
    last_row = pl.when("sound").then("row").forward_fill().shift(1)
    sound_close = pl.when(last_row >= pl.col("start")).then(pl.col("close").forward_fill().shift(1))
    work = work.with_columns(base=sound_close)
    if kept is None:
        work = work.with_columns(true_range=windows.true_range("base"))
        atr = windows.wilder(work)
        return work.with_columns(atr).with_columns(atr=windows.before("atr"))
    return _continued(work.with_columns(bars["session"]), kept)


def _continued(work: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """As above, from kept averages: ranges up to the session of the average count no more."""
    spread = work.select("row", "start").join(kept, on="start", how="left", maintain_order="left")
    begun = work["number"].gather(work["start"])
    work = work.with_columns(
        *spread.select("carried_close", "until", "first_kept", kept_atr="atr"), begun.alias("begun")
    ).with_columns(first_number=pl.coalesce("first_kept", "begun"))
    fresh = pl.col("session") > pl.col("until")
    work = work.with_columns(
        base=pl.coalesce("base", pl.when(fresh).then("carried_close")),
    )
    counted = pl.when(pl.col("until").is_null() | fresh).then(windows.true_range("base"))
    work = work.with_columns(true_range=counted)
    atr = windows.wilder(work, kept.select("start", "atr"))
    before = pl.coalesce(windows.before("atr"), pl.when(fresh).then("kept_atr"))
    return work.with_columns(atr).with_columns(atr=before)


def _quantities(bars: pl.DataFrame, work: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """The answer's columns from the bases."""
    work = work.with_columns(
        prior_close=windows.before("any_close"),
        prior_high=windows.before("any_high"),
        prior_low=windows.before("any_low"),
        whole=(pl.col("number") - windows.before("number") == 1).fill_null(value=False),
        atr=pl.when(pl.col("atr") > 0).then("atr"),
    )
    usable = pl.col("whole") & (pl.col("prior_close") > 0) & (pl.col("open") > 0)
    work = work.with_columns(base=pl.when(usable).then("prior_close"))
    span = pl.col("prior_high") - pl.col("prior_low")
    table = work.with_columns(
        gap_pct=(pl.col("open") / pl.col("base") - 1) * 100,
        gap_atr=(pl.col("open") - pl.col("base")) / pl.col("atr"),
        range_position=pl.when(span > 0).then((pl.col("open") - pl.col("prior_low")) / span),
        rvol=pl.col("volume") / pl.col("mean_volume"),
        gap_type=mechanical_type(),
    )
    table = table.with_columns(story_types(table), _flags(table))
    return _delivered(bars, table, actions)


def _flags(table: pl.DataFrame) -> pl.Series:
    """Bits that come from the bars themselves; judgements on large gaps come later."""
    first = pl.col("row") == pl.col("start")
    before = pl.col("sound").shift(1)
    clean = pl.col("sound") & (first | (before & pl.col("whole")))
    odd = table.select("row", "start", "sound", "whole", before=before, clean=clean)
    odd = odd.filter(~pl.col("clean")).with_columns(first=first)
    bits = odd.select(
        bits=(~pl.col("sound")).cast(pl.UInt16) * Flag.BAD_BAR
        + (~pl.col("before") & ~first).fill_null(value=False).cast(pl.UInt16) * Flag.BAD_BASE
        + (~pl.col("whole") & ~first).cast(pl.UInt16) * Flag.STALE_BASE
    )["bits"]
    none = pl.repeat(0, table.height, dtype=pl.UInt16, eager=True).alias("flags")
    return none.scatter(odd["row"], bits)


def _delivered(bars: pl.DataFrame, table: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Back to the share basis of each session, beside the bars as delivered."""
    factor = pl.col("split_factor")
    prices = ("prior_close", "prior_high", "prior_low", "high20", "low20", "atr")
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
    answer = answer.with_columns(
        dollar_volume=pl.col("close") * pl.col("volume"),
        gap_ex_div_pct=pl.lit(None, dtype=pl.Float64),
    )
    return answer if actions.is_empty() else _with_actions(answer, actions)


def _with_actions(answer: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Marks the first session on or after each ex-date: dividend, split, other action."""
    rows = answer.select("symbol", "session", "prior_close", "open").with_row_index("row")
    rows = rows.filter(pl.col("symbol").is_in(actions["symbol"].unique().implode()))
    rows = rows.sort("session")
    hits = (
        actions.sort("ex_date")
        .join_asof(
            rows,
            left_on="ex_date",
            right_on="session",
            by="symbol",
            strategy="forward",
            check_sortedness=False,
            coalesce=False,
        )
        .filter(pl.col("row").is_not_null())
    )
    kind = pl.col("kind")
    cash = pl.when(kind == "dividend").then("amount").sum()
    hits = hits.group_by("row").agg(
        gap_ex_div_pct=pl.when(cash > 0).then(
            ((pl.col("open").first() + cash) / pl.col("prior_close").first() - 1) * 100
        ),
        bits=(kind == "split").any().cast(pl.UInt16) * Flag.SPLIT_ADJUSTED
        + (kind == "dividend").any().cast(pl.UInt16) * Flag.EX_DIVIDEND
        + (~kind.is_in(["split", "dividend"])).any().cast(pl.UInt16) * Flag.ACTION,
    )
    flags = answer["flags"].scatter(hits["row"], answer["flags"].gather(hits["row"]) + hits["bits"])
    cash_gap = answer["gap_ex_div_pct"].scatter(hits["row"], hits["gap_ex_div_pct"])
    return answer.with_columns(flags, cash_gap)


def carry(bars: pl.DataFrame, sessions: pl.Series, actions: pl.DataFrame | None = None) -> Carried:
    """The averages at the end of the bars, one row a symbol, on the share basis of that day.

    Kept by the desk after each session, so that the next scan reads 22 sessions, not all.
    """
    bars = bar_rules.in_order(bars)
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    factor = bar_rules.split_factors(bars, splits)
    work = _one_basis(bars, factor, split=not splits.is_empty())
    work = work.with_columns(windows.positions(bars, sessions))
    last_row = pl.when("sound").then("row").forward_fill().shift(1)
    base = pl.when(last_row >= pl.col("start")).then(pl.col("close").forward_fill().shift(1))
    work = work.with_columns(base=base).with_columns(true_range=windows.true_range("base"))
    table = work.with_columns(windows.wilder(work), bars["symbol"], bars["session"])
    ends = table.group_by("symbol", maintain_order=True).agg(
        first_session=pl.col("session").first(),
        session=pl.col("session").filter("sound").last(),
        close=(pl.col("close") * pl.col("split_factor")).filter("sound").last(),
        atr=(pl.col("atr") * pl.col("split_factor")).filter("sound").last(),
    )
    return Carried(ends.filter(pl.col("atr").is_not_null()))
