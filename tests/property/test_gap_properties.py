"""What must not change the gaps: the unit of prices, the order of symbols, sessions to come."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.domain import calendar, gaps

DAYS = calendar.all_sessions()["session"]
SOME = calendar.sessions_between(date(2014, 1, 2), date(2014, 5, 31))["session"]
RATIOS = ["gap_pct", "gap_atr", "range_position", "rvol", "gap_type", "story", "flags"]


def _market(seed: int, symbols: int = 4) -> pl.DataFrame:
    """Bars of a few symbols with holes, missing cells and bad rows."""
    chance = np.random.default_rng(seed)
    rows = len(SOME) * symbols
    close = np.exp(chance.normal(0, 0.03, rows).cumsum() % 1 + 3)
    open_ = close * chance.normal(1, 0.03, rows)
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"S{n}" for n in range(symbols)], len(SOME)),
            "session": pl.concat([SOME] * symbols),
            "open": open_,
            "high": np.maximum(open_, close) * chance.uniform(0.999, 1.03, rows),
            "low": np.minimum(open_, close) * chance.uniform(0.97, 1.0, rows),
            "close": close,
            "volume": chance.integers(0, 100_000, rows),
        }
    )
    empty = pl.Series(chance.random(rows) < 0.01)
    frame = frame.with_columns(open=pl.when(~empty).then("open"))
    return frame.filter(pl.Series(chance.random(rows) > 0.03))


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.25, 2.0, 1024.0]))
def test_the_unit_of_prices_does_not_matter(seed: int, scale: float) -> None:
    """All prices times a constant give the same ratios, types and flags."""
    bars = _market(seed)
    scaled = bars.with_columns(pl.col("open", "high", "low", "close") * scale)
    one, two = gaps.measure(bars, DAYS), gaps.measure(scaled, DAYS)
    assert_frame_equal(one.select(RATIOS), two.select(RATIOS), rel_tol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_symbols_do_not_touch_each_other(seed: int) -> None:
    """Each symbol alone, or among others in any order, has the same gaps."""
    bars = _market(seed)
    together = gaps.measure(bars.sample(fraction=1.0, shuffle=True, seed=seed), DAYS)
    alone = pl.concat([gaps.measure(part, DAYS) for part in bars.partition_by("symbol")])
    assert_frame_equal(together, alone, rel_tol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), keep=st.integers(1, 100))
def test_sessions_to_come_change_nothing(seed: int, keep: int) -> None:
    """Bars appended later leave earlier rows as they were."""
    bars = _market(seed)
    cut = SOME[keep]
    early = gaps.measure(bars.filter(pl.col("session") <= cut), DAYS)
    later = gaps.measure(bars, DAYS).filter(pl.col("session") <= cut)
    assert_frame_equal(early, later, rel_tol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), place=st.integers(40, 95))
def test_kept_averages_equal_the_whole(seed: int, place: int) -> None:
    """Windows plus kept averages give what the whole history gives, holes or not."""
    bars, day = _market(seed), SOME[place]
    kept = gaps.carry(bars.filter(pl.col("session") < day), DAYS)
    first = calendar.session_back(day, gaps.WINDOW_SESSIONS - 1)
    window = bars.filter(pl.col("session").is_between(first, day))
    quick = gaps.measure(window, DAYS, carried=kept).filter(pl.col("session") == day)
    whole = gaps.measure(bars, DAYS).filter(pl.col("session") == day)
    names = [*RATIOS, "atr", "mean_volume", "high20", "low20"]
    held = quick.join(kept.frame.select("symbol"), on="symbol", how="semi")
    whole = whole.join(kept.frame.select("symbol"), on="symbol", how="semi")
    flagged = pl.col("flags") & 4 == 0  # a stale base may lie before the window
    assert_frame_equal(
        held.filter(flagged).select(names).drop("story"),
        whole.filter(flagged).select(names).drop("story"),
        rel_tol=1e-9,
    )
