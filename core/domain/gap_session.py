"""The gaps of one session from its windows and the state before them: what a morning reads."""

from __future__ import annotations

from datetime import date

import polars as pl

from core.domain import bars as bar_rules
from core.domain import gap_state
from core.domain import gap_windows as windows
from core.domain.frames import CORPORATE_ACTIONS
from core.domain.gap_flags import judge, large
from core.domain.gap_quantities import quantities, with_actions
from core.domain.gap_state import GapState
from core.domain.gap_types import TREND_SESSIONS
from core.domain.gap_windows import LEAST_BARS, VOLUME_SESSIONS
from core.errors import UsageError

_PRICES = ("high", "low", "close")
_WINDOWS = (
    pl.len().alias("bars"),
    pl.col("volume").cast(pl.Float64).mean().alias("mean_volume"),
    pl.col("high").max().alias("high20"),
    pl.col("low").min().alias("low20"),
    windows.usual_range("span").alias("usual_range"),
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

    `bars` hold the session and the 21 before it at least, in any order; `state` is of a session
    before it, and of no earlier one than the first of the bars but one. The other arguments are
    those of `measure`, and so is the answer: each window is one aggregation by symbol instead of
    a row for every bar in it. UsageError for a day that is no session.
    """
    actions = CORPORATE_ACTIONS.empty() if actions is None else actions
    splits = bar_rules.splits_of(actions)
    here = sessions.index_of(day)
    if here is None or here < TREND_SESSIONS:
        raise UsageError(f"{day} is no session of the exchange with {TREND_SESSIONS} before it")
    today = bars.filter(pl.col("session") == day).sort("symbol")
    past = bars.filter(pl.col("session") < day)
    before = gap_state.advance(state, past, sessions, sessions[here - 1], actions)
    factor = bar_rules.split_factors(today, splits)
    work = windows.one_basis(today, factor, split=not splits.is_empty()).hstack(
        today.select("symbol")
    )
    work = _with_past(work, gap_state.on_todays_basis(before.frame, splits), sessions, here)
    work = _with_windows(work, past, splits, sessions, here)
    answer = quantities(today, work, work["close21"].gather)
    if not actions.is_empty():
        answer = with_actions(answer, _hits(answer, work, actions))
    known = pl.when(large()).then(work["usual_range"])
    return judge(answer.with_columns(known.alias("usual_range")), catalysts)


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
        atr=pl.when(pl.col("ranges") >= windows.ATR_SESSIONS).then("average"),
    )
    old_enough = pl.col("first_session") <= sessions[here - VOLUME_SESSIONS]
    return work.join(known, on="symbol", how="left", maintain_order="left").with_columns(
        first=pl.col("prior_session").is_null(),
        whole=(pl.col("prior_session") == sessions[here - 1]).fill_null(value=False),
        of_age=old_enough.fill_null(value=False),
    )


def _with_windows(
    work: pl.DataFrame, past: pl.DataFrame, splits: pl.DataFrame, sessions: pl.Series, here: int
) -> pl.DataFrame:
    """Adds mean_volume, high20 and low20 of the 20 sessions before, and the close before those."""
    counted = pl.col("session").is_in(sessions[here - TREND_SESSIONS : here].implode())
    sound = past.filter(bar_rules.is_sound() & counted)
    if not splits.is_empty():
        factor = bar_rules.split_factors(sound, splits)
        sound = sound.with_columns(pl.col(*_PRICES) / factor, pl.col("volume") * factor)
    begins = pl.col("session") == sessions[here - TREND_SESSIONS]
    sound = sound.with_columns(span=(pl.col("high") - pl.col("low")) / pl.col("close"))
    table = sound.filter(~begins).group_by("symbol").agg(_WINDOWS)
    trend = sound.filter(begins).select("symbol", close21="close")
    work = work.join(table, on="symbol", how="left", maintain_order="left")
    work = work.join(trend, on="symbol", how="left", maintain_order="left")
    old = pl.col("of_age")
    return work.with_columns(
        pl.when(old & (pl.col("bars") >= LEAST_BARS)).then("mean_volume").alias("mean_volume"),
        *(pl.when(old).then(name).alias(name) for name in ("high20", "low20")),
    )


def _hits(answer: pl.DataFrame, work: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Actions whose ex-date lies after the symbol's bar before, up to this session."""
    rows = answer.select("symbol", "session", "prior_close", "open").with_row_index("row")
    rows = rows.with_columns(work["prior_session"])
    found = actions.join(rows, on="symbol").filter(pl.col("ex_date") <= pl.col("session"))
    since = pl.col("prior_session")
    return found.filter(since.is_null() | (pl.col("ex_date") > since))
