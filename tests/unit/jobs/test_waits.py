"""How long is waited before the next try, as figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.jobs.queue.port import backoff, patience


@pytest.mark.parametrize(
    ("minutes", "fraction", "seconds"),
    [
        (0, 0.0, 5.0), (0, 1.0, 10.0),  # never below five seconds
        (1, 0.0, 7.5), (1, 0.5, 11.25), (1, 1.0, 15.0),  # a quarter of its age, or half of that
        (40, 0.0, 300.0), (40, 1.0, 600.0), (9999, 0.6, 480.0),  # at most ten minutes
    ],
)  # fmt: skip
def test_what_must_be_done_waits_longer_the_longer_it_is_owed(
    minutes: int, fraction: float, seconds: float
) -> None:
    """A quarter of its age between ten seconds and ten minutes, half to all of it by chance."""
    assert patience(timedelta(minutes=minutes), fraction) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("attempt", "fraction", "seconds"),
    [(0, 1.0, 2.0), (1, 1.0, 2.0), (1, 0.0, 1.0), (2, 1.0, 4.0), (3, 0.5, 6.0), (9, 0.0, 256.0),
     (10, 1.0, 600.0), (30, 0.0, 300.0)],
)  # fmt: skip
def test_each_try_waits_twice_as_long(attempt: int, fraction: float, seconds: float) -> None:
    """From two seconds to ten minutes, half to all of it by chance; other bounds on request."""
    assert backoff(attempt, fraction) == timedelta(seconds=seconds)
    assert backoff(attempt, 1.0, base=0.0) == timedelta(0)
    assert backoff(5, 1.0, base=1.0, most=3.0) == timedelta(seconds=3)
