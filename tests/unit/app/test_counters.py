"""Counts in memory: dropped when their time is over, without a thread for each."""

from __future__ import annotations

import threading
import time

import pytest
from limits import parse
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from app.doors import counters
from app.doors.counters import Sweeper, SweptMemory


@pytest.mark.parametrize("way", [MovingWindowRateLimiter, SlidingWindowCounterRateLimiter])
def test_a_count_begins_no_thread(way: type[MovingWindowRateLimiter]) -> None:
    """The library's own way begins one for nearly each, which costs more than the count."""
    before = threading.active_count()
    begun: list[str] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        begun.append(thread.name)
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", noted)
        limiter = way(SweptMemory())
        allowed = [limiter.hit(parse("3/minute"), "one") for _ in range(5)]
    assert allowed == [True, True, True, False, False]
    assert (begun, threading.active_count()) == ([], before)


@pytest.mark.parametrize("way", [MovingWindowRateLimiter, SlidingWindowCounterRateLimiter])
def test_what_is_over_is_dropped_in_a_while(
    way: type[MovingWindowRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the next count, whoever it is of: callers that never come again leave nothing."""
    monkeypatch.setattr(counters, "SWEEP_SECONDS", 0.0)
    memory = SweptMemory()
    limiter, item = way(memory), parse("3/second")
    for place in range(50):
        limiter.hit(item, f"caller {place}")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 60)
    limiter.hit(item, "another")
    held = {key for key in (*memory.storage, *memory.events) if "caller" in key}
    assert not {key for key in held if memory.storage.get(key) or memory.events.get(key)}


def test_it_is_swept_seldom() -> None:
    """Looking through all counts at each would cost more with each caller."""
    now = [0.0]
    swept: list[float] = []
    sweeper = Sweeper(lambda: now[0])
    sweeper.sweep = lambda: swept.append(now[0])
    for second in range(25):
        now[0] = float(second)
        if not sweeper.is_alive():
            sweeper.start()
    assert swept == [10.0, 20.0]
