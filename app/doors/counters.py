"""Counts of what somebody does in a window that slides: in memory, or in Redis for many desks.

While Redis is away each desk counts by itself, and asks for it again after a while: a limit that
cannot be counted together is no reason to let nobody in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
from limits import RateLimitItem, WindowStats
from limits.storage import MemoryStorage
from limits.strategies import RateLimiter

from core.observe.sparing import Sparing
from core.settings import Settings

AWAY_SECONDS = 5.0
SWEEP_SECONDS = 10.0
T = TypeVar("T")
log = Sparing("limits")


class Sweeper:
    """What `limits` takes for a timer: sweeps where it is asked to, at most every so often.

    The library's own is a thread for nearly every count, which costs more than all else of one.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._swept = now, now()
        self.sweep: Callable[[], None] = _nothing

    def is_alive(self) -> bool:
        """Whether it is too soon to sweep."""
        return self._now() - self._swept < SWEEP_SECONDS

    def start(self) -> None:
        """Drop the counts whose time is over."""
        self._swept = self._now()
        self.sweep()


class SweptMemory(MemoryStorage):
    """Counts in memory without a thread of their own."""

    @property
    def timer(self) -> Any:
        """See `Sweeper`."""
        found = self.__dict__.get("_sweeper")
        if found is None:
            found = self.__dict__["_sweeper"] = Sweeper()
        return found

    @timer.setter
    def timer(self, made: threading.Timer) -> None:
        self.timer.sweep = made.function


class Counters:
    """Counts by limit and key. `now` tells seconds that only go forward."""

    def __init__(
        self,
        chosen: Settings,
        way: type[RateLimiter],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`way` is how `limits` counts."""
        self._now = now
        self._here = way(SweptMemory())
        self._shared, self._failures = _shared(chosen.redis_url, way)
        self._away_until = float("-inf")

    async def hit(self, item: RateLimitItem, *keys: str) -> tuple[bool, WindowStats]:
        """Count one; whether it is within the limit, and how the limit stands then."""

        def count(limiter: RateLimiter) -> tuple[bool, WindowStats]:
            return limiter.hit(item, *keys), limiter.get_window_stats(item, *keys)

        if self._shared is None or self._now() < self._away_until:
            return count(self._here)
        try:
            return await anyio.to_thread.run_sync(count, self._shared)
        except self._failures as error:
            self._away_until = self._now() + AWAY_SECONDS
            log.warning("limits are counted by this desk alone", error=str(error))
            return count(self._here)


def _nothing() -> None:
    """Nothing was counted yet."""


def _shared(
    url: str, way: type[RateLimiter]
) -> tuple[RateLimiter | None, tuple[type[Exception], ...]]:
    """The counts of all desks, and how asking for them fails; nothing without Redis."""
    if not url:
        return None, ()
    from app.doors import redis_counts  # some megabytes that a desk by itself does without

    return way(redis_counts.at(url)), redis_counts.FAILURES
