"""The SEC's rate for all machines together, and one machine at a time at a dataset; in Redis.

Its clock alone counts. What a machine holds that dies, or is cut off, is free again within seconds.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from core.errors import StoreError
from core.observe import logs
from core.redis_place import RedisPlace
from core.sources.sec.limit import RateLimiter, Slot

T = TypeVar("T")
HELD_MS = 10_000  # by a request without an answer: it has arrived, or its machine is gone
TURN_MS = 8_000  # after which a turn nobody has prolonged is over
BEAT_SECONDS = 2.0
LOOK_SECONDS = 0.05
log = logs.get("limits")
# pulls may hold all threads of the loop
_THREADS = ThreadPoolExecutor(4, "shared-limits")
_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
# a slot is `the instant it is free at (ms), who has it`; the answer: its number, ms to wait
_TAKE = f"""{_NOW}
local soonest = nil
for slot = 0, ARGV[1] - 1 do
    local known = redis.call('HGET', KEYS[1], slot)
    local free = known and tonumber(string.match(known, '^%d+')) or 0
    if free <= now then
        redis.call('HSET', KEYS[1], slot, string.format('%d %s', now + ARGV[2], ARGV[3]))
        redis.call('PEXPIRE', KEYS[1], ARGV[2] + 600000)
        return {{slot, 0}}
    end
    if not soonest or free < soonest then soonest = free end
end
return {{-1, soonest - now}}
"""
_GIVE_BACK = f"""{_NOW}
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and string.match(known, ' (%w+)$') == ARGV[2] then
    redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', now + ARGV[3]))
end
"""
_PROLONG = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_END = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


async def _called(function: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, function, *args)


class _SharedSlot(Slot):
    """A place among the requests of all machines, which is given back once the answer begins."""

    def __init__(self, mine: Slot, give_back: Callable[[], None]) -> None:
        super().__init__(None, lambda: 0.0)
        self._mine, self._give_back = mine, give_back
        self.given: asyncio.Future[None] | None = None

    def answered(self) -> None:
        """See Slot."""
        self._mine.answered()
        if self.given is None:
            loop = asyncio.get_running_loop()
            self.given = loop.run_in_executor(_THREADS, self._give_back)


class SharedLimiter:
    """A `Limiter` over the requests of all machines, each of which keeps to its own as well.

    Slots are numbered from nought, so machines with different rates share those of the lower one.
    """

    def __init__(self, own: RateLimiter, place: RedisPlace) -> None:
        self._own, self._place = own, place
        self._key = place.key("slots", own.name)
        self._slots = max(1, math.floor(own.per_second))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """See Limiter; StoreError when it cannot be known what others ask."""
        async with self._own.slot() as mine:
            number, token = await self._taken()
            shared = _SharedSlot(mine, lambda: self._give_back(number, token))
            try:
                yield shared
            finally:
                shared.answered()
                assert shared.given is not None
                await asyncio.shield(shared.given)

    async def _taken(self) -> tuple[int, str]:
        token = secrets.token_hex(8)
        while True:
            number, wait_ms = await _called(self._take, token)
            if number >= 0:
                return number, token
            await asyncio.sleep(min(max(wait_ms, 1) / 1000, LOOK_SECONDS))

    def _take(self, token: str) -> tuple[int, int]:
        with self._place.using() as client:
            asked = client.eval(_TAKE, 1, self._key, str(self._slots), str(HELD_MS), token)
            number, wait_ms = cast(list[int], asked)
        return number, wait_ms

    def _give_back(self, number: int, token: str) -> None:
        after = str(math.ceil(self._own.window_seconds * 1000))
        try:
            with self._place.using() as client:
                client.eval(_GIVE_BACK, 1, self._key, str(number), token, after)
        except StoreError as error:  # it is free after HELD_MS
            log.warning("a slot was not given back", error=str(error))


class RedisTurns:
    """`Turns` of all machines."""

    def __init__(self, place: RedisPlace) -> None:
        self._place = place

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """See Turns."""
        key, token = self._place.key("turn", what), secrets.token_hex(8)
        waited = False
        while not await _called(self._take, key, token):
            if not waited:
                log.info("another machine is at it", what=what)
            waited = True
            await asyncio.sleep(LOOK_SECONDS)
        beat = asyncio.create_task(self._beat(key, token))
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.shield(_called(self._end, key, token))

    def _take(self, key: str, token: str) -> bool:
        with self._place.using() as client:
            return bool(client.set(key, token, nx=True, px=TURN_MS))

    async def _beat(self, key: str, token: str) -> None:
        """Keep the turn as long as this process lives and reaches Redis."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await _called(self._prolong, key, token)

    def _prolong(self, key: str, token: str) -> None:
        try:
            with self._place.using() as client:
                if not client.eval(_PROLONG, 1, key, token, str(TURN_MS)):
                    client.set(key, token, nx=True, px=TURN_MS)
        except StoreError as error:
            log.warning("a turn was not prolonged", error=str(error))

    def _end(self, key: str, token: str) -> None:
        try:
            with self._place.using() as client:
                client.eval(_END, 1, key, token)
        except StoreError as error:  # it is over after TURN_MS
            log.warning("a turn was not ended", error=str(error))
