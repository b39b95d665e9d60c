"""Figures before the open from worked one-minute bars."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.domain.gaps import premarket
from core.domain.timetable import sessions as calendar

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2015, 12, 28)  # a Monday; Thursday before closed at 13:00
OPEN = datetime(2015, 12, 28, 14, 30, tzinfo=UTC)
Minute = tuple[date, str, float, float, float, float, float]  # clock, o, h, l, c, volume

TODAY: list[Minute] = [
    (DAY, "04:00", 700.0, 100.0, 100.0, 100.0, 9.0),  # high below the open alone is no fault
    (DAY, "04:01", 100.0, 151.0, 100.0, 110.0, 50.0),  # mixes two bases
    (DAY, "08:00", 101.0, 102.0, 100.0, 101.5, 20.0),
    (DAY, "08:01", 102.0, 150.0, 100.0, 103.0, 0.0),  # nothing traded
    (DAY, "08:02", 102.0, 150.0, 100.0, 103.0, 30.0),  # just about one base
    (DAY, "09:29", 104.0, 105.0, 103.0, 104.5, 40.0),
]


def minutes(*rows: Minute, phase: str = "pre", symbol: str = "AAA") -> pl.DataFrame:
    """One-minute bars whose clock is New York's."""
    made: list[dict[str, Any]] = []
    for day, clock, opened, high, low, close, volume in rows:
        at = datetime.combine(day, time.fromisoformat(clock), NEW_YORK).astimezone(UTC)
        prices = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
        made.append({"symbol": symbol, "ts": at, "phase": phase, **prices})
    return pl.DataFrame(made, schema_overrides={"ts": pl.Datetime("us", "UTC")})


def found(frame: pl.DataFrame, at: datetime = OPEN, close: float | None = 100.0) -> dict[str, Any]:
    prior = pl.DataFrame(
        {"symbol": ["AAA"], "prior_close": [close]}, schema_overrides={"prior_close": pl.Float64}
    )
    session = calendar.sessions_between(DAY, DAY)
    return premarket.premarket(frame, prior, session, at).row(0, named=True)


def test_the_figures_of_a_morning() -> None:
    """First and last sound print, their number, and the volume of all that was traded."""
    late = minutes((DAY, "09:30", 200.0, 200.0, 200.0, 200.0, 1e6), phase="regular")
    row = found(pl.concat([minutes(*TODAY), late]))
    assert {name: row[name] for name in row if name.startswith("premarket_")} == {
        "premarket_first": 700.0,
        "premarket_last": 104.5,
        "premarket_at": OPEN - timedelta(minutes=1),
        "premarket_prints": 4,
        "premarket_volume": 149.0,
        "premarket_gap_pct": pytest.approx(600.0),
        "premarket_change_pct": pytest.approx(4.5),
        "premarket_rvol": None,  # no morning before
    }
    assert (row["dropped_minutes"], row["provisional"], row["session"]) == (2, False, DAY)


@pytest.mark.parametrize(
    ("clock", "prints", "last"),
    [("04:00", 0, None), ("04:01", 1, 100.0), ("08:00", 1, 100.0), ("08:01", 2, 101.5),
     ("09:29", 3, 103.0), ("09:30", 4, 104.5), ("12:00", 4, 104.5)],
)  # fmt: skip
def test_only_minutes_that_have_ended_count(clock: str, prints: int, last: float | None) -> None:
    """Until the open, and provisional before it."""
    at = datetime.combine(DAY, time.fromisoformat(clock), NEW_YORK).astimezone(UTC)
    row = found(minutes(*TODAY), at)
    assert ((row["premarket_prints"] or 0), row["premarket_last"]) == (prints, last)
    assert row["provisional"] == (at < OPEN)


def test_no_prints_are_not_zero() -> None:
    """Prints of another name, or none that can be believed: n/a throughout."""
    names = ("premarket_gap_pct", "premarket_change_pct", "premarket_rvol", "premarket_volume")
    for frame in (minutes(*TODAY, symbol="BBB"), minutes(TODAY[1])):
        row = found(frame)
        assert [row[name] for name in names] == [None] * 4
    row = found(minutes(*TODAY), close=0.0)
    assert [row[name] for name in names[:2]] == [None] * 2


def test_volume_is_measured_against_the_same_time_of_mornings_before() -> None:
    """Of sessions with prints until then, early closes too; the last twenty of them."""
    thursday, wednesday = date(2015, 12, 24), date(2015, 12, 23)
    before: list[Minute] = [
        (thursday, "08:00", 100.0, 101.0, 99.0, 100.0, 60.0),
        (thursday, "09:29", 100.0, 101.0, 99.0, 100.0, 40.0),
        (wednesday, "08:30", 100.0, 101.0, 99.0, 100.0, 98.0),
        (wednesday, "08:31", 100.0, 190.0, 99.0, 100.0, 500.0),  # not sound
    ]
    frame = minutes(*TODAY, *before)
    row = found(frame)
    assert row["premarket_rvol"] == pytest.approx(149 / ((100 + 98) / 2))
    assert row["history_sessions"] == 2
    at_eight = datetime.combine(DAY, time(8, 1), NEW_YORK).astimezone(UTC)
    row = found(frame, at_eight)
    assert row["premarket_rvol"] == pytest.approx((9 + 50 + 20) / 60)
    assert row["history_sessions"] == 1
    days = calendar.sessions_between(date(2015, 11, 1), thursday)["session"].to_list()[-21:]
    many: list[Minute] = [(day, "08:00", 100.0, 101.0, 99.0, 100.0, 1.0 + n)
                          for n, day in enumerate(days)]  # fmt: skip
    row = found(minutes(*TODAY, *many))
    assert row["history_sessions"] == 20
    assert row["premarket_rvol"] == pytest.approx(149 / (sum(range(2, 22)) / 20))


def test_mornings_before_a_split_count_in_the_shares_of_the_day() -> None:
    """Ten for one on the day: a morning of 60 old shares is one of 600; another name's stays."""
    before = pl.DataFrame(
        {"symbol": ["AAA", "BBB"], "day": [date(2015, 12, 24)] * 2, "volume": [60.0, 60.0]}
    )
    splits = pl.DataFrame({"symbol": ["AAA"], "ex_date": [DAY], "ratio": [10.0]})
    assert premarket.volumes_on_basis_of(DAY, before, splits)["volume"].to_list() == [600.0, 60.0]
    assert premarket.volumes_on_basis_of(DAY, before, splits.clear()).equals(before)
