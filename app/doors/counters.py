"""Counts of what somebody does in a window that slides: in memory, or in Redis for many desks.

While Redis is away each desk counts by itself, and asks for it again after a while: a limit that
cannot be counted together is no reason to let nobody in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from limits import RateLimitItem, WindowStats
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import RateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.jobs.queue import redis as queue
from core.observe.sparing import Sparing
from core.settings import Settings

WAIT_SECONDS = 0.5
AWAY_SECONDS = 5.0
T = TypeVar("T")
log = Sparing("limits")


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
        self._here = way(MemoryStorage())
        self._shared = way(_in_redis(chosen.redis_url)) if chosen.redis_url else None
        self._away_until = float("-inf")

    async def hit(self, item: RateLimitItem, *keys: str) -> tuple[bool, WindowStats]:
        """Count one; whether it is within the limit, and how the limit stands then."""

        def count(limiter: RateLimiter) -> tuple[bool, WindowStats]:
            return limiter.hit(item, *keys), limiter.get_window_stats(item, *keys)

        if self._shared is None or self._now() < self._away_until:
            return count(self._here)
        try:
            return await anyio.to_thread.run_sync(count, self._shared)
        except RedisError as error:
            self._away_until = self._now() + AWAY_SECONDS
            log.warning("limits are counted by this desk alone", error=str(error))
            return count(self._here)


def _in_redis(url: str) -> RedisStorage:
    address, prefix = queue.address_of(url)
    return RedisStorage(
        address,
        key_prefix=f"{prefix}:limits",
        socket_timeout=WAIT_SECONDS,
        socket_connect_timeout=WAIT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # handed on to the client as it is
    )
