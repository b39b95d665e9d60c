"""How far data reach against the calendar: Thanksgiving week, half day included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.domain.tables.datasets import ColumnType, Dataset
from core.domain.timetable import reach
from core.domain.timetable import sessions as calendar
from core.domain.timetable.freshness import Freshness
from core.domain.timetable.reach import Reach


def _dataset(table: str, key: tuple[str, ...], schema: dict[str, str], **options) -> Dataset:
    kinds = {name: ColumnType.parse(word) for name, word in schema.items()}
    return Dataset(table, "foundry", table, key, kinds, options=options)


BARS = _dataset("bars_daily", ("symbol", "session"), {"symbol": "str", "session": "date"})
MINUTES = _dataset("bars_minute", ("symbol", "ts"), {"symbol": "str", "ts": "datetime"})
EVENTS = _dataset("actions", ("symbol", "ex_date"), {"symbol": "str", "ex_date": "date"})
NAMES = _dataset("universe", ("symbol",), {"symbol": "str"})


def _due(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "due", "behind"),
    [
        (date(2026, 11, 25), "2026-11-26T11:30", 0),  # Thanksgiving morning: Wednesday is all
        (date(2026, 11, 25), "2026-11-27T11:30", 0),  # Friday before the half day
        (date(2026, 11, 25), "2026-11-28T11:30", 1),  # Saturday: the half day is missing
        (date(2026, 11, 27), "2026-11-30T11:30", 0),  # Monday 6:30: Friday is the last
        (date(2026, 11, 24), "2026-11-30T11:30", 2),
        (date(2026, 11, 27), "2026-11-30T20:59", 0),  # a minute before the close
        (date(2026, 11, 27), "2026-11-30T21:00", 1),
    ],
)
def test_sessions_behind_are_those_closed_by_the_refresh(
    until: date, due: str, behind: int
) -> None:
    """Holidays are none, and a session under way is not missing."""
    assert reach.reach(BARS, until, _due(due)).sessions_behind == behind


def test_a_night_in_tokyo_is_still_the_day_of_new_york() -> None:
    """Prints of Friday evening, told as instants of Saturday in UTC, are of Friday."""
    evening = datetime(2026, 11, 28, 0, 30, tzinfo=UTC)
    assert reach.reach(MINUTES, evening, _due("2026-11-30T13:35")).sessions_behind == 0


def test_only_rows_of_sessions_can_be_behind() -> None:
    """Corporate actions and names come as they come; a finished history expects no more."""
    old = date(2018, 2, 7)
    ended = _dataset("bars_daily", BARS.key, {"session": "date"}, history=True)
    for dataset in (EVENTS, ended):
        found = reach.reach(dataset, old, _due("2026-11-30T11:30"))
        assert (found.sessions_behind, found.until) == (None, datetime(2018, 2, 7, tzinfo=UTC))
    assert reach.date_column(NAMES) is None
    assert reach.reach(NAMES, None, _due("2026-11-30T11:30")) == Reach()


def test_a_good_pull_of_too_little_is_not_fresh() -> None:
    """Within the grace it is due, then overdue; without rows there are no data."""
    due = _due("2026-11-30T11:30")
    fresh = Freshness("fresh", due, due + timedelta(days=1))
    behind = Reach(datetime(2026, 11, 25, tzinfo=UTC), 1)
    for minutes, state in ((10, "due"), (31, "overdue")):
        assert reach.judged(fresh, behind, 5, due + timedelta(minutes=minutes)).state == state
    assert reach.judged(fresh, Reach(), 0, due).state == "never"
    assert reach.judged(fresh, Reach(None, 0), 5, due).state == "fresh"
    failing = Freshness("failing", due, due)
    assert reach.judged(failing, behind, 5, due) is failing


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        ("2026-11-30T14:05", "2026-11-27T18:00"),  # Monday 9:05: Friday's half day, 13:00
        ("2026-11-29T18:00", "2026-11-27T18:00"),
        ("2026-11-26T17:00", "2026-11-25T21:00"),  # a holiday
        ("2026-11-30T21:00", "2026-11-30T21:00"),
        ("2026-11-30T20:59", "2026-11-27T18:00"),
    ],
)
def test_the_last_close(now: str, closed: str) -> None:
    """Since then everything is new to a reader."""
    assert calendar.last_close(_due(now)) == _due(closed)
