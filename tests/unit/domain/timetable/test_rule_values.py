"""What a rule of a schedule may say: the first and last of each, and the next beyond."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from core.domain.timetable import rules
from core.domain.timetable.windows import Policy
from core.errors import ScheduleError


@pytest.mark.parametrize(
    ("said", "meant"),
    [("00:00:00", time(0, 0, 0)), ("23:59:59", time(23, 59, 59)), ("09:05:07", time(9, 5, 7))],
)
def test_a_time_of_day(said: str, meant: time) -> None:
    """From midnight to its last second."""
    assert rules.time_of(said) == meant


@pytest.mark.parametrize(
    "said", ["24:00:00", "00:60:00", "00:00:60", "9:05:00", "09:05", "", None, 905, "09:05:00 "]
)
def test_what_is_no_time_of_day(said: object) -> None:
    """One part beyond its end is enough."""
    with pytest.raises(ScheduleError, match="is not HH:MM:SS"):
        rules.time_of(said)


@pytest.mark.parametrize(
    ("cycle", "said", "meant"),
    [
        ("monthly", 1, 1), ("monthly", 31, 31), ("monthly", -1, -1), ("monthly", -31, -31),
        ("quarterly", None, 1), ("yearly", None, 1), ("daily", None, None),
    ],
)  # fmt: skip
def test_a_day_of_the_month(cycle: str, said: object, meant: int | None) -> None:
    """Counted from either end; the first where none is said."""
    assert rules.day_of(said, cycle) == meant


@pytest.mark.parametrize(
    ("cycle", "said"),
    [("monthly", 0), ("monthly", 32), ("monthly", -32), ("monthly", None), ("monthly", True),
     ("daily", 1), ("session", 1)],
)  # fmt: skip
def test_what_is_no_day_of_the_month(cycle: str, said: object) -> None:
    """Beyond the ends, or where the cycle has no day."""
    with pytest.raises(ScheduleError):
        rules.day_of(said, cycle)


LEAST, MOST = 0, 10**6


@pytest.mark.parametrize("value", [LEAST, 0.5, MOST])
def test_a_span_of_a_policy(value: float) -> None:
    """Minutes, from none to a million of them."""
    assert Policy.of("latest", {"lag_minutes": value}).lag == timedelta(minutes=value)


@pytest.mark.parametrize("value", [-0.5, MOST + 1, True, "5", None, float("nan")])
def test_what_is_no_span_of_a_policy(value: Any) -> None:
    """Below none, beyond a million, or no number."""
    with pytest.raises(ScheduleError, match="is not a number >= 0"):
        Policy.of("latest", {"lag_minutes": value})
