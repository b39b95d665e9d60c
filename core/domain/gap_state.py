"""What a symbol's past leaves to the gap of its next session: last bar and Wilder's average.

A desk keeps the state at the end of a session. A scan of the next one then reads only the sessions
of its windows, and gets what the whole history would give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from core.domain import bars as bar_rules
from core.domain import gap_windows as windows
from core.domain.frames import CORPORATE_ACTIONS

STATE = {
    "symbol": pl.String,
    "first_session": pl.Date,  # of the first bar on a day of the exchange
    "session": pl.Date,  # of the last bar, sound or not
    "sound": pl.Boolean,
    "high": pl.Float64,  # of the last bar, as delivered
    "low": pl.Float64,
    "close": pl.Float64,
    "base_close": pl.Float64,  # of the last sound bar
    "ranges": pl.Int32,  # true ranges so far
    "average": pl.Float64,  # Wilder's; the mean of the ranges while they are fewer than 14
}
_BAR = ("session", "sound", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class GapState:
    """One row of STATE per symbol that had a bar up to and including `as_of`.

    base_close and average are on the share basis of the last bar's session.
    """

    as_of: date
    frame: pl.DataFrame


def empty(as_of: date = date.min) -> GapState:
    """The state before any bar."""
    return GapState(as_of, pl.DataFrame(schema=STATE))


def carry(
    bars: pl.DataFrame, sessions: pl.Series, as_of: date, actions: pl.DataFrame | None = None
) -> GapState:
    """The state at the end of all bars, which reach to `as_of` and no further."""
    bars = bar_rules.in_order(bars)
    splits = bar_rules.splits_of(CORPORATE_ACTIONS.empty() if actions is None else actions)
    work = windows.one_basis(bars, bar_rules.split_factors(bars, splits), split=bool(len(splits)))
    work = work.with_columns(windows.positions(bars, sessions))
    work = windows.with_bases(work)
    table = bars.select("symbol", "session", *(pl.col(n).alias(n) for n in _BAR[2:])).hstack(
        work.select(
            "sound", "number", "true_range", "atr_after", "split_factor", base_close="close"
        )
    )
    cold = pl.col("true_range").count() < windows.ATR_SESSIONS
    frame = table.group_by("symbol", maintain_order=True).agg(
        pl.col("session").filter(pl.col("number").is_not_null()).first().alias("first_session"),
        pl.last(*_BAR, "split_factor"),
        pl.col("true_range").count().alias("ranges"),
        pl.col("base_close").drop_nulls().last(),
        average=pl.when(cold).then(pl.col("true_range").mean()).otherwise(pl.last("atr_after")),
    )
    return GapState(as_of, _as_kept(frame))


def advance(
    state: GapState,
    bars: pl.DataFrame,
    sessions: pl.Series,
    as_of: date,
    actions: pl.DataFrame | None = None,
) -> GapState:
    """The state as of a later session from the bars after `state.as_of` up to it, in any order."""
    bars = bars.filter((pl.col("session") > state.as_of) & (pl.col("session") <= as_of))
    if bars.is_empty():
        return GapState(as_of, state.frame)
    splits = bar_rules.splits_of(CORPORATE_ACTIONS.empty() if actions is None else actions)
    bars = bars.with_columns(
        bar_rules.split_factors(bars, splits).alias("split_factor"), sound=bar_rules.is_sound()
    )
    frame = on_todays_basis(state.frame, splits)
    for part in bars.sort("session").partition_by("session", maintain_order=True):
        frame = _one_session(frame, part, sessions)
    return GapState(as_of, _as_kept(frame))


def on_todays_basis(frame: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """The state with split_factor, and base_close and average divided by it."""
    factor = bar_rules.split_factors(frame, splits).alias("split_factor")
    return frame.with_columns(factor).with_columns(
        pl.col("base_close", "average") / pl.col("split_factor")
    )


def _as_kept(frame: pl.DataFrame) -> pl.DataFrame:
    """Back from today's share basis to that of the last bar."""
    kept = frame.with_columns(pl.col("base_close", "average") * pl.col("split_factor"))
    return kept.select(pl.col(name).cast(kind) for name, kind in STATE.items())


def _one_session(frame: pl.DataFrame, bars: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """All symbols one session on; those without a bar stay as they are."""
    day = bars["session"][0]
    counted = pl.lit(day if sessions.index_of(day) is not None else None, dtype=pl.Date)
    new = bars.select("symbol", *(pl.col(n).alias(f"new_{n}") for n in (*_BAR, "split_factor")))
    table = frame.join(new, on="symbol", how="full", coalesce=True)
    adjusted = {n: pl.col(f"new_{n}") / pl.col("new_split_factor") for n in _BAR[2:]}
    sound = pl.col("new_sound").fill_null(value=False)
    table = table.with_columns(
        pl.col("ranges").fill_null(0),
        first_session=pl.coalesce(
            "first_session",
            pl.when(pl.col("new_session").is_not_null()).then(counted),
        ),
        true_range=_range(adjusted["high"], adjusted["low"], sound),
    ).with_columns(_next_average(), pl.col("true_range").is_not_null().alias("more"))
    traded = pl.col("new_session").is_not_null()
    return table.select(
        "symbol",
        "first_session",
        *(pl.when(traded).then(f"new_{n}").otherwise(n).alias(n) for n in (*_BAR, "split_factor")),
        pl.when(sound).then(adjusted["close"]).otherwise("base_close").alias("base_close"),
        pl.col("ranges") + pl.col("more").cast(pl.Int32),
        "average",
    )


def _range(high: pl.Expr, low: pl.Expr, sound: pl.Expr) -> pl.Expr:
    """The true range of a sound bar after another sound one."""
    base = pl.col("base_close")
    top = pl.when(high >= base).then(high).otherwise(base)
    bottom = pl.when(low <= base).then(low).otherwise(base)
    return pl.when(sound & base.is_not_null()).then(top - bottom)


def _next_average() -> pl.Expr:
    """Wilder's average with one more range; of the first 14 the mean."""
    one, seen, so_far = pl.col("true_range"), pl.col("ranges"), pl.col("average").fill_null(0.0)
    n = windows.ATR_SESSIONS
    early = (so_far * seen + one) / (seen + 1)
    return (
        pl.when(one.is_null())
        .then("average")
        .when(seen < n)
        .then(early)
        .otherwise(so_far * windows.KEEP + one / n)
        .alias("average")
    )
