"""Rules of a schedule: worked cases, clamping, daylight saving, sessions, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.timetable.schedule import Refresh, Schedule
from core.errors import ScheduleError, ValidationError

NEW_YORK = "America/New_York"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_worked_case_of_the_protocol() -> None:
    """Between nominal and effective the latest is last month's and the next is today's."""
    schedule = Schedule([{"cycle": "monthly", "day": 1, "time": "02:00:00"}])
    now = utc(2025, 7, 1, 2, 30)
    assert schedule.get_latest_refresh(now) == utc(2025, 6, 1, 4)
    assert schedule.get_next_refresh(now) == utc(2025, 7, 1, 4)


def test_effective_instant_itself_is_the_latest() -> None:
    """Latest is <= now and next is > now at the very instant."""
    schedule = Schedule([{"cycle": "daily", "time": "06:00:00"}], buffer=timedelta(0))
    now = utc(2025, 7, 1, 6)
    assert schedule.get_latest_refresh(now) == now
    assert schedule.get_next_refresh(now) == utc(2025, 7, 2, 6)


def test_zero_buffer_overwrite_counts() -> None:
    """A buffer of zero given in the call is not taken for absent."""
    schedule = Schedule([{"cycle": "daily", "time": "06:00:00"}], timedelta(minutes=60))
    now = utc(2025, 7, 1, 6, 30)
    assert schedule.get_latest_refresh(now) == utc(2025, 6, 30, 7)
    assert schedule.get_latest_refresh(now, timedelta(0)) == utc(2025, 7, 1, 6)


def test_clock_is_read_at_each_call() -> None:
    """Without an argument the schedule asks its clock anew."""
    moments = iter([utc(2025, 7, 1, 12), utc(2025, 7, 2, 12)])
    schedule = Schedule([{"cycle": "daily", "time": "06:00:00"}], clock=lambda: next(moments))
    assert schedule.get_latest_refresh() == utc(2025, 7, 1, 8)
    assert schedule.get_latest_refresh() == utc(2025, 7, 2, 8)


def test_clamping_never_changes_the_rule() -> None:
    """Day 31 is the last day of February and the 31st of March again."""
    rule = Refresh("monthly", 31, "02:00:00")
    assert rule.get_latest_refresh(utc(2025, 3, 10)) == utc(2025, 2, 28, 2)
    assert rule.get_next_refresh(utc(2025, 3, 10)) == utc(2025, 3, 31, 2)
    assert rule == Refresh("monthly", 31, "02:00:00")


@pytest.mark.parametrize(
    ("day", "expected"),
    [(-1, utc(2024, 2, 29, 2)), (-2, utc(2024, 2, 28, 2)), (-31, utc(2024, 2, 1, 2))],
)
def test_negative_days_count_from_the_end(day: int, expected: datetime) -> None:
    """-1 is the last day; -31 is clamped to the first."""
    assert Refresh("monthly", day, "02:00:00").get_latest_refresh(utc(2024, 2, 29, 23)) == expected


@pytest.mark.parametrize("day", ["Monday", "monday", "MONDAY", " mOnDaY "])
def test_weekday_in_any_case(day: str) -> None:
    """The case of a weekday does not matter."""
    assert Refresh("weekly", day, "02:00:00").get_latest_refresh(utc(2025, 7, 3)) == utc(
        2025, 6, 30, 2
    )


def test_quarterly_and_yearly() -> None:
    """`month` is the month of the quarter or of the year; 29 February is clamped."""
    quarterly = Refresh("quarterly", -1, "01:00:00", month=3)
    assert quarterly.get_latest_refresh(utc(2025, 7, 1)) == utc(2025, 6, 30, 1)
    assert quarterly.get_next_refresh(utc(2025, 7, 1)) == utc(2025, 9, 30, 1)
    yearly = Refresh("yearly", 29, "01:00:00", month=2)
    assert yearly.get_latest_refresh(utc(2025, 7, 1)) == utc(2025, 2, 28, 1)
    assert yearly.get_latest_refresh(utc(2024, 7, 1)) == utc(2024, 2, 29, 1)


def test_time_that_does_not_exist_runs_at_the_first_valid_instant() -> None:
    """02:30 on the night of the gap runs at 03:00 EDT, other nights at 02:30."""
    rule = Refresh("daily", None, "02:30:00", NEW_YORK)
    assert rule.between(utc(2025, 3, 8), utc(2025, 3, 11)) == [
        utc(2025, 3, 8, 7, 30),
        utc(2025, 3, 9, 7, 0),
        utc(2025, 3, 10, 6, 30),
    ]


def test_time_that_exists_twice_runs_once() -> None:
    """01:30 on the night of the fold runs at its first occurrence only."""
    rule = Refresh("daily", None, "01:30:00", NEW_YORK)
    assert rule.between(utc(2025, 11, 2), utc(2025, 11, 3)) == [utc(2025, 11, 2, 5, 30)]


def test_day_that_does_not_exist_runs_at_its_end() -> None:
    """Samoa skipped 30 December 2011: that day's run moves to the first instant of the 31st."""
    rule = Refresh("daily", None, "06:00:00", "Pacific/Apia")
    found = rule.between(utc(2011, 12, 29), utc(2012, 1, 1))
    assert found == [
        utc(2011, 12, 29, 16),
        utc(2011, 12, 30, 10),
        utc(2011, 12, 30, 16),
        utc(2011, 12, 31, 16),
    ]


def test_session_rule_knows_holidays_and_early_closes() -> None:
    """30 minutes after the close of 24 December is 18:30 UTC, and Christmas has none."""
    rule = Refresh("session", exchange="XNYS", anchor="close", offset_minutes=30)
    assert rule.between(utc(2015, 12, 24), utc(2015, 12, 29)) == [
        utc(2015, 12, 24, 18, 30),
        utc(2015, 12, 28, 21, 30),
    ]


def test_offsets_of_days_before_the_open() -> None:
    """An offset may reach back over a weekend."""
    rule = Refresh("session", exchange="XNYS", anchor="open", offset_minutes=-3 * 1440)
    assert rule.get_next_refresh(utc(2025, 6, 27, 12)) == utc(2025, 6, 27, 13, 30)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"cycle": "daily", "time": "99:99:99"}, "HH:MM:SS between 00:00:00 and 23:59:59"),
        ({"cycle": "daily", "time": "6:00"}, "HH:MM:SS"),
        ({"cycle": "daily"}, "HH:MM:SS"),
        ({"cycle": "daily", "time": "06:00:00", "day": 3}, "no meaning in a daily rule"),
        ({"cycle": "monthly", "day": 0, "time": "06:00:00"}, "1 to 31, or -1"),
        ({"cycle": "monthly", "day": 45, "time": "06:00:00"}, "1 to 31, or -1"),
        ({"cycle": "monthly", "day": True, "time": "06:00:00"}, "1 to 31, or -1"),
        ({"cycle": "monthly", "day": "1", "time": "06:00:00"}, "1 to 31, or -1"),
        ({"cycle": "monthly", "time": "06:00:00"}, "1 to 31, or -1"),
        ({"cycle": "weekly", "day": "Mon", "time": "06:00:00"}, "Monday to Sunday"),
        ({"cycle": "weekly", "day": 1, "time": "06:00:00"}, "Monday to Sunday"),
        ({"cycle": "yearly", "month": 13, "time": "06:00:00"}, "1 to 12"),
        ({"cycle": "quarterly", "month": 4, "time": "06:00:00"}, "1 to 3"),
        ({"cycle": "hourly", "time": "06:00:00"}, "daily, weekly, monthly"),
        ({"cycle": "daily", "time": "06:00:00", "zone": "Mars/Base"}, "IANA"),
        ({"cycle": "daily", "time": "06:00:00", "zone": "../etc"}, "IANA"),
        ({"cycle": "daily", "time": "06:00:00", "tiem": "x"}, "'tiem' is no key"),
        ({"cycle": "session", "exchange": "NOPE", "anchor": "open"}, "XNYS"),
        ({"cycle": "session", "exchange": "XNYS", "anchor": "noon"}, "open, close"),
        ({"cycle": "session", "exchange": "XNYS", "anchor": "open", "time": "06:00:00"}, "offset"),
        (
            {"cycle": "session", "exchange": "XNYS", "anchor": "open", "offset_minutes": 1.5},
            "minutes",
        ),
        ({"cycle": "daily", "time": "06:00:00", "exchange": "XNYS"}, "session rules only"),
        ({"time": "06:00:00"}, "needs a cycle"),
    ],
)
def test_mistakes_are_refused_with_what_is_allowed(rule: dict[str, object], says: str) -> None:
    """A malformed rule is refused when it is made, and the message says what is allowed."""
    with pytest.raises(ScheduleError, match=says):
        Schedule([rule])


def test_naive_now_is_refused() -> None:
    """A `now` without a zone is refused, as a ValidationError and as a ValueError."""
    schedule = Schedule([{"cycle": "daily", "time": "06:00:00"}])
    with pytest.raises(ValidationError, match="time zone"):
        schedule.get_latest_refresh(datetime(2025, 7, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        schedule.get_next_refresh(datetime(2025, 7, 1))  # noqa: DTZ001


def test_schedule_without_rules_says_so() -> None:
    """An empty schedule is false and answers with a sentence, not with an IndexError."""
    schedule = Schedule([])
    assert not schedule
    assert schedule.between(utc(2025, 1, 1), utc(2026, 1, 1)) == []
    with pytest.raises(ScheduleError, match="no rules"):
        schedule.get_next_refresh(utc(2025, 1, 1))


@pytest.mark.parametrize("buffer", [timedelta(seconds=-1), 120, None, timedelta(microseconds=1)])
def test_buffers_must_be_whole_seconds(buffer: object) -> None:
    """Minutes as a number, a negative buffer and microseconds are refused."""
    with pytest.raises(ScheduleError, match="whole seconds"):
        Schedule([], buffer=buffer)  # type: ignore[arg-type]
