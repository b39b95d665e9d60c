"""Freshness from due instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.timetable.freshness import Freshness, freshness, stalest
from core.domain.timetable.schedule import Schedule

DAILY = Schedule([{"cycle": "daily", "time": "06:00:00"}], timedelta(0))
DUE = datetime(2025, 7, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "now", "success", "failure"),
    [
        ("fresh", DUE + HOUR, DUE, None),
        ("fresh", DUE + HOUR, DUE + HOUR / 2, DUE + HOUR / 4),
        ("fresh", DUE - HOUR, DUE - 25 * HOUR + HOUR, DUE - 2 * HOUR),
        ("due", DUE + HOUR / 2, DUE - HOUR, None),
        ("overdue", DUE + HOUR, DUE - HOUR, None),
        ("failing", DUE + HOUR / 4, DUE - HOUR, DUE),
        ("overdue", DUE + HOUR, DUE - HOUR, DUE - HOUR),  # what failed beside it was no later
        ("failing", DUE + HOUR, None, DUE),
        ("never", DUE + HOUR, None, None),
    ],
)
def test_states(
    state: str, now: datetime, success: datetime | None, failure: datetime | None
) -> None:
    """Pulled since the latest refresh is fresh, whatever failed before or after."""
    assert freshness(DAILY, now, last_success=success, last_failure=failure).state == state


def test_behind_counts_from_the_first_missed_refresh() -> None:
    """Three days without a pull are three days behind, not one."""
    found = freshness(DAILY, DUE + HOUR, last_success=DUE - 72 * HOUR)
    assert found == Freshness("overdue", DUE, DUE + 24 * HOUR, 49 * HOUR)
    assert found.is_behind


def test_without_a_schedule_nothing_is_due() -> None:
    """A dataset pulled by hand is fresh once it has been pulled."""
    empty = Schedule([])
    assert freshness(empty, DUE, last_success=DUE - 900 * HOUR) == Freshness("fresh", None, None)
    assert freshness(empty, DUE, last_success=None) == Freshness("never", None, None, timedelta(0))


def test_stalest_is_the_worst_state_then_the_longest_behind() -> None:
    """A strip shows the worst of its inputs."""
    fresh, due = Freshness("fresh", None, None), Freshness("due", None, None, HOUR)
    older = Freshness("due", None, None, 2 * HOUR)
    assert stalest([fresh, older, due]) is older
    assert stalest([]) is None


MINUTE = timedelta(minutes=1)
OPEN = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
EVERY_MINUTE = Schedule(
    [
        {
            "cycle": "interval",
            "exchange": "XNYS",
            "anchor": "open",
            "every_minutes": 1,
            "from_minutes": -90,
            "to_minutes": 2,
        }
    ],
    timedelta(0),
)


@pytest.mark.parametrize(
    ("state", "now", "success"),
    [
        ("fresh", OPEN - 25 * MINUTE, OPEN - 25 * MINUTE),
        ("fresh", OPEN - 25 * MINUTE, OPEN - 26 * MINUTE),  # the pull of this minute runs
        ("due", OPEN - 25 * MINUTE, OPEN - 27 * MINUTE),
        ("overdue", OPEN - 25 * MINUTE, OPEN - 30 * MINUTE),  # not after half an hour
        ("fresh", OPEN + 8 * HOUR, OPEN + 2 * MINUTE),  # after its last step
        ("overdue", OPEN + 8 * HOUR, OPEN),
    ],
)
def test_an_interval_is_late_after_a_few_steps(
    state: str, now: datetime, success: datetime
) -> None:
    """What is pulled every minute neither flickers between two pulls nor fails unnoticed."""
    assert freshness(EVERY_MINUTE, now, last_success=success).state == state


def test_the_first_step_of_a_span_is_due_like_any_other_refresh() -> None:
    """Yesterday's last pull does not stand for this morning's first."""
    first = OPEN - 90 * MINUTE
    friday = datetime(2026, 11, 27, 14, 32, tzinfo=UTC)
    assert freshness(EVERY_MINUTE, first - MINUTE, last_success=friday).state == "fresh"
    assert freshness(EVERY_MINUTE, first, last_success=friday).state == "due"
