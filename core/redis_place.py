"""A place in Redis that processes on several machines share: the keys of one prefix.

Whoever uses it goes on without it for a while when Redis is away: one that does not answer is told
at once, and not asked again for AWAY_SECONDS, so that nobody waits for it at every turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.errors import SettingsError, StoreError

PREFIX = "openbell"
PATIENCE_SECONDS = 1.0
AWAY_SECONDS = 2.0


def address_of(url: str) -> tuple[str, str]:
    """Address and prefix of `redis://HOST:PORT/DB?prefix=NAME`; SettingsError when it is none."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    prefix = asked.pop("prefix", [PREFIX])[-1]
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or asked or parts.fragment:
        raise SettingsError(f"the queue's address is redis://HOST:PORT/DB?prefix=NAME, not {url!r}")
    return urlunsplit(parts._replace(query="")), prefix


def where_of(address: str) -> str:
    """The address in messages, without a password."""
    parts = urlsplit(address)
    return f"redis://{parts.hostname}:{parts.port or 6379}{parts.path}"


class RedisPlace:
    """The keys below one prefix; thread-safe."""

    def __init__(self, url: str) -> None:
        """Asks nothing yet; SettingsError when `url` is no address of a Redis."""
        address, self._prefix = address_of(url)
        self.where = where_of(address)
        self._away_until = 0.0
        self._client = redis.Redis.from_url(
            address,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that was idle for long may be gone
            health_check_interval=30,
        )

    def key(self, *names: str) -> str:
        """A key of this place; the braces keep all of them on one node of a cluster."""
        return ":".join((f"{{{self._prefix}}}", *names))

    @contextmanager
    def using(self) -> Iterator[redis.Redis]:
        """The client; StoreError when Redis does not answer, or did not a moment ago."""
        if time.monotonic() < self._away_until:
            raise StoreError("redis did not answer a moment ago", where=self.where)
        try:
            yield self._client
        except redis.WatchError:
            raise
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            told = str(error) or type(error).__name__
            raise StoreError(f"redis cannot be used: {told}", where=self.where) from error

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
