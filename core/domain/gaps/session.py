"""The gaps of one session from its windows and the state before them: what a morning reads."""

from __future__ import annotations

from datetime import date

import polars as pl

from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import state as gap_state
from core.domain.gaps import windows
from core.domain.gaps.flags import BREADTH_PCT, judge, large
from core.domain.gaps.kinds import TREND_SESSIONS
from core.domain.gaps.quantities import quantities, with_actions
from core.domain.gaps.state import GapState
from core.domain.gaps.wilder import ATR_SESSIONS
from core.domain.gaps.windows import LEAST_BARS, VOLUME_SESSIONS
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.errors import UsageError

_PRICES = ("high", "low", "close")
_WINDOWS = (
    pl.len().alias("bars"),
    pl.col("volume").cast(pl.Float64).mean().alias("mean_volume"),
    pl.col("high").max().alias("high20"),
    pl.col("low").min().alias("low20"),
)


def measure_session(
    bars: pl.DataFrame,
    day: date,
    sessions: pl.Series,
    state: GapState,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rows of `gaps.measure` for one session of the exchange, ordered by symbol.

    `bars` hold the session, all after `state.as_of` and the 21 before those, in any order; the
    state is of a session before it. The other arguments are those of `measure`, and so is the
    answer: each window is one aggregation by symbol instead of
    a row for every bar in it. UsageError for a day that is no session.
    """
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    here = sessions.index_of(day)
    if here is None or here < TREND_SESSIONS:
        raise UsageError(f"{day} is no session of the exchange with {TREND_SESSIONS} before it")
    past = bars.filter(pl.col("session") < day)
    before = advance(state, past, sessions, sessions[here - 1], actions, catalysts)
    frame = gap_state.on_todays_basis(before.frame, splits)
    today = bars.filter(pl.col("session") == day).sort("symbol")
    return _judged(today, past, frame, sessions, here, actions, catalysts)


def advance(
    state: GapState,
    bars: pl.DataFrame,
    sessions: pl.Series,
    as_of: date,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> GapState:
    """The state as of a later session from the bars after `state.as_of` up to it, in any order.

    The bars of the 21 sessions before them are needed too: they tell whether a move was real.
    """
    later = bars.filter(pl.col("session") > state.as_of, pl.col("session") <= as_of)
    if later.is_empty():
        return GapState(as_of, state.frame)
    bars = bars.filter(pl.col("session") <= as_of)
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    later = later.with_columns(
        bar_rules.split_factors(later, splits).alias("split_factor"), sound=bar_rules.is_sound()
    )
    frame = gap_state.on_todays_basis(state.frame, splits)
    for part in later.sort("session", "symbol").partition_by("session", maintain_order=True):
        broken = _breaks(part, bars, frame, sessions, actions, catalysts)
        frame = gap_state.one_session(frame, part, sessions, broken)
    return GapState(as_of, gap_state.as_kept(frame))


def _breaks(
    part: pl.DataFrame,
    bars: pl.DataFrame,
    frame: pl.DataFrame,
    sessions: pl.Series,
    actions: pl.DataFrame,
    catalysts: pl.DataFrame | None,
) -> pl.Series:
    """The symbols whose move in one session is judged unreal, from those that moved at all."""
    day = part["session"][0]
    here = sessions.index_of(day)
    if here is None or here < TREND_SESSIONS:
        return pl.Series("symbol", [], dtype=pl.String)
    since = sessions[here - 1]
    due = actions.filter(pl.col("ex_date").is_between(since, day, closed="right"))
    ends = frame.select("symbol", end=pl.col("close") / pl.col("split_factor"))
    move = pl.col("open") / pl.col("split_factor") / pl.col("end") - 1
    near = part.join(ends, on="symbol").filter(
        (move.abs() * 100 >= BREADTH_PCT) | pl.col("symbol").is_in(due["symbol"].implode())
    )
    if near.is_empty():
        return near["symbol"]
    chosen = pl.col("symbol").is_in(near["symbol"].implode())
    window = pl.col("session").is_between(sessions[here - TREND_SESSIONS], since)
    today = near.select(bars.columns).sort("symbol")
    past = bars.filter(chosen & window)
    judged = _judged(today, past, frame.filter(chosen), sessions, here, actions, catalysts)
    return gap_breaks.judged(judged)["symbol"]


def _judged(
    today: pl.DataFrame,
    past: pl.DataFrame,
    frame: pl.DataFrame,
    sessions: pl.Series,
    here: int,
    actions: pl.DataFrame,
    catalysts: pl.DataFrame | None,
) -> pl.DataFrame:
    """The rows of a session in order, from the state before it on today's share basis."""
    splits = bar_rules.splits_of(actions)
    factor = bar_rules.split_factors(today, splits)
    work = windows.one_basis(today, factor, split=not splits.is_empty()).hstack(
        today.select("symbol")
    )
    work = _with_past(work, frame, sessions, here)
    sound = _window(past, splits, sessions, here)
    work = _with_windows(work, sound, sessions, here)
    answer = quantities(today, work, work["close21"].gather).drop("trend")
    if not actions.is_empty():
        answer = with_actions(answer, _hits(answer, work, actions))
    answer = _with_usual_ranges(answer, sound, sessions[here - TREND_SESSIONS])
    recent = work["since_recent"]
    since = pl.when(recent.is_not_null()).then(work["volume"] / work["volume_since"])
    judged = judge(answer.with_columns(rvol=since.otherwise("rvol")), catalysts)
    return judged.with_columns(answer["rvol"], recent.alias("comparable_since"))


def _with_past(
    work: pl.DataFrame, state: pl.DataFrame, sessions: pl.Series, here: int
) -> pl.DataFrame:
    """Adds the bar before, whether it is of the session before, Wilder's average and the age."""
    known = state.select(
        "symbol",
        "first_session",
        prior_session="session",
        prior_sound="sound",
        **{f"prior_{name}": pl.col(name) / pl.col("split_factor") for name in _PRICES},
        atr=pl.when(pl.col("ranges") >= ATR_SESSIONS).then("average"),
        since="since",
        stray="stray",
    )
    begins = sessions[here - VOLUME_SESSIONS]
    old_enough = (pl.col("first_session") <= begins).fill_null(value=False)
    changed = (pl.col("since") > begins).fill_null(value=False)
    odd = (pl.col("stray") >= begins).fill_null(value=False)
    return work.join(known, on="symbol", how="left", maintain_order="left").with_columns(
        first=pl.col("prior_session").is_null(),
        whole=(pl.col("prior_session") == sessions[here - 1]).fill_null(value=False),
        of_age=old_enough & ~changed,
        levels=old_enough & ~changed & ~odd,
        since_recent=pl.when(changed).then("since"),
    )


def _window(
    past: pl.DataFrame, splits: pl.DataFrame, sessions: pl.Series, here: int
) -> pl.DataFrame:
    """The sound bars of the 21 sessions before, on today's share basis."""
    counted = pl.col("session").is_in(sessions[here - TREND_SESSIONS : here].implode())
    sound = past.filter(bar_rules.is_sound() & counted)
    if splits.is_empty():
        return sound
    factor = bar_rules.split_factors(sound, splits)
    return sound.with_columns(pl.col(*_PRICES) / factor, pl.col("volume") * factor)


def _with_usual_ranges(answer: pl.DataFrame, sound: pl.DataFrame, before: date) -> pl.DataFrame:
    """Adds usual_range of the large gaps, from the bars of the sessions after `before`."""
    asked = pl.col("symbol").is_in(answer.filter(large())["symbol"].implode())
    few = sound.filter(asked & (pl.col("session") > before))
    span = (pl.col("high") - pl.col("low")) / pl.col("close")
    ranges = few.select("symbol", span=span).group_by("symbol")
    found = ranges.agg(usual_range=windows.usual_range("span"))
    return answer.join(found, on="symbol", how="left", maintain_order="left")


def _with_windows(
    work: pl.DataFrame, sound: pl.DataFrame, sessions: pl.Series, here: int
) -> pl.DataFrame:
    """Adds mean_volume, high20 and low20 of the 20 sessions before, and the close before those."""
    begins = pl.col("session") == sessions[here - TREND_SESSIONS]
    table = sound.filter(~begins).group_by("symbol").agg(_WINDOWS)
    trend = sound.filter(begins).select("symbol", close21="close")
    work = work.join(table, on="symbol", how="left", maintain_order="left")
    work = work.join(trend, on="symbol", how="left", maintain_order="left")
    work = _with_volumes_since(work, sound)
    old = pl.col("of_age") & (pl.col("bars") >= LEAST_BARS)
    moved = (pl.col("since") > sessions[here - TREND_SESSIONS]).fill_null(value=False)
    return work.with_columns(
        pl.when(old).then("mean_volume").alias("mean_volume"),
        *(pl.when("levels").then(name).alias(name) for name in ("high20", "low20")),
        pl.when(~moved).then("close21").alias("close21"),
    )


def _with_volumes_since(work: pl.DataFrame, sound: pl.DataFrame) -> pl.DataFrame:
    """Adds volume_since: the mean volume since a change of units within 20 sessions."""
    begun = work.select("symbol", "since_recent").drop_nulls()
    if begun.is_empty():  # as on nearly every day
        return work.with_columns(volume_since=pl.lit(None, pl.Float64))
    later = sound.join(begun, on="symbol").filter(pl.col("session") >= pl.col("since_recent"))
    mean = pl.col("volume").cast(pl.Float64).mean()
    usual = later.sort("session").group_by("symbol").agg(volume_since=mean)
    return work.join(usual, on="symbol", how="left", maintain_order="left")


def _hits(answer: pl.DataFrame, work: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Actions whose ex-date lies after the symbol's bar before, up to this session."""
    rows = answer.select("symbol", "session", "prior_close", "open").with_row_index("row")
    rows = rows.with_columns(work["prior_session"])
    found = actions.join(rows, on="symbol").filter(pl.col("ex_date") <= pl.col("session"))
    since = pl.col("prior_session")
    return found.filter(since.is_null() | (pl.col("ex_date") > since))
