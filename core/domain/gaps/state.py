"""What a symbol's past leaves to the gap of its next session: last bar and Wilder's average.

A desk keeps the state at the end of a session. A scan of the next one then reads only the sessions
of its windows, and gets what the whole history would give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import measure as gaps
from core.domain.gaps import windows
from core.domain.gaps.wilder import ATR_SESSIONS, KEEP
from core.domain.tables.frames import CORPORATE_ACTIONS

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
    "since": pl.Date,  # of the last unreal move that changed the units; null for none
    "stray": pl.Date,  # of the last one whose close came back; null for none
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
    bars: pl.DataFrame,
    sessions: pl.Series,
    as_of: date,
    actions: pl.DataFrame | None = None,
    catalysts: pl.DataFrame | None = None,
) -> GapState:
    """The state at the end of all bars, which reach to `as_of` and no further."""
    bars = bar_rules.in_order(bars)
    breaks = gaps.breaks(bars, sessions, actions, catalysts) if bars.height else None
    splits = bar_rules.splits_of(CORPORATE_ACTIONS.empty() if actions is None else actions)
    work = windows.one_basis(bars, bar_rules.split_factors(bars, splits), split=bool(len(splits)))
    work = work.with_columns(windows.positions(bars, sessions))
    work, found = windows.with_bases(work, bars, breaks)
    own = pl.col("row") >= pl.col("begun").last().over("start")
    work = work.with_columns(true_range=pl.when(own).then("true_range"))
    table = bars.select("symbol", "session", *(pl.col(n).alias(n) for n in _BAR[2:])).hstack(
        work.select(
            "sound", "number", "true_range", "atr_after", "split_factor", base_close="close"
        )
    )
    cold = pl.col("true_range").count() < ATR_SESSIONS
    frame = table.group_by("symbol", maintain_order=True).agg(
        pl.col("session").filter(pl.col("number").is_not_null()).first().alias("first_session"),
        pl.last(*_BAR, "split_factor"),
        pl.col("true_range").count().alias("ranges"),
        pl.col("base_close").drop_nulls().last(),
        average=pl.when(cold).then(pl.col("true_range").mean()).otherwise(pl.last("atr_after")),
    )
    moves = bars.select(pl.col("symbol", "session").gather(found["row"])).with_columns(
        units=(found["ratio"] != 1).fill_null(value=True)
    )
    last = moves.group_by("symbol").agg(
        since=pl.col("session").filter("units").max(),
        stray=pl.col("session").filter(~pl.col("units")).max(),
    )
    frame = frame.join(last, on="symbol", how="left", maintain_order="left")
    return GapState(as_of, as_kept(frame))


def on_todays_basis(frame: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """The state with split_factor, and base_close and average divided by it."""
    factor = bar_rules.split_factors(frame, splits).alias("split_factor")
    return frame.with_columns(factor).with_columns(
        pl.col("base_close", "average") / pl.col("split_factor")
    )


def as_kept(frame: pl.DataFrame) -> pl.DataFrame:
    """Back from today's share basis to that of the last bar."""
    kept = frame.with_columns(pl.col("base_close", "average") * pl.col("split_factor"))
    return kept.select(pl.col(name).cast(kind) for name, kind in STATE.items())


def one_session(
    frame: pl.DataFrame, bars: pl.DataFrame, sessions: pl.Series, breaks: pl.Series
) -> pl.DataFrame:
    """All symbols one session on; those without a bar stay as they are.

    `frame` is on today's basis, `bars` have sound and split_factor; no range is taken across the
    moves of the symbols in `breaks`.
    """
    day = bars["session"][0]
    here = sessions.index_of(day)
    counted = pl.lit(day if here is not None else None, dtype=pl.Date)
    prior = pl.lit(sessions[here - 1] if here else None, dtype=pl.Date)
    new = bars.select(
        "symbol", *(pl.col(n).alias(f"new_{n}") for n in (*_BAR, "open", "split_factor"))
    )
    table = frame.join(new, on="symbol", how="full", coalesce=True)
    table = _moves(table, prior, breaks)
    table = table.with_columns(
        first_session=pl.coalesce(
            "first_session", pl.when(pl.col("new_session").is_not_null()).then(counted)
        ),
        true_range=_range(),
    ).with_columns(_next_average(), pl.col("true_range").is_not_null().alias("more"))
    traded = pl.col("new_session").is_not_null()
    return table.select(
        "symbol",
        "first_session",
        *(pl.when(traded).then(f"new_{n}").otherwise(n).alias(n) for n in (*_BAR, "split_factor")),
        pl.coalesce("adjusted_close", "base").alias("base_close"),
        pl.col("ranges") + pl.col("more").cast(pl.Int32),
        "average",
        since=pl.when(pl.col("units")).then("new_session").otherwise("since"),
        stray=pl.when(pl.col("broken") & ~pl.col("units")).then("new_session").otherwise("stray"),
    )


def _moves(table: pl.DataFrame, prior: pl.Expr, breaks: pl.Series) -> pl.DataFrame:
    """Adds the bar on today's basis (where sound), base, broken, and units (whether they changed);
    average and ranges as a broken move leaves them.
    """
    sound = pl.col("new_sound").fill_null(value=False)
    bar = table.select(
        "symbol",
        "session",
        "new_session",
        "sound",
        "average",
        base="base_close",
        ranges=pl.col("ranges").fill_null(0),
        **{
            name: pl.when(sound).then(pl.col(f"new_{name}") / pl.col("new_split_factor"))
            for name in ("open", "high", "low", "close")
        },
    )
    known = (pl.col("sound") & (pl.col("session") == prior)).fill_null(value=False)
    unknown = gap_breaks.far() & ~known
    apart = (pl.col("new_session") - pl.col("session")).dt.total_days()
    bar = bar.with_columns(
        broken=unknown | (pl.col("symbol").is_in(breaks.implode()) & pl.col("open").is_not_null()),
        anew=(unknown & (apart > gap_breaks.NEW_OWNER_DAYS)).fill_null(value=False),
        ratio=gap_breaks.ratio(),
    )
    scaled = pl.when("broken").then(pl.col("average") * pl.col("ratio")).otherwise("average")
    return table.with_columns(
        bar["base"],
        bar["broken"].fill_null(value=False),
        bar.select(units=(pl.col("broken") & (pl.col("anew") | (pl.col("ratio") != 1))))[
            "units"
        ].fill_null(value=False),
        bar["high"].alias("_high"),
        bar["low"].alias("_low"),
        bar["close"].alias("adjusted_close"),
        bar.select(ranges=pl.when(~pl.col("anew")).then("ranges").otherwise(0))["ranges"],
        bar.select(average=pl.when(~pl.col("anew")).then(scaled))["average"],
    )


def _range() -> pl.Expr:
    """The true range of a sound bar after another sound one, unless the move is broken."""
    high, low, base = pl.col("_high"), pl.col("_low"), pl.col("base")
    top = pl.when(high >= base).then(high).otherwise(base)
    bottom = pl.when(low <= base).then(low).otherwise(base)
    known = high.is_not_null() & base.is_not_null() & ~pl.col("broken")
    return pl.when(known).then(top - bottom)


def _next_average() -> pl.Expr:
    """Wilder's average with one more range; of the first 14 the mean."""
    one, seen, so_far = pl.col("true_range"), pl.col("ranges"), pl.col("average").fill_null(0.0)
    n = ATR_SESSIONS
    early = (so_far * seen + one) / (seen + 1)
    return (
        pl.when(one.is_null())
        .then("average")
        .when(seen < n)
        .then(early)
        .otherwise(so_far * KEEP + one / n)
        .alias("average")
    )
