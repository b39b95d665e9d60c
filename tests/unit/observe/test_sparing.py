"""Lines that strangers can cause are few, and what was left out is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.observe.sparing import LINES, Sparing


class Clock:
    """A clock and its timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, call))

    def go(self, seconds: float) -> None:
        self.now += seconds
        due = [call for at, call in self.timers if at <= self.now]
        self.timers = [(at, call) for at, call in self.timers if at > self.now]
        for call in due:
            call()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sparing(clock: Clock) -> Sparing:
    return Sparing("test", now=lambda: clock.now, timer=clock.later)


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """The lines logged."""
    with capture_logs() as lines:
        yield lines


def test_a_minute_has_a_bounded_number_of_lines(
    told: list[Any], sparing: Sparing, clock: Clock
) -> None:
    """The first ones whole, then nothing, then the count of the rest."""
    for _ in range(10_000):
        sparing.warning("refused", host="evil.example")
        clock.go(0.005)
    assert len(told) == LINES
    clock.go(60)
    assert len(told) == LINES + 1
    assert told[-1]["event"] == "refused: more of them"
    assert told[-1]["count"] == 10_000 - LINES


def test_kinds_do_not_hide_one_another(told: list[Any], sparing: Sparing) -> None:
    """Each kind of event has lines of its own."""
    for _ in range(100):
        sparing.warning("host")
    sparing.warning("token")
    assert [line["event"] for line in told] == ["host"] * LINES + ["token"]


def test_the_next_minute_has_lines_again_and_quiet_ones_no_count(
    told: list[Any], sparing: Sparing, clock: Clock
) -> None:
    """A few lines a minute are all told, and nothing else is."""
    for _ in range(3):
        sparing.warning("refused")
        clock.go(61)
    assert [line["event"] for line in told] == ["refused"] * 3
    assert clock.timers == []


def test_what_was_counted_is_told_at_the_end(
    told: list[Any], sparing: Sparing, clock: Clock
) -> None:
    """A desk that stops within the minute tells it, once."""
    for _ in range(LINES + 5):
        sparing.warning("refused")
    sparing.close()
    clock.go(60)
    assert len(told) == LINES + 1
