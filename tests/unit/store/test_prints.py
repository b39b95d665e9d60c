"""Prints as the store sums them up are those that the domain sums up, over a change of clocks."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.domain.gaps import premarket
from core.domain.timetable import sessions as calendar
from core.store import prints, scans
from core.store.warehouse import Warehouse

DAY = date(2026, 11, 9)  # a week after the clocks went back
OPENS = datetime(2026, 11, 9, 14, 30, tzinfo=UTC)
NAMES = ("AAA", "BBB", "CCC", "DDD")


def some_minutes(seed: int, count: int = 4000) -> pl.DataFrame:
    """Minutes of six weeks: most of them sound, some of other phases, empty or of mixed bases."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        ts = OPENS - timedelta(minutes=rng.randrange(-120, 44 * 1440))
        low = rng.choice([None, 0.0, 9.0, 10.0, float("nan")] + [10.0] * 8)
        high = None if low is None else low * rng.choice([0.9, 1.0, 1.01, 1.5, 1.6])
        volume = rng.choice([None, 0.0, 5.0, 700.0, 31.5])
        phase = rng.choice(["pre", "pre", "pre", "regular", "post"])
        price = rng.choice([10.0, 10.5, None])
        rows.append((rng.choice(NAMES[:3]), ts, price, high, low, 10.2, volume, phase, "p"))
    names = ["symbol", "ts", "open", "high", "low", "close", "volume", "phase", "pull_id"]
    frame = pl.DataFrame(rows, schema=names, orient="row").unique(["symbol", "ts"])
    return frame.with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("known_at", [OPENS, OPENS - timedelta(hours=1, seconds=30)])
def test_a_morning_read_in_parts_is_the_morning(
    warehouse: Warehouse, seed: int, known_at: datetime
) -> None:
    """Today's minutes and sums of the days before give what all minutes give."""
    minutes = some_minutes(seed)
    with warehouse.transaction() as tx:
        tx.insert("bars_minute", minutes)
    prior = pl.DataFrame({"symbol": NAMES, "prior_close": [10.0, 11.0, 0.0, 9.0]})
    session = calendar.sessions_between(DAY, DAY)
    whole = premarket.premarket(minutes, prior, session, known_at)
    earlier = prints.volumes(warehouse, premarket.mornings(DAY, known_at))
    today = prints.minutes(warehouse, OPENS - timedelta(hours=9, minutes=30), known_at)
    parts = premarket.premarket(today, prior, session, known_at, earlier)
    assert whole["history_sessions"].sum() > 20
    assert whole["premarket_prints"].sum() > 0
    assert_frame_equal(parts.sort("symbol"), whole.sort("symbol"))


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", range(3))
def test_whether_there_is_a_sound_minute(warehouse: Warehouse, seed: int) -> None:
    """The store finds one where the domain does, and none where it does not."""
    minutes = some_minutes(seed, 60)
    with warehouse.transaction() as tx:
        tx.insert("bars_minute", minutes)
    found = []
    for hours in range(0, 40 * 24, 7):
        start = OPENS - timedelta(hours=hours)
        end = start + timedelta(hours=6)
        rows = minutes.filter(pl.col("ts").is_between(start, end, closed="left"))
        expected = not premarket.sound_minutes(rows, end).is_empty()
        assert prints.any_sound(warehouse, start, end) == expected
        found.append(expected)
    assert {True, False} == set(found)


def test_the_last_close_of_a_name(warehouse: Warehouse) -> None:
    """Of the days asked for alone, each name its own last one."""
    days = [date(2026, 11, 4), date(2026, 11, 5), date(2026, 11, 6)]
    rows = [("AAA", days[0], 1.0), ("AAA", days[2], 3.0), ("BBB", days[1], 2.0)]
    rows += [("AAA", date(2026, 11, 7), 9.0), ("CCC", date(2026, 11, 3), 9.0)]
    bars = pl.DataFrame(rows, schema=["symbol", "session", "close"], orient="row").with_columns(
        open=1.0, high=9.0, low=1.0, volume=pl.lit(1.0), pull_id=pl.lit("p")
    )
    with warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
    found = scans.last_closes(warehouse, "bars_daily", days)
    assert found.rows() == [("AAA", days[2], 3.0), ("BBB", days[1], 2.0)]
