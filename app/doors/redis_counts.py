"""Where many desks count together: Redis, asked with little patience."""

from __future__ import annotations

from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.redis_place import address_of

WAIT_SECONDS = 0.5
FAILURES: tuple[type[Exception], ...] = (RedisError,)


def at(url: str) -> RedisStorage:
    """The counts at the address of a queue, under its prefix."""
    address, prefix = address_of(url)
    return RedisStorage(
        address,
        key_prefix=f"{prefix}:limits",
        socket_timeout=WAIT_SECONDS,
        socket_connect_timeout=WAIT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # handed on to the client as it is
    )
