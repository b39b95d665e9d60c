"""What a plan may know: figures of one symbol's bars, taken before the open of its session.

`bars` are daily bars of one symbol in order, on the share basis of the planned session, which is
the last row. Everything but the open and the flags of that row comes from the rows before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from core.domain.gaps import measure as gaps
from core.domain.gaps.bars import is_sound
from core.domain.gaps.breaks import UNJUDGED, far, is_unreal, judged
from core.domain.gaps.flags import BROAD_NAMES
from core.domain.tables.frames import BARS_DAILY
from core.domain.timetable import sessions as calendar
from core.errors import ValidationError

VOLUME_SESSIONS = 20
SUSPECT_GAP_PCT = 45.0
SUSPECTED = "suspected_split"


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures of a symbol for one session."""

    open: float
    prior_close: float | None
    gap_pct: float | None
    atr: float | None
    mean_volume: float | None
    flags: tuple[str, ...]
    overnight_pct: pl.Series
    prior_high: float | None
    prior_low: float | None


def facts(
    bars: pl.DataFrame,
    session: date,
    previous_session: date | None,
    told: pl.DataFrame | None = None,
    known: pl.DataFrame | None = None,
) -> Facts:
    """The facts of the last row; ValidationError without a bar on the session.

    `told` (session, explains, structural) is what the name's filings say of its moves: without it a
    quiet fall on bad news is no trading, and its volume and its night are left out. `known` are the
    bars as `measured` has them, where they were measured with those of other names.
    """
    if bars.is_empty() or bars["session"][-1] != session:
        raise ValidationError(f"there is no bar on {session}", hint="choose a session with prices")
    today, before = bars.row(-1, named=True), bars.head(bars.height - 1)
    prior = before.row(-1, named=True) if before.height else None
    close = prior["close"] if prior else None
    gap = (today["open"] / close - 1) * 100 if close and today["open"] else None
    sound = before.filter(is_sound())
    known = _measured(bars, told) if known is None else known
    return Facts(
        open=today["open"],
        prior_close=close,
        gap_pct=gap,
        atr=_average_range(known),
        mean_volume=_mean_volume(sound) if _comparable(known) else None,
        flags=tuple(_flags(bars.tail(2), gap, previous_session)),
        overnight_pct=overnight(sound, judged(known)["session"]),
        prior_high=prior["high"] if prior else None,
        prior_low=prior["low"] if prior else None,
    )


_PRICES = ("open", "high", "low", "close")


def _flags(last: pl.DataFrame, gap: float | None, expected: date | None) -> list[str]:
    """What speaks against the last one of the last two bars, and against its base."""
    prices = last.with_columns(pl.col(*_PRICES, "volume").cast(pl.Float64))
    *before, today = prices.select("session", sound=is_sound()).iter_rows()
    found = [] if today[1] else ["bad_bar"]
    if not before:
        found.append("no_prior_bar")
    elif expected is not None and before[0][0] != expected:
        found.append(f"stale_base: the bar before is of {before[0][0]}, not of {expected}")
    elif not before[0][1]:
        found.append("bad_prior_bar")
    if gap is not None and abs(gap) > SUSPECT_GAP_PCT:
        found.append(f"{SUSPECTED}: a gap of {gap:.0f} %")
    return found


def average_range(bars: pl.DataFrame) -> float | None:
    """Wilder's ATR14 before the last row, by the rules of gaps: no move judged unreal is in it.

    None too where the last row itself is such a move: the average is in the units before it.
    """
    return _average_range(_measured(bars, None))


def _measured(bars: pl.DataFrame, told: pl.DataFrame | None) -> pl.DataFrame:
    """The gaps of one symbol's bars."""
    named = bars.with_columns(symbol=pl.lit(""))
    told = None if told is None else told.with_columns(symbol=pl.lit(""))
    return measured(named, told)[""]


def measured(bars: pl.DataFrame, told: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """The gaps of some symbols' bars (symbol, in order), by symbol: measured together, but each as
    if alone, as few enough are to be no market. `told` has the symbols too.
    """
    names = bars["symbol"].unique(maintain_order=True)
    found: dict[str, pl.DataFrame] = {}
    for start in range(0, len(names), BROAD_NAMES - 1):
        few = bars.filter(pl.col("symbol").is_in(names[start : start + BROAD_NAMES - 1].implode()))
        rows = few.select(BARS_DAILY.empty().columns).cast({"volume": pl.Float64})
        first, last = few.select(first=pl.col("session").min(), last=pl.col("session").max()).row(0)
        days = calendar.sessions_between(first, last)["session"]
        parts = gaps.measure(rows, days, catalysts=told).partition_by("symbol", as_dict=True)
        found |= {str(name): part for (name,), part in parts.items()}
    return found


def _average_range(measured: pl.DataFrame) -> float | None:
    last = measured.tail(1)
    moved = last.select(is_unreal()).item() or _far(last.with_columns(base="prior_close"))
    found = last["atr"].item()
    return None if found is None or moved else float(found)


def _comparable(measured: pl.DataFrame) -> bool:
    """Whether the volumes of the 20 sessions before the last row are those of its shares."""
    return measured["comparable_since"][-1] is None


def _far(last: pl.DataFrame) -> bool:
    """Whether a bar without a base to judge it by stands far from the last one."""
    unjudged = (pl.col("flags") & int(UNJUDGED)) != 0
    return bool(last.select(unjudged & far()).item())


def _mean_volume(bars: pl.DataFrame) -> float | None:
    recent = bars["volume"].tail(VOLUME_SESSIONS)
    if len(recent) < VOLUME_SESSIONS:
        return None
    return float(recent.to_frame().select(pl.first().mean()).item())


def overnight(bars: pl.DataFrame, unreal: pl.Series | None = None) -> pl.Series:
    """Open over the close before, less one, in percent; moves beyond 45 % are left out, and those
    of the sessions that were judged `unreal`.
    """
    move = (pl.col("open") / pl.col("close").shift(1) - 1) * 100
    table = bars.select("session", overnight_pct=move)
    if unreal is not None:
        table = table.filter(~pl.col("session").is_in(unreal.implode()))
    found = table["overnight_pct"].drop_nulls()
    return found.filter(found.abs() <= SUSPECT_GAP_PCT)


def entry_level(
    entry_type: str, direction: str, facts: Facts, minutes: pl.DataFrame, range_minutes: int
) -> tuple[float, str]:
    """The level an entry type stands for, and the sentence that says so.

    `minutes` are the session's regular minute bars (ts, open, high, low, close, volume) in order;
    only the first `range_minutes` are looked at. ValidationError when the data cannot tell.
    """
    if entry_type == "market":
        return facts.open, f"Market entry at the open of the session, {facts.open:.4g}."
    first = minutes.head(range_minutes).filter(is_sound())
    if first.height < range_minutes:
        raise ValidationError(
            f"no {entry_type.replace('_', ' ')} entry: {first.height} of {range_minutes} sound "
            "minute bars of the opening are stored",
            hint="pull minute bars, or plan a market entry",
        )
    high, low = _span(first)
    if entry_type == "opening_range":
        level = high if direction == "long" else low
        side = "high" if direction == "long" else "low"
        return level, f"Break of the {side} of the first {range_minutes} minutes, {level:.4g}."
    if entry_type == "vwap":
        level = _vwap(first)
        return (
            level,
            f"Volume-weighted mean price of the first {range_minutes} minutes, {level:.4g}.",
        )
    extreme = high if direction == "long" else low
    base = facts.prior_close
    if base is None or (extreme - base) * (1 if direction == "long" else -1) <= 0:
        raise ValidationError("no pullback entry: the opening did not move in the plan's direction")
    level = (extreme + base) / 2
    return level, f"Half the way back from {extreme:.4g} to the prior close {base:.4g}."


def _span(bars: pl.DataFrame) -> tuple[float, float]:
    row = bars.select(pl.col("high").max(), pl.col("low").min()).row(0)
    return float(row[0]), float(row[1])


def _vwap(bars: pl.DataFrame) -> float:
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    return float(bars.select((typical * pl.col("volume")).sum() / pl.col("volume").sum()).item())
