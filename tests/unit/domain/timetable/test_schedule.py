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


INTERVAL: dict[str, object] = {
    "cycle": "interval",
    "exchange": "XNYS",
    "anchor": "open",
    "every_minutes": 30,
    "from_minutes": -90,
    "to_minutes": 2,
}


def test_an_interval_repeats_within_a_span_of_the_session() -> None:
    """From its first offset on, the last one included only where a step falls on it."""
    monday = Schedule([INTERVAL], timedelta(0))
    found = monday.between(utc(2026, 11, 30, 0), utc(2026, 11, 30, 23))
    assert found == [utc(2026, 11, 30, 13 + i // 2, 30 * (i % 2)) for i in range(4)]
    assert monday.get_next_refresh(utc(2026, 11, 30, 13, 7)) == utc(2026, 11, 30, 13, 30)
    assert monday.get_latest_refresh(utc(2026, 11, 30, 13, 7)) == utc(2026, 11, 30, 13)
    assert monday.get_latest_refresh(utc(2026, 11, 30, 13)) == utc(2026, 11, 30, 13)
    assert monday.rhythm(utc(2026, 11, 30, 13, 7)) == timedelta(minutes=30)


def test_an_interval_knows_holidays_early_closes_and_summer_time() -> None:
    """Nothing on Thanksgiving; the half day after it ends at 13:00; the open moves."""
    to_close = Schedule(
        [INTERVAL | {"from_minutes": 0, "to_minutes": 0, "to_anchor": "close"}], timedelta(0)
    )
    assert to_close.between(utc(2026, 11, 26, 0), utc(2026, 11, 26, 23)) == []
    half = to_close.between(utc(2026, 11, 27, 0), utc(2026, 11, 27, 23))
    assert (half[0], half[-1], len(half)) == (utc(2026, 11, 27, 14, 30), utc(2026, 11, 27, 18), 8)
    night = utc(2026, 11, 25, 23)
    assert to_close.get_next_refresh(night) == utc(2026, 11, 27, 14, 30)
    assert to_close.get_latest_refresh(utc(2026, 11, 27, 12)) == utc(2026, 11, 25, 21)
    summer = to_close.between(utc(2026, 7, 1, 0), utc(2026, 7, 1, 23))
    assert (summer[0], summer[-1]) == (utc(2026, 7, 1, 13, 30), utc(2026, 7, 1, 20))


def test_rhythm_is_that_of_the_rule_that_is_due() -> None:
    """A dataset may have a slow rule at night and a fast one before the open."""
    night = {"cycle": "daily", "time": "02:00:00"}
    both = Schedule([night, INTERVAL], timedelta(0))
    assert both.rhythm(utc(2026, 11, 30, 3)) is None
    assert both.rhythm(utc(2026, 11, 30, 14)) == timedelta(minutes=30)


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
        (INTERVAL | {"time": "06:00:00"}, "use from_minutes"),
        (INTERVAL | {"offset_minutes": 5}, "session rules only"),
        (INTERVAL | {"day": 5}, "no meaning in an interval rule"),
        (INTERVAL | {"exchange": None}, "XNYS"),
        (INTERVAL | {"anchor": None}, "anchor None is not one of open, close"),
        (INTERVAL | {"to_anchor": "noon"}, "to_anchor 'noon' is not one of"),
        (INTERVAL | {"anchor": "close", "to_anchor": "open"}, "its own session"),
        (INTERVAL | {"every_minutes": 0}, "every_minutes 0 is not allowed: whole minutes from 1"),
        (INTERVAL | {"every_minutes": 1.5}, "every_minutes 1.5"),
        (INTERVAL | {"every_minutes": True}, "every_minutes True"),
        (INTERVAL | {"every_minutes": None}, "every_minutes None"),
        (INTERVAL | {"from_minutes": None}, "from_minutes None"),
        (INTERVAL | {"to_minutes": 99999}, "to_minutes 99999"),
        (INTERVAL | {"to_minutes": -91}, "to_minutes -91 is before from_minutes -90"),
        ({"cycle": "daily", "time": "06:00:00", "every_minutes": 5}, "belong to interval rules"),
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
