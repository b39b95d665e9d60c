"""What must not change the gaps: the unit of prices, the order of symbols, sessions to come."""

from __future__ import annotations

from datetime import date, timedelta
from unittest.mock import patch

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.domain.gaps import measure as gaps
from core.domain.gaps import session as gap_session
from core.domain.gaps import state as gap_state
from core.domain.gaps.filters import GapFilters, large_enough, passes
from core.domain.gaps.session import measure_session
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from tests import depth

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


@depth.cases(10)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.25, 2.0, 1024.0]))
def test_the_unit_of_prices_does_not_matter(seed: int, scale: float) -> None:
    """All prices times a constant give the same ratios, types and flags."""
    bars = _market(seed)
    scaled = bars.with_columns(pl.col("open", "high", "low", "close") * scale)
    one, two = gaps.measure(bars, DAYS), gaps.measure(scaled, DAYS)
    assert_frame_equal(one.select(RATIOS), two.select(RATIOS), rel_tol=1e-9)


@depth.cases(10)
@given(seed=st.integers(0, 10_000))
def test_symbols_do_not_touch_each_other(seed: int) -> None:
    """Each symbol alone, or among others in any order, has the same gaps."""
    bars = _market(seed)
    together = gaps.measure(bars.sample(fraction=1.0, shuffle=True, seed=seed), DAYS)
    alone = pl.concat([gaps.measure(part, DAYS) for part in bars.partition_by("symbol")])
    assert_frame_equal(together, alone, rel_tol=1e-9)


@depth.cases(10)
@given(seed=st.integers(0, 10_000), keep=st.integers(1, 100))
def test_sessions_to_come_change_nothing(seed: int, keep: int) -> None:
    """Bars appended later leave earlier rows as they were."""
    bars = _market(seed)
    cut = SOME[keep]
    early = gaps.measure(bars.filter(pl.col("session") <= cut), DAYS)
    later = gaps.measure(bars, DAYS).filter(pl.col("session") <= cut)
    assert_frame_equal(early, later, rel_tol=1e-9)


LISTS = st.lists(st.integers(0, 95), min_size=4, max_size=4)
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 149),
        st.sampled_from(["split", "dividend", "spin_off"]),
        st.sampled_from([0.125, 2.0, 1.5, 4.0]),
    ),
    max_size=4,
)


def _with_life(
    bars: pl.DataFrame, listed: list[int], halted: list[int], weeks: int
) -> pl.DataFrame:
    """The bars with each symbol listed on its session and halted for some weeks from another."""
    lives = pl.DataFrame(
        {
            "symbol": [f"S{n}" for n in range(4)],
            "listed": SOME.gather(listed),
            "halt": SOME.gather(halted),
        }
    )
    table = bars.join(lives, on="symbol", maintain_order="left")
    halt = pl.col("session").is_between("halt", pl.col("halt") + pl.duration(weeks=weeks))
    return table.filter((pl.col("session") >= pl.col("listed")) & ~halt).select(bars.columns)


def _actions(found: list[tuple[int, int, str, float]]) -> pl.DataFrame:
    rows = [
        {
            "symbol": f"S{name}",
            "ex_date": SOME[0] + timedelta(days=after),
            "kind": kind,
            "ratio": number if kind == "split" else None,
            "amount": number / 10 if kind == "dividend" else None,
        }
        for name, after, kind, number in found
    ]
    return pl.DataFrame(rows, schema=dict(CORPORATE_ACTIONS.empty().schema))


@depth.cases(10)
@given(seed=st.integers(0, 10_000), least=st.sampled_from([0.0, 1.5, 4.0]), found=ACTIONS)
def test_gaps_found_in_blocks_are_those_measured(
    seed: int, least: float, found: list[tuple[int, int, str, float]]
) -> None:
    """What is let go of early, and where blocks are cut, changes no row that is kept."""
    bars, actions = _market(seed), _actions(found)
    filters = GapFilters(min_gap_pct=least)
    measured = gaps.measure(bars, DAYS, actions)
    with patch.object(gaps, "BLOCK_ROWS", 130):
        kept = gaps.find(bars, DAYS, filters, actions)
    assert kept["candidate"].to_list() == kept.select(passes(filters)).to_series().to_list()
    assert_frame_equal(kept.drop("candidate"), measured.filter(large_enough(filters)), rel_tol=1e-9)


@depth.cases(15)
@given(
    seed=st.integers(0, 10_000),
    place=st.integers(1, 101),
    back=st.integers(1, 21),
    listed=LISTS,
    halted=LISTS,
    weeks=st.integers(0, 9),
    found=ACTIONS,
)
def test_windows_and_state_equal_the_whole(
    seed: int,
    place: int,
    back: int,
    listed: list[int],
    halted: list[int],
    weeks: int,
    found: list[tuple[int, int, str, float]],
) -> None:
    """A session from 22 sessions and the state before is what the whole history gives: with late
    listings, halts, holes, bad bars, splits past and to come, and states of up to 21 sessions ago.
    """
    bars, day = _with_life(_market(seed), listed, halted, weeks), SOME[place]
    actions = _actions(found)
    as_of = calendar.session_back(day, back)
    state = gap_state.carry(bars.filter(pl.col("session") <= as_of), DAYS, as_of, actions)
    first = calendar.session_back(as_of, gaps.WINDOW_SESSIONS - 2)
    window = bars.filter(pl.col("session").is_between(first, day)).reverse()
    quick = measure_session(window, day, DAYS, state, actions)
    whole = gaps.measure(bars, DAYS, actions).filter(pl.col("session") == day)
    numbers = ["atr", "gap_atr", "rvol", "mean_volume"]
    assert_frame_equal(quick.select(numbers), whole.select(numbers), rel_tol=1e-9, abs_tol=0)
    assert_frame_equal(quick.drop(numbers), whole.drop(numbers), check_exact=True)


@depth.cases(10)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 90), on=st.integers(0, 12), found=ACTIONS)
def test_a_state_goes_on(
    seed: int, cut: int, on: int, found: list[tuple[int, int, str, float]]
) -> None:
    """A state advanced over some sessions is the state of the whole history."""
    bars, actions = _market(seed), _actions(found)
    early, late = SOME[cut], SOME[cut + on]
    upto = bars.filter(pl.col("session") <= late)
    start = gap_state.carry(upto.filter(pl.col("session") <= early), DAYS, early, actions)
    further = gap_session.advance(start, upto, DAYS, late, actions)
    whole = gap_state.carry(upto, DAYS, late, actions)
    assert further.as_of == whole.as_of
    assert_frame_equal(further.frame.sort("symbol"), whole.frame, rel_tol=1e-9)
