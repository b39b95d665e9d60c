"""Circuit breakers and the SEC's block in Redis: what one machine learns, all of them know.

While Redis is away a machine goes by what it has learnt itself; once it answers, what it says
counts again.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import redis

from core.domain.breaker import Breaker
from core.errors import StoreError
from core.observe import logs
from core.redis_place import RedisPlace
from core.sources.breaker_file import BreakerFile, Change, decoded, encoded
from core.sources.sec.limit import Block

TRIES = 100
log = logs.get("upstreams")


class RedisBreakers:
    """Breakers by name, in one hash; thread-safe."""

    def __init__(self, place: RedisPlace) -> None:
        self._place = place
        self._key = place.key("upstreams")
        self._own = BreakerFile()  # in memory, for as long as Redis is away

    def get(self, name: str) -> Breaker:
        """The breaker of a name; a closed one where nothing is known."""
        try:
            with self._place.using() as client:
                found = cast(bytes | None, client.hget(self._key, name))
        except StoreError:
            return self._own.get(name)
        return self._known(name, found)

    def change(self, name: str, change: Change) -> tuple[Breaker, Breaker]:
        """Replace a breaker by what `change` makes of it; the one before and the one after.

        `change` may be called again when another machine came between.
        """
        for _ in range(TRIES):
            try:
                return self._changed(name, change)
            except redis.WatchError:
                continue
            except StoreError as error:
                log.warning("upstream state is not shared", error=str(error))
                break
        return self._own.change(name, change)

    def _changed(self, name: str, change: Change) -> tuple[Breaker, Breaker]:
        with self._place.using() as client, client.pipeline() as pipe:
            pipe.watch(self._key)  # type: ignore[no-untyped-call]
            before = self._known(name, cast(bytes | None, pipe.hget(self._key, name)))
            after = change(before)
            if after != before:
                pipe.multi()
                pipe.hset(self._key, name, cast(str, encoded(after)))
                pipe.execute()
                self._own.change(name, lambda _: after)
        return before, after

    def _known(self, name: str, raw: bytes | None) -> Breaker:
        """What Redis holds, which is remembered; what makes no sense counts as closed."""
        found = (decoded(raw) if raw else None) or Breaker()
        if self._own.get(name) != found:
            self._own.change(name, lambda _: found)
        return found


class RedisBlock(Block):
    """Until when the SEC must be left alone by all machines; a file keeps it for this one, too."""

    def __init__(self, place: RedisPlace, path: Path | None = None) -> None:
        super().__init__(path)
        self._place = place
        self._key = place.key("sec-block")

    def until(self, now: datetime) -> datetime | None:
        """See Block."""
        known = [until for until in (super().until(now), self._there()) if until and until > now]
        return max(known, default=None)

    def begin(self, now: datetime, seconds: float, where: str) -> datetime:
        """See Block."""
        until = super().begin(now, seconds, where)
        try:
            with self._place.using() as client:
                client.set(self._key, until.isoformat(), px=int(1000 * seconds) + 60_000)
        except StoreError as error:
            log.error("others do not know of the block", until=str(until), error=str(error))
        return until

    def _there(self) -> datetime | None:
        try:
            with self._place.using() as client:
                found = cast(bytes | None, client.get(self._key))
            until = datetime.fromisoformat(found.decode()) if found else None
        except (StoreError, ValueError):
            return None  # what this machine knows counts
        return until if until and until.tzinfo else None
