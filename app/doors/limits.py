"""How often somebody may ask, by who they are and by where they come from.

Counted by `limits`, over a window that slides; by all desks together where their jobs are in Redis.
Wrong tokens are counted apart: the right one never waits, however many wrong ones come beside it.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from app.doors.counters import Counters
from core.errors import TooManyError
from core.observe import logs
from core.settings import Settings

WRONG_A_MINUTE = 20  # of one address; those after are not looked at
WRONG_AN_HOUR = 100  # of all together, told even where each comes slowly; those after are told
NETWORK_BITS = 64  # of an address of version 6: whoever has one has its whole network
ALARM_SECONDS = 900.0  # told once in that time
FIRST_PAUSE, LONGEST_PAUSE, FORGET_SECONDS = 0.1, 4.0, 60.0
log = logs.get("access")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with one limit: how many are left, and seconds until more are."""

    policy: str
    most: int
    window: int
    left: int
    seconds: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """As the `RateLimit` headers say it."""
        policy = f'"{self.policy}";q={self.most};w={self.window}'
        state = f'"{self.policy}";r={self.left};t={self.seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class Rates:
    """The limits of one desk."""

    def __init__(self, chosen: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._counters = Counters(chosen, SlidingWindowCounterRateLimiter)
        self._items: dict[str, RateLimitItem] = {
            "principal": parse(chosen.limit_principal),
            "address": parse(chosen.limit_address),
        }

    async def ask(self, policy: str, key: str) -> Standing:
        """Count one request; TooManyError when it is one too many."""
        item = self._items[policy]
        allowed, stats = await self._counters.hit(item, policy, key)
        seconds = max(math.ceil(stats.reset_time - self._now()), 1)
        standing = Standing(policy, item.amount, item.get_expiry(), stats.remaining, seconds)
        if not allowed:
            raise TooManyError(
                f"more than {item.amount} requests in {item.get_expiry()} seconds",
                hint=f"ask again in {seconds} seconds",
                retry_after_seconds=seconds,
            )
        return standing


class Pauses:
    """How long the answer to a wrong token waits: twice as long each time, for a while."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._count = 0
        self._last = now()

    def next(self) -> float:
        """Seconds to wait after one more wrong token."""
        now = self._now()
        self._count = 0 if now - self._last > FORGET_SECONDS else self._count
        self._last = now
        pause = min(FIRST_PAUSE * 2.0 ** min(self._count, 10), LONGEST_PAUSE)
        self._count += 1
        return pause


class Knocks:
    """Wrong tokens: each waits longer, many from one address are not looked at, once is told."""

    def __init__(self, chosen: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._pauses = Pauses(now)
        self._counters = Counters(chosen, MovingWindowRateLimiter)
        self._of_one = parse(f"{WRONG_A_MINUTE}/minute")
        self._of_all = parse(f"{WRONG_AN_HOUR}/hour")
        self._told: float | None = None

    async def wrong(self, address: str) -> tuple[float, str | None]:
        """Seconds to wait with the refusal, and a sentence when this is to be told to an admin.

        TooManyError when the address has come with too many wrong ones lately.
        """
        allowed, _ = await self._counters.hit(self._of_one, "wrong", network_of(address))
        if allowed:
            few, _ = await self._counters.hit(self._of_all, "wrong of all")
            told = None if few else self._alarm(WRONG_AN_HOUR, "all addresses", "an hour")
            return self._pauses.next(), told
        raise TooManyError(
            "too many wrong tokens came from this address",
            hint="ask again in a minute, with one that counts",
            retry_after_seconds=60,
        )

    def alarm(self, address: str) -> str | None:
        """What to tell an admin of an address that goes on, once in a while; None otherwise."""
        return self._alarm(WRONG_A_MINUTE, address or "here")

    def _alarm(self, count: int, whence: str, span: str = "a minute") -> str | None:
        now = self._now()
        if self._told is not None and now - self._told < ALARM_SECONDS:
            return None
        self._told = now
        log.error("somebody tries tokens", address=whence)
        return f"more than {count} wrong tokens in {span} from {whence}"


def network_of(address: str) -> str:
    """What an address is counted as: of version 6 the network that one customer is given."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
