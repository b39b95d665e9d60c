"""The scan over the captured prices: equality with plain SQL, and the known hard cases."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import filters as gap_filters
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import measure as gaps
from core.domain.gaps import state as gap_state
from core.domain.gaps.bars import is_sound
from core.domain.gaps.session import measure_session
from core.domain.timetable import sessions as calendar
from tests import gap_oracle, real_prices, stand_ins

DAYS = calendar.all_sessions()["session"]


@pytest.fixture(scope="module")
def measured(shared_data: Path) -> pl.DataFrame:
    return gaps.measure(real_prices.five_years(shared_data), DAYS)


def _row(frame: pl.DataFrame, symbol: str, day: date) -> dict:
    found = frame.filter((pl.col("symbol") == symbol) & (pl.col("session") == day))
    found = found.with_columns(reason=gap_flags.reason(), words=gap_flags.words())
    return found.row(0, named=True)


def test_every_session_equals_plain_sql(captures_or_none: Path | None) -> None:
    """Gap, type, range position, rvol, 20-session range, dollars and bar flags equal plain SQL."""
    bars = stand_ins.adjusted(captures_or_none).bars
    oracle = gap_oracle.in_sql(bars, DAYS)
    mine = gaps.measure(bars, DAYS).with_columns(
        pl.col("gap_type").cast(pl.String), bar_flags=(pl.col("flags") & 7).cast(pl.Int32)
    )
    assert oracle.height == bars.height
    known = gap_oracle.of_like_shares(oracle, bars, DAYS, gaps.breaks(bars, DAYS))
    assert_frame_equal(
        mine.select(oracle.columns),
        known.cast({"bar_flags": pl.Int32}),
        rel_tol=1e-9,
        abs_tol=1e-9,
    )


def test_497_gaps_of_ten_percent(measured: pl.DataFrame) -> None:
    """497 gaps of 10 % or more stand in the captured bars before exclusions."""
    assert measured.filter(pl.col("gap_pct").abs() >= 10).height == 497


NO_GAPS = {  # spin-offs and bad prints: the flag and the reason
    ("EBAY", date(2015, 7, 20)): ("corporate_action", "corporate_action: suspected"),
    ("BAX", date(2015, 7, 1)): ("corporate_action", "corporate_action: suspected"),
    ("CHD", date(2014, 5, 19)): ("bad_print", "bad_print: the bar of this session"),
    ("LNT", date(2016, 5, 20)): ("bad_print", "bad_print: the bar of the session before"),
    ("MRO", date(2017, 9, 15)): ("suspected_split", "suspected_split"),
    ("EFX", date(2017, 9, 14)): ("bad_print", "bad_print: a large move on less"),
}


def test_no_gap_for_these_reasons(measured: pl.DataFrame) -> None:
    """Spin-offs and bad prints are left out, with the right reason."""
    wide = gap_filters.GapFilters(max_gap_pct=1000, min_rvol=0)
    for (symbol, day), (word, reason) in NO_GAPS.items():
        row = _row(measured, symbol, day)
        assert word in row["words"], symbol
        assert row["reason"].startswith(reason), symbol
        assert not _passes(measured, symbol, day, wide), symbol


def test_news_beyond_45_percent_is_a_candidate(measured: pl.DataFrame) -> None:
    """VRTX's +54 % and +47 % are news by turnover, so candidates; 20 % is only a filter."""
    for day in (date(2013, 4, 19), date(2014, 6, 24)):
        row = _row(measured, "VRTX", day)
        assert (row["words"], row["reason"]) == (["news_move"], None)
        assert _passes(measured, "VRTX", day, gap_filters.GapFilters(max_gap_pct=100))
        assert not _passes(measured, "VRTX", day, gap_filters.GapFilters())


def _passes(frame: pl.DataFrame, symbol: str, day: date, filters: gap_filters.GapFilters) -> bool:
    rows = frame.filter((pl.col("symbol") == symbol) & (pl.col("session") == day))
    return bool(rows.select(gap_filters.passes(filters)).item())


Sited = tuple[stand_ins.Prices, str, date, float]


@pytest.fixture(params=[0, 1])
def split(request: pytest.FixtureRequest, captures_or_none: Path | None) -> Sited:
    """Raw bars, a name, the day of its split and the ratio."""
    prices = stand_ins.raw(captures_or_none)
    return prices, *stand_ins.site(prices, "split", "ratio", request.param, captures_or_none)


def test_split_on_record_is_no_gap(split: Sited) -> None:
    """With the actions both sides of a split stand on one share basis."""
    prices, symbol, day, ratio = split
    row = _row(gaps.measure(prices.bars, DAYS, prices.actions), symbol, day)
    own = prices.bars.filter((pl.col("symbol") == symbol) & (pl.col("session") < day))
    raw = own["close"][-1]
    assert abs(row["gap_pct"]) < 6
    assert "split_adjusted" in row["words"]
    assert row["prior_close"] == pytest.approx(raw / ratio, rel=1e-4)


def test_split_off_record_is_suspected(split: Sited) -> None:
    """Without the actions the same moves are suspected splits."""
    prices, symbol, day, ratio = split
    row = _row(gaps.measure(prices.bars, DAYS), symbol, day)
    assert row["gap_pct"] == pytest.approx((1 / ratio - 1) * 100, abs=6 / min(ratio, 1))
    assert row["reason"].startswith("suspected_split")


def test_ex_dividend_beside_the_raw_gap(captures_or_none: Path | None) -> None:
    """On an ex-date the dividend is added back in gap_ex_div_pct (2.65 on AAPL's of 2012)."""
    prices = stand_ins.raw(captures_or_none)
    symbol, day, amount = stand_ins.site(prices, "dividend", "amount", 0, captures_or_none)
    row = _row(gaps.measure(prices.bars, DAYS, prices.actions), symbol, day)
    assert "ex_dividend" in row["words"]
    back = (row["gap_ex_div_pct"] - row["gap_pct"]) / 100 * row["prior_close"]
    assert back == pytest.approx(amount, abs=0.02)


def test_atr_agrees_with_talib(captures_or_none: Path | None) -> None:
    """ATR14 before each session is TA-Lib's ATR of the session before, for every whole symbol.

    Up to a split that nobody recorded; from there on TA-Lib's of the series in the new units.
    """
    talib = pytest.importorskip("talib")
    bars = stand_ins.raw(captures_or_none).bars
    names = ["IBM", "SPY", "AIG"] if captures_or_none else _whole(bars)
    mine = gaps.measure(bars.filter(pl.col("symbol").is_in(names)), DAYS)
    moves = gap_breaks.judged(mine)
    told = {("AIG", date(2009, 7, 1)), ("IBM", date(1999, 5, 27))} if captures_or_none else set()
    assert told <= set(moves.iter_rows())
    for (symbol,), part in mine.group_by("symbol", maintain_order=True):
        own = moves.filter(pl.col("symbol") == symbol)["session"].sort().to_list()
        _agree(talib, part, own)


def _whole(bars: pl.DataFrame) -> list[str]:
    """Names without a hole, an unsound bar or a day without trade."""
    sound = is_sound() & (pl.col("volume") > 0)
    counts = bars.group_by("symbol").agg(pl.len(), sound=sound.sum())
    most = bars["session"].n_unique()
    kept = counts.filter((pl.col("len") == most) & (pl.col("sound") == most))
    return kept["symbol"].sort().head(20).to_list()


def _agree(talib: Any, part: pl.DataFrame, moves: list[date]) -> None:
    """Compares each stretch between moves, all bars before it in its units, without the moves."""
    names, places = ("high", "low", "close"), [part["session"].index_of(day) for day in moves]
    high, low, close = (part[name].to_numpy().copy() for name in names)
    got = part["atr"].fill_null(np.nan).to_numpy()
    base, gone = close.copy(), 0
    for start, end in pairwise([0, *places, part.height - 1]):
        if start:
            ratio = part["open"][start] / part["prior_close"][start]
            kept = (part["close"][start] - part["prior_close"][start]) / (
                part["open"][start] - part["prior_close"][start]
            )
            at = start - gone
            for series in (high, low, close, base):
                series[:at] *= ratio if kept >= 0.5 else 1.0
            # without the bar of the move: its close is the base of the next one
            high, low, close = (np.delete(series, at) for series in (high, low, close))
            close[at - 1] = part["close"][start]
            gone += 1
        theirs = talib.ATR(high, low, close, 14)
        first = start + 1 if start else 0
        wanted = np.append(np.nan, theirs)[first - gone : end + 1 - gone]
        assert np.allclose(got[first : end + 1], wanted, rtol=1e-9, equal_nan=True), moves


@pytest.mark.thorough
def test_scrambled_future_changes_nothing(captures_or_none: Path | None) -> None:
    """No quantity or flag of a session depends on later bars: scrambling them gives the same."""
    prices = stand_ins.adjusted(captures_or_none)
    chosen = prices.bars["symbol"].unique().sort().to_list()[:90]
    bars = prices.bars.filter(pl.col("symbol").is_in(chosen))
    cut = prices.days[3]
    chance = np.random.default_rng(7).uniform(0.2, 5, bars.height)
    later = pl.col("session") > cut
    scaled = [
        pl.when(later).then(pl.col(name) * chance).otherwise(name).alias(name)
        for name in ("open", "high", "low", "close")
    ]
    scrambled = gaps.measure(bars.with_columns(scaled), DAYS)
    honest = gaps.measure(bars, DAYS).filter(pl.col("session") <= cut)
    assert_frame_equal(scrambled.filter(pl.col("session") <= cut), honest, rel_tol=1e-12)


def _same(bars: pl.DataFrame, day: date, back: int, actions: pl.DataFrame | None) -> int:
    """Compares the session from its windows and a state with the whole history; the rows."""
    whole = gaps.measure(bars.filter(pl.col("session") <= day), DAYS, actions)
    whole = whole.filter(pl.col("session") == day)
    as_of = calendar.session_back(day, back)
    state = gap_state.carry(bars.filter(pl.col("session") <= as_of), DAYS, as_of, actions)
    first = calendar.session_back(as_of, gaps.WINDOW_SESSIONS - 2)
    window = bars.filter(pl.col("session").is_between(first, day))
    window = window.sample(fraction=1.0, shuffle=True, seed=1)  # rows may lie in any order
    quick = measure_session(window, day, DAYS, state, actions)
    about = ["atr", "gap_atr"] + ([] if actions is None else ["mean_volume", "rvol"])
    assert_frame_equal(quick.select(about), whole.select(about), rel_tol=1e-12, abs_tol=0)
    assert_frame_equal(quick.drop(about), whole.drop(about), check_exact=True)
    return quick.height


@pytest.mark.few(4)
@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("back", [1, 5])
def test_a_session_from_its_windows_is_the_whole_historys(
    captures_or_none: Path | None, place: int, back: int
) -> None:
    """22 sessions and the state before give every quantity, type and flag exactly; ATR to 1e-12."""
    prices = stand_ins.adjusted(captures_or_none)
    assert _same(prices.bars, prices.days[place], back, None) > prices.least


@pytest.mark.few(4)
@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("back", [1, 9])
def test_windows_across_splits_and_dividends(
    captures_or_none: Path | None, place: int, back: int
) -> None:
    """The same on raw bars with actions: on a split's day, after it, and with splits to come."""
    prices = stand_ins.raw(captures_or_none)
    assert _same(prices.bars, prices.days[place], back, prices.actions) >= prices.least
