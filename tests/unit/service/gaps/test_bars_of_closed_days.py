"""Bars of holidays and weekends that stand in a store already: nothing is computed from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from core.domain.gaps import backtest
from core.domain.gaps.filters import GapFilters
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import coming, keeping, like_gaps, market_view, scans, statistics
from core.service.gaps import session as scan_inputs
from core.service.trading import past_returns, settling
from core.store import actions as action_store

NOW = datetime(2026, 12, 1, 22, 0, tzinfo=UTC)
LAST = date(2026, 12, 1)
CLOSED = (date(2026, 11, 26), date(2026, 11, 28), date(2026, 9, 7))  # holiday, Saturday, holiday
NAMES = ("AAA", "BBB", "CCC")


def world() -> pl.DataFrame:
    """Bars of three names over two years, with gaps in both directions."""
    days = calendar.sessions_between(date(2024, 12, 2), LAST)["session"].alias("session")
    random = np.random.default_rng(4)
    parts = []
    for name in NAMES:
        close = 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(days))))
        gaps = 1 + random.normal(0, 0.03, len(days))
        opens = np.concatenate([[50.0], close[:-1]]) * gaps
        part = pl.DataFrame(
            {"open": opens, "close": close, "volume": random.uniform(1e6, 9e6, len(days))}
        )
        parts.append(part.select(
            pl.lit(name).alias("symbol"), days, "open",
            high=pl.max_horizontal("open", "close") * 1.01,
            low=pl.min_horizontal("open", "close") * 0.99, close="close", volume="volume",
        ))  # fmt: skip
    return pl.concat(parts).with_columns(pull_id=pl.lit("p"))


def strays() -> pl.DataFrame:
    """Sound-looking bars of days without trading, far from the prices around them."""
    days = pl.DataFrame({"session": CLOSED})
    row = {"open": 80.0, "high": 140.0, "low": 20.0, "close": 90.0, "volume": 9e8, "pull_id": "p"}
    names = pl.DataFrame({"symbol": NAMES})
    return names.join(days, how="cross").with_columns(**{n: pl.lit(v) for n, v in row.items()})


def put(desk: Desk, *frames: pl.DataFrame) -> Desk:
    """Store bars as an older desk did."""
    desk.now = lambda: NOW
    with desk.warehouse.transaction() as tx:
        for frame in frames:
            tx.insert("bars_daily", frame)
    return desk


@pytest.fixture
def both(make_desk: Callable[..., Desk], tmp_path_factory: pytest.TempPathFactory) -> list[Desk]:
    """A desk with sessions alone, and one with rows of closed days between them."""
    places = [tmp_path_factory.mktemp(name) for name in ("clean", "stray")]
    desks = [make_desk(data_dir=place) for place in places]
    return [put(desks[0], world()), put(desks[1], world(), strays())]


def test_a_scan_rests_on_sessions_alone(both: list[Desk]) -> None:
    """Without a kept state and with one: gap, ATR, rvol and the rest are the same."""
    for kept in (False, True):
        if kept:
            assert [keeping.keep_state(desk) for desk in both] == [LAST, LAST]
        for day in (LAST, date(2026, 11, 27), date(2026, 11, 30), date(2026, 9, 8)):
            rows = [scan_inputs.session_gaps(desk, day).rows for desk in both]
            assert rows[0]["gap_pct"].null_count() == 0
            assert_frame_equal(*rows, rel_tol=1e-12)
    assert scans.sessions(both[1]) == scans.sessions(both[0])


def test_statistics_and_back_test_rest_on_sessions_alone(both: list[Desk]) -> None:
    """The same gaps, outcomes and trades."""
    pasts = [statistics.history(desk) for desk in both]
    assert_frame_equal(pasts[0].outcomes, pasts[1].outcomes)
    assert_frame_equal(pasts[0].bars, pasts[1].bars)
    done = [
        backtest.trades(statistics.filtered(past, GapFilters(min_gap_pct=2.0)), past.bars,
            backtest.TradeRules())
        for past in pasts
    ]  # fmt: skip
    assert done[0].height > 50
    assert_frame_equal(*done)


def test_plans_and_risk_rest_on_sessions_alone(both: list[Desk]) -> None:
    """The facts of a plan, bars to trade on, like gaps, doubts, beta's market."""
    views = [market_view.look(desk.warehouse, "AAA", date(2026, 11, 27), raw=True) for desk in both]
    assert repr(views[0]) == repr(views[1])
    assert_series_equal(views[0].facts.overnight_pct, views[1].facts.overnight_pct)
    assert_frame_equal(views[0].bars, views[1].bars)
    found = [like_gaps.outcomes(desk, view, "long", 0.02)
             for desk, view in zip(both, views, strict=True)]  # fmt: skip
    assert found[0].to_list() == found[1].to_list() != []
    span = (date(2026, 8, 3), LAST)
    bars = [market_view.tradable_bars(desk.warehouse, "AAA", *span) for desk in both]
    assert bars[0] == bars[1]
    doubts = [settling.doubtful(desk, desk.warehouse, "AAA", *span) for desk in both]
    assert_frame_equal(*doubts)
    market = [past_returns.mean_market(desk, *span) for desk in both]
    assert_frame_equal(*market)


def test_splits_that_bars_show_are_told_from_sessions(both: list[Desk]) -> None:
    """A stray row at twice the price beside the ex-date makes no raw bar of an adjusted one."""
    action = pl.DataFrame({
        "symbol": ["AAA"], "ex_date": [date(2026, 11, 27)], "kind": ["split"], "ratio": [0.25],
        "pull_id": ["p"],
    })  # fmt: skip
    shown = []
    for desk in both:
        with desk.warehouse.transaction() as tx:
            tx.insert("corporate_actions", action)
            tx.execute("UPDATE bars_daily SET close = 5 WHERE session = '2026-11-26'")
        shown.append(action_store.splits_in_the_bars(desk.warehouse))
    assert shown[0].height == shown[1].height == 1


def test_a_row_of_a_closed_day_ahead_stands_for_no_open(desk: Desk) -> None:
    """Prints of the session to come are looked for though a later day has a row."""
    put(desk, world(), strays().with_columns(session=pl.lit(date(2026, 12, 5))))
    desk.now = lambda: datetime(2026, 12, 2, 14, 0, tzinfo=UTC)
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO bars_minute VALUES ('AAA', '2026-12-02 13:00:00+00', 50, 51, 49, 50, "
            "1000, 'pre', 'p')"
        )
    found = coming.session_of(desk, "AAA")
    assert found is not None
    assert found.price == 50


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 11, 26), True), (date(2026, 11, 28), True), (date(2026, 11, 27), False),
        (date(1989, 12, 30), False), (date(2031, 1, 4), False), (date(1990, 1, 1), False),
        (date(2030, 12, 31), False), (date(1990, 1, 6), True),
    ],
)  # fmt: skip
def test_days_beyond_the_calendar_are_not_known_to_be_closed(day: date, closed: bool) -> None:
    """Within it, every day is a session or is not."""
    assert calendar.is_closed(pl.Series("session", [day, None])).to_list() == [closed, False]
