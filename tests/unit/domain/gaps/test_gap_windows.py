"""Windows over all rows at once against the same told row by row."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from core.domain.gaps import breaks, windows
from core.domain.gaps import measure as gaps
from core.domain.gaps.wilder import carried
from core.domain.timetable import sessions as calendar

DAYS = calendar.sessions_between(date(2024, 1, 2), date(2024, 12, 31))["session"]


def _bars(seed: int, symbols: int = 6, sessions: int = 60) -> pl.DataFrame:
    """Bars of a few names with holes and unsound bars, also in a row and at the beginning."""
    chance = np.random.default_rng(seed)
    count = symbols * sessions
    close = 20 * np.exp(chance.normal(0, 0.03, count).cumsum())
    names = [f"N{n}" for n in range(symbols) for _ in range(sessions)]
    frame = pl.DataFrame({"symbol": names, "session": DAYS.head(sessions).to_list() * symbols})
    frame = frame.with_columns(
        open=pl.Series(close * 1.01),
        high=pl.Series(close * 1.02),
        low=pl.Series(close * 0.98),
        close=pl.Series(close),
        volume=pl.Series(chance.integers(0, 8, count) * 1000),
    )
    early = pl.int_range(pl.len()).over("symbol") < 2
    frame = frame.with_columns(volume=pl.when(~early).then("volume").otherwise(0))
    return frame.filter(pl.Series(chance.random(count) < 0.95))


def _work(bars: pl.DataFrame) -> pl.DataFrame:
    factor = pl.repeat(1.0, bars.height, eager=True).alias("factor")
    work = windows.one_basis(bars, factor, split=False)
    return work.with_columns(windows.positions(bars, DAYS))


@pytest.mark.parametrize("seed", range(3))
def test_what_lacks_is_the_last_known_of_the_same_symbol(seed: int) -> None:
    work = _work(_bars(seed))
    filled = work.select(pl.col("close").forward_fill().over("start"))["close"]
    assert filled.null_count() > 0, "a name begins with an unsound bar"
    assert_series_equal(carried(work["close"], work["start"]), filled)


@pytest.mark.parametrize("seed", range(3))
def test_windows_of_some_rows_are_those_of_all_rows(seed: int) -> None:
    work = _work(_bars(seed))
    rows = work["row"].gather_every(3)
    every = windows.last_sessions(work)
    assert every["high20"].count() > 100
    assert_frame_equal(windows.last_sessions(work, rows), every[rows])


@pytest.mark.parametrize("seed", range(3))
def test_the_extremes_are_those_of_the_twenty_sessions_before(seed: int) -> None:
    work = _work(_bars(seed))
    found = windows.last_sessions(work, work["row"])
    for row, start, number in work.select("row", "start", "number").iter_rows():
        past = work.slice(start, row - start).filter(pl.col("number") >= number - 20)
        whole = work["number"][start] <= number - 20
        assert found["high20"][row] == (past["high"].max() if whole else None)
        assert found["low20"][row] == (past["low"].min() if whole else None)


@pytest.mark.parametrize("seed", range(3))
def test_moves_that_no_volume_judges_are_the_far_ones_after_a_hole_or_an_unsound_bar(
    seed: int,
) -> None:
    bars = _bars(seed)
    far = pl.int_range(pl.len()) % 5 == 0
    bars = bars.with_columns(
        pl.when(far).then(pl.col(name) * 3).otherwise(name)
        for name in ("open", "high", "low", "close")
    )
    work, _ = windows.with_bases(_work(bars), bars)
    judged = (work["number"].diff() == 1) & work["sound"].shift(1)
    asked = work.select("row", "base", "high", far=breaks.far()).filter(
        ~judged.fill_null(value=False)
    )
    asked = asked.filter(
        pl.col("far") & pl.col("base").is_not_null() & pl.col("high").is_not_null()
    )
    assert asked.height > 3
    found = windows._break_rows(
        work.with_columns(true_range=windows.true_range("base")), bars, None
    )
    assert_series_equal(found["row"], asked["row"])


@pytest.mark.parametrize(("rows", "count"), [(5, 1), (14, 1), (25, 2), (101, 10), (104, 10)])
def test_blocks_are_of_one_size_and_cut_between_symbols(rows: int, count: int) -> None:
    bars = pl.DataFrame({"symbol": [f"S{n:03d}" for n in range(rows)]})
    with patch.object(gaps, "BLOCK_ROWS", 10):
        blocks = gaps._blocks(bars)
    lengths = [length for _, length in blocks]
    assert len(blocks) == count and sum(lengths) == rows
    assert max(lengths) - min(lengths) <= 1
    assert [offset for offset, _ in blocks] == [sum(lengths[:n]) for n in range(count)]
