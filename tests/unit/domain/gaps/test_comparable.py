"""What looks back 20 sessions across moves that the desk calls unreal."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from core.domain.gaps import flags
from core.domain.gaps import measure as gaps
from core.domain.gaps import session as gap_session
from core.domain.gaps import state as gap_state
from core.domain.gaps.filters import GapFilters, failed
from core.domain.timetable import sessions as calendar
from core.domain.trading import plan_facts
from tests import depth, gap_oracle, price_cases

DAYS = calendar.sessions_between(date(2018, 1, 2), date(2018, 12, 31))["session"]
EVERY = calendar.all_sessions()["session"]
UNITS = (0.01, 0.1, 0.5, 2.0, 10.0, 100.0)
LOOKS = ("rvol", "mean_volume", "high20", "low20", "story")


def _market(seed: int, names: int = 6) -> pl.DataFrame:
    """Names whose units change now and then (share volumes with them), with holes, bad bars and
    prints that come back.
    """
    chance = np.random.default_rng(seed)
    shape = (names, len(DAYS))
    close = 50 * np.exp(chance.normal(0, 0.02, shape).cumsum(axis=1))
    volume = chance.integers(800_000, 1_500_000, shape).astype(float)
    for price, shares in zip(close, volume, strict=True):
        for place in chance.integers(1, len(DAYS), chance.integers(0, 4)):
            ratio = chance.choice(UNITS)
            price[place:] *= ratio
            shares[place:] /= ratio if chance.random() < 0.7 else 1
    open_ = close * (1 + chance.standard_t(3, shape) * 0.01).clip(0.3)
    open_[chance.random(shape) < 0.004] *= 1.6
    open_, close, volume = open_.ravel(), close.ravel(), volume.ravel()
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"S{n}" for n in range(names)], len(DAYS)),
            "session": pl.concat([DAYS] * names),
            "open": open_,
            "high": np.maximum(open_, close) * 1.01,
            "low": np.minimum(open_, close) * 0.99,
            "close": close,
            "volume": volume * np.where(chance.random(close.size) < 0.02, 6.0, 1.0),
        }
    )
    dice = pl.Series(chance.random(close.size))
    frame = frame.with_columns(high=pl.when(dice < 0.003).then("low").otherwise("high"))
    return frame.filter(dice < 0.985)


@depth.cases(12)
@given(seed=st.integers(0, 100_000))
def test_windows_are_those_told_bar_by_bar(seed: int) -> None:
    """Volumes and levels of other shares enter none, and nothing else is left out."""
    bars = _market(seed)
    found = gaps.measure(bars, DAYS)
    told = gap_oracle.looking_back(bars, DAYS, gaps.breaks(bars, DAYS))
    for place, name in enumerate(("mean_volume", "high20", "low20", "comparable_since")):
        wanted = [row[place] for row in told]
        bad = (found["flags"] & int(flags.Flag.BAD_BAR)).to_list()
        got = found[name].to_list()
        assert len(got) == len(wanted)
        for n, one in enumerate(wanted):
            assert got[n] == (one if one is None or place == 3 else pytest.approx(one)), (n, bad[n])


@depth.cases(6)
@given(seed=st.integers(0, 100_000))
def test_moves_are_judged_one_after_another(seed: int) -> None:
    """By the volumes since the last change of units, as if each were the last bar known."""
    bars = _market(seed, 4)
    found = gaps.measure(bars, DAYS)
    assert found["flags"].to_list() == gap_oracle.flags_in_turn(bars, found, DAYS)


@depth.cases(12)
@given(seed=st.integers(0, 100_000), place=st.integers(30, len(DAYS) - 1), back=st.integers(1, 21))
def test_a_session_from_its_state_is_the_whole_historys(seed: int, place: int, back: int) -> None:
    bars, day = _market(seed), DAYS[place]
    as_of = calendar.session_back(day, back)
    state = gap_state.carry(bars.filter(pl.col("session") <= as_of), EVERY, as_of)
    quick = gap_session.measure_session(bars.filter(pl.col("session") <= day), day, EVERY, state)
    whole = gaps.measure(bars, EVERY).filter(pl.col("session") == day)
    for name in ("comparable_since", "flags", "story", "high20", "low20"):
        assert quick[name].to_list() == whole[name].to_list(), name
    for name in ("rvol", "mean_volume"):
        assert_series_equal(quick[name], whole[name], rel_tol=1e-9)


@pytest.mark.parametrize("ratio", [0.05, 0.5, 2.0, 20.0])
def test_an_unrecorded_split_begins_the_windows_anew(ratio: float) -> None:
    """On its own session the old ones stand, as evidence; then none for 20 sessions, in whole
    history, scan and plan; then those of the new shares.
    """
    new = price_cases.steady(DAYS[40:80], 100 * ratio, 1e6 / ratio)
    bars = pl.concat([price_cases.steady(DAYS[:40], 100.0, 1e6), new])
    found = gaps.measure(bars, DAYS)
    assert found["rvol"][40] == pytest.approx(1 / ratio)
    assert found["comparable_since"].to_list() == [None] * 41 + [DAYS[40]] * 19 + [None] * 20
    for name in LOOKS:
        assert found[name][41:60].null_count() == 19, name
    assert found["rvol"][60:].to_list() == pytest.approx([1.0] * 20)
    assert found["high20"][60:].to_list() == pytest.approx([101.0 * ratio] * 20)
    assert plan_facts.facts(bars.head(50), DAYS[49], DAYS[48]).mean_volume is None
    known = plan_facts.facts(bars, DAYS[79], DAYS[78])
    assert known.mean_volume == pytest.approx(1e6 / ratio)
    assert known.overnight_pct.abs().max() == 0


def test_a_print_that_came_back_takes_the_levels_only() -> None:
    """Volumes before it are those of the same shares."""
    bars = price_cases.steady(DAYS[:80], 100.0, 1e6)
    odd = pl.int_range(pl.len()) == 40
    bars = bars.with_columns(
        open=pl.when(odd).then(130.0).otherwise("open"),
        high=pl.when(odd).then(131.0).otherwise("high"),
    )
    found = gaps.measure(bars, DAYS)
    assert found.select(flags.excluded()).to_series()[40]
    assert found["rvol"][41:].to_list() == pytest.approx([1.0] * 39)
    assert found["high20"][41:61].null_count() == 20
    assert found["high20"][61:].to_list() == pytest.approx([101.0] * 19)
    assert found["comparable_since"].null_count() == 80


@pytest.mark.parametrize(("volume", "words"), [(6e5, []), (8e4, ["bad_print"])])
def test_a_gap_after_an_unrecorded_split_is_judged_in_new_shares(
    volume: float, words: list[str]
) -> None:
    """One for ten: 600,000 new shares are six times the usual, not six tenths of it."""
    news = price_cases.steady(DAYS[50:51], 1200.0, volume)
    parts = [
        price_cases.steady(DAYS[:40], 100.0, 1e6),
        price_cases.steady(DAYS[40:50], 1000.0, 1e5),
        news,
    ]
    row = gaps.measure(pl.concat(parts), DAYS).tail(1)
    assert row.select(flags.words()).to_series().to_list() == [words]
    why = row.select(failed(GapFilters(max_gap_pct=30))).item()
    assert why == f"filter: relative volume n/a (since {DAYS[40]} on other shares)"
