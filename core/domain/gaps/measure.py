"""Opening gaps of all symbols in all sessions at once: quantities, types, flags.

Definitions: docs/gaps.md. Prices and volumes come out as delivered; whatever compares two
sessions is computed on one share basis. Percent columns hold 5.0 for 5 %.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import polars as pl

from core.domain.gaps import averages as gap_averages
from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import comparable, windows
from core.domain.gaps.filters import GapFilters, large_enough, moved, passes
from core.domain.gaps.flags import BREADTH_PCT, LARGE_PCT, judge, large
from core.domain.gaps.kinds import TREND_SESSIONS
from core.domain.gaps.quantities import (
    NEEDED,
    first_sessions_after,
    gap_pct,
    quantities,
    with_actions,
)
from core.domain.tables.frames import CORPORATE_ACTIONS

T = TypeVar("T")
EVERY = pl.col("symbol").is_not_null()
BLOCK_ROWS = 500_000
WINDOW_SESSIONS = 22  # the gap's own, 20 before it, and the close before those (trend)


def measure(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per bar with everything that is known about its opening gap.

    `bars` follow BARS_DAILY, raw or adjusted; `sessions` are the exchange's days in order;
    `actions` follow CORPORATE_ACTIONS (leave out those that the bars are adjusted for already);
    `catalysts` (symbol, session, explains, structural) help to judge large moves.
    Adds prior_close, prior_high, prior_low (on this session's share basis), gap_pct,
    gap_ex_div_pct, atr (before this session), gap_atr, range_position, rvol, mean_volume,
    dollar_volume (close x volume), usual_range (of large gaps: mean of high less low over close of
    the 20 sessions before), high20, low20, gap_type, story, split_factor, comparable_since (where
    volumes began anew within 20 sessions, after an unreal move) and flags (bits of
    `gap_flags.Flag`). Without a base for a quantity it is null, never 0; where the
    session before has no bar, prior_close is the last one known and the gap itself is null.
    """
    parts = _in_blocks(bars, lambda block: _measure(block, sessions, actions))
    rows = [part for part, _ in parts]
    whole = rows[0] if len(rows) == 1 else pl.concat(rows, rechunk=False)
    far = pl.concat([moves for _, moves in parts])
    past = _past(bars, sessions, actions)
    judged = comparable.judged_in_turn(whole, past, far, lambda some: judge(some, catalysts))
    return _across_breaks(judged, far, bars, sessions, actions)


def find(
    bars: pl.DataFrame,
    sessions: pl.Series,
    filters: GapFilters,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The gaps of `measure` that reach the least size, with `candidate`: passed all filters.

    Works through the bars block by block, and lets go of what is no gap as soon as that shows.
    """
    wanted = moved(min(filters.min_gap_pct, LARGE_PCT))
    judged, far = _judged(bars, sessions, actions, catalysts, wanted)
    judged = _across_breaks(judged, far, bars, sessions, actions, wanted)
    judged = judged.filter(large_enough(filters))
    return judged.with_columns(candidate=passes(filters))


def breaks(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Symbol and session of the moves judged unreal, as `measure` leaves them out of averages."""
    judged, _ = _judged(bars, sessions, actions, catalysts, moved(LARGE_PCT))
    return gap_breaks.judged(judged)


def _judged(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    catalysts: pl.DataFrame | None,
    wanted: pl.Expr,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The wanted rows, measured and judged beside the smaller moves of the market, and the far
    moves that no volume can judge.
    """
    parts = _in_blocks(bars, lambda block: _chosen(block, sessions, actions, wanted))
    rows, smaller, far = (pl.concat(found) for found in zip(*parts, strict=True))
    past = _past(bars, sessions, actions)
    judged = comparable.judged_in_turn(
        rows, past, far, lambda some: judge(some, catalysts, smaller)
    )
    return judged, far


def _past(
    bars: pl.DataFrame, sessions: pl.Series, actions: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """The bars, the sessions and the splits on record."""
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    return bars, sessions, bar_rules.splits_of(actions)


def _across_breaks(
    judged: pl.DataFrame,
    far: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    wanted: pl.Expr = EVERY,
) -> pl.DataFrame:
    """Takes unreal moves out of the averages and the windows after them: the judgement, which tells
    them, rests on no average. The few names that need it are measured again.
    """
    judged, unsure = gap_averages.set_right(judged)
    judged = judged.drop("ranges", "trend")
    if not unsure.is_empty():
        judged = _again(judged, unsure, bars, sessions, actions, wanted)
    return comparable.struck(judged, comparable.changes(judged, far), sessions)


def _again(
    judged: pl.DataFrame,
    unsure: pl.Series,
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    wanted: pl.Expr,
) -> pl.DataFrame:
    """The rows with the averages of some names measured again, without their unreal moves."""
    found = gap_breaks.judged(judged)
    chosen = pl.col("symbol").is_in(unsure.implode())
    few = bars.filter(chosen)
    parts = _in_blocks(few, lambda block: _chosen(block, sessions, actions, wanted, found))
    again = pl.concat([rows for rows, *_ in parts])
    places = judged.select(row=pl.arg_where(chosen))["row"]
    return judged.with_columns(
        judged[name].scatter(places, again[name]) for name in ("atr", "gap_atr", "story")
    )


def _in_blocks(bars: pl.DataFrame, work: Callable[[pl.DataFrame], T]) -> list[T]:
    """The work on each block, two at a time: much of it runs on one core only."""
    bars = bar_rules.in_order(bars)
    with ThreadPoolExecutor(2, "gaps") as pool:
        return list(pool.map(work, [bars.slice(*block) for block in _blocks(bars)]))


def _blocks(bars: pl.DataFrame) -> list[tuple[int, int]]:
    """Offsets and lengths of about BLOCK_ROWS, cut between symbols; memory stays small.

    All are of one size: what a block costs beside its rows is not paid for a small last one.
    """
    count = round(bars.height / BLOCK_ROWS)
    if count <= 1:
        return [(0, bars.height)]
    starts = bars.select(pl.arg_where(pl.col("symbol") != pl.col("symbol").shift(1))).to_series()
    aims = pl.Series(
        [bars.height * block // count for block in range(1, count)], dtype=starts.dtype
    )
    found = starts.search_sorted(aims, side="left").clip(0, len(starts) - 1)
    cuts = [0, *starts.gather(found).unique().sort().to_list(), bars.height]
    return [(low, high - low) for low, high in pairwise(cuts) if high > low]


def _measure(
    bars: pl.DataFrame, sessions: pl.Series, actions: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of `measure` before judgement, with `ranges` and `trend`, and the far moves."""
    work, _, hits, far = _prepared(bars, sessions, actions)
    work = work.with_columns(windows.last_sessions(work))
    answer = quantities(bars, work, lambda at: _trend_closes(work, at))
    answer = with_actions(answer.with_columns(work["ranges"].cast(pl.Int64)), hits)
    return _with_ranges(answer, work, None), far


def _chosen(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    wanted: pl.Expr,
    breaks: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Those rows of `_measure` that are wanted by open and prior_close; session and gap_pct of
    the smaller moves that tell how broad a session's was; and the far moves.
    """
    work, priced, hits, far = _prepared(bars, sessions, actions, breaks)
    marks = priced.select(wanted=wanted, moved=moved(BREADTH_PCT))
    rows = pl.concat([marks.select(row=pl.arg_where(pl.col("wanted")))["row"], hits["row"]])
    rows = rows.unique().sort()
    few = work.select(pl.col(NEEDED).gather(rows)).with_columns(windows.last_sessions(work, rows))
    answer = quantities(bars[rows], few, lambda at: _trend_closes(work, rows.gather(at)))
    answer = answer.with_columns(work["ranges"].gather(rows).cast(pl.Int64))
    places = rows.to_frame().with_row_index("place")
    answer = with_actions(answer, hits.join(places, on="row").with_columns(row="place"))
    smaller = marks.select(row=pl.arg_where(pl.col("moved") & ~pl.col("wanted")))["row"]
    smaller = smaller.filter(~smaller.is_in(hits["row"].implode()))
    moves = work.select(pl.col("open", "prior_close", "whole", "split_factor").gather(smaller))
    moves = moves.select(bars["session"].gather(smaller), gap_pct=gap_pct())
    return _with_ranges(answer, work, rows), moves, far


def _prepared(
    bars: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame | None,
    breaks: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The bars on one basis with what came before each; open and prior_close as delivered; the
    rows that actions hit; and the moves that no average is carried across (as `comparable` has
    them; without `breaks` the far ones only).
    """
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    factor = bar_rules.split_factors(bars, splits)
    work = windows.one_basis(bars, factor, split=not splits.is_empty())
    work = work.with_columns(windows.positions(bars, sessions))
    work, found = windows.with_bases(work, bars, breaks)
    far = bars.select(pl.col("symbol", "session").gather(found["row"])).with_columns(
        units=(found["ratio"] != 1).fill_null(value=True)
    )
    work = work.with_columns(
        first=pl.col("row") == pl.col("start"),
        prior_sound=windows.before("sound"),
        prior_close=windows.before("any_close"),
        prior_high=windows.before("any_high"),
        prior_low=windows.before("any_low"),
        whole=(pl.col("number") - windows.before("number") == 1).fill_null(value=False),
    )
    priced = bars.select("symbol", "session", "open").hstack(
        work.select(prior_close=pl.col("prior_close") * pl.col("split_factor"))
    )
    return work, priced, first_sessions_after(priced, actions), far


def _with_ranges(answer: pl.DataFrame, work: pl.DataFrame, rows: pl.Series | None) -> pl.DataFrame:
    """Adds usual_range to the large gaps of an answer whose rows are `rows` (or all) of `work`."""
    places = answer.select(place=pl.arg_where(large()))["place"]
    empty = pl.repeat(None, answer.height, dtype=pl.Float64, eager=True).alias("usual_range")
    if places.is_empty():
        return answer.with_columns(empty)
    found = windows.usual_ranges(work, places if rows is None else rows.gather(places))
    return answer.with_columns(empty.scatter(places, found))


def _trend_closes(work: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """The sound closes 21 sessions before some rows; null where that session has none.

    They stand 21 rows before, but for symbols with holes, which are looked up.
    """
    few = work.select(
        pl.col("row", "start", "number").gather(rows),
        wanted=pl.col("number").gather(rows) - TREND_SESSIONS,
        then=pl.col("number").shift(TREND_SESSIONS).gather(rows),
        close=pl.col("close").shift(TREND_SESSIONS).gather(rows),
    )
    there = (pl.col("row") >= pl.col("start") + TREND_SESSIONS) & (
        pl.col("then") == pl.col("wanted")
    )
    few = few.with_columns(there=there.fill_null(value=False))
    few = few.with_columns(close=pl.when("there").then("close"))
    if few["there"].all():
        return few["close"]
    spread = windows.rows_before(few.filter(~pl.col("there")), TREND_SESSIONS)
    past = spread.select("row", "wanted").hstack(
        work.select(number0="number", found="close")[spread["at"]]
    )
    past = past.filter(pl.col("number0") == pl.col("wanted")).select("row", "found")
    looked = few.join(past, on="row", how="left", maintain_order="left")
    return looked.select(pl.when("there").then("close").otherwise("found").alias("close"))["close"]
