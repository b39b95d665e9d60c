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
    assert freshness(empty, DUE, last_success=None).state == "never"


def test_stalest_is_the_worst_state_then_the_longest_behind() -> None:
    """A strip shows the worst of its inputs."""
    fresh, due = Freshness("fresh", None, None), Freshness("due", None, None, HOUR)
    older = Freshness("due", None, None, 2 * HOUR)
    assert stalest([fresh, older, due]) is older
    assert stalest([]) is None
