"""Average ranges of names at any price, set right after unreal moves without measuring again."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from core.domain.gaps import averages
from core.domain.gaps import measure as gaps
from core.domain.gaps.filters import GapFilters
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from tests import gap_oracle

DAYS = calendar.sessions_between(date(2016, 1, 4), date(2017, 12, 29))["session"]
UNITS = (0.01, 0.1, 0.5, 1.5, 2.0, 10.0, 100.0)


def _market(seed: int, names: int = 12) -> pl.DataFrame:
    """Names between a hundredth and half a million, with changes of units, holes and bad bars."""
    chance = np.random.default_rng(seed)
    shape = (names, len(DAYS))
    close = 10.0 ** chance.uniform(-2, 5, (names, 1)) * np.exp(chance.normal(0, 0.02, shape))
    for row in close:
        for place in chance.integers(1, len(DAYS), chance.integers(0, 4)):
            row[place:] *= chance.choice(UNITS)
    close = close.ravel()
    open_ = close * (1 + chance.standard_t(3, close.size) * 0.015).clip(0.1)
    dice = pl.Series(chance.random(close.size))
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"S{n:02d}" for n in range(names)], len(DAYS)),
            "session": pl.concat([DAYS] * names),
            "open": open_,
            "high": np.maximum(open_, close) * 1.01,
            "low": np.minimum(open_, close) * 0.99,
            "close": close,
            "volume": chance.integers(1_000, 9_000_000, close.size).astype(float),
        }
    )
    frame = frame.with_columns(high=pl.when(dice < 0.002).then("low").otherwise("high"))
    return frame.filter(dice < 0.99)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_averages_are_those_told_bar_by_bar(seed: int) -> None:
    """To eleven digits, though a share for a cent stands behind one for half a million."""
    bars = _market(seed)
    found = gaps.breaks(bars, DAYS)
    assert found.height > 10
    wanted = pl.Series("atr", gap_oracle.average_ranges(bars, DAYS, found))
    assert_series_equal(gaps.measure(bars, DAYS)["atr"], wanted, rel_tol=1e-11, abs_tol=0)


@pytest.mark.parametrize("seed", [4, 5])
def test_names_set_right_are_those_measured_again(seed: int) -> None:
    """Averages, gaps in them and stories, of all rows and of found gaps."""
    bars, filters = _market(seed), GapFilters()
    quick, found = gaps.measure(bars, DAYS), gaps.find(bars, DAYS, filters)
    with patch.object(averages, "SURE", float("inf")):
        again, found_again = gaps.measure(bars, DAYS), gaps.find(bars, DAYS, filters)
    assert_frame_equal(quick, again, rel_tol=1e-12, abs_tol=0)
    assert_frame_equal(found, found_again, rel_tol=1e-12, abs_tol=0)


def test_an_average_that_all_but_vanishes_is_measured_again() -> None:
    """A unit a million times smaller leaves no sure digit of the old average."""
    flat = pl.DataFrame({"session": DAYS[:80]}).with_columns(
        symbol=pl.lit("S"), price=pl.when(pl.int_range(pl.len()) < 40).then(1e6).otherwise(1.0)
    )
    bars = flat.select(
        "symbol",
        "session",
        open="price",
        high=pl.col("price") * 1.01,
        low=pl.col("price") * 0.99,
        close="price",
        volume=1e7 / pl.col("price"),
    )
    found = gaps.measure(bars, DAYS)["atr"].to_list()
    assert found[41:] == pytest.approx([0.02] * 39, rel=1e-12)


@pytest.mark.parametrize("ratio", [1e-320, 1e-200, 1e13, 9e99])
def test_no_made_up_split_spoils_a_number(ratio: float) -> None:
    """A ratio that nothing is split by, also fifty of them: no number changes, and it is told."""
    bars = _market(5, names=3)
    wild = pl.DataFrame(
        {
            "symbol": ["S01"] * 50,
            "ex_date": pl.date_range(date(2017, 6, 1), date(2017, 7, 20), eager=True),
            "kind": ["split"] * 50,
            "ratio": [ratio] * 50,
        }
    )
    empty = CORPORATE_ACTIONS.empty()
    actions = pl.concat([empty, wild], how="diagonal_relaxed").select(empty.columns)
    plain, spoilt = (gaps.measure(bars, DAYS, actions=a) for a in (empty, actions))
    assert_frame_equal(spoilt.drop("flags"), plain.drop("flags"))
    assert set(spoilt.filter(pl.col("flags") != plain["flags"])["symbol"]) == {"S01"}
