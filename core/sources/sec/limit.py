"""The SEC's fair-access rules: how often to ask, who asks, and when to stop asking.

One limiter and one block file serve the whole process; the block file other processes as well.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from core import atomic
from core.addresses import is_loopback
from core.errors import SettingsError, ValidationError
from core.observe import work

BLOCK_FILE = "sec-block.json"  # in the data folder
SEC_MAXIMUM = 10  # requests in any second, by the SEC's rules
_GUARD_SECONDS = 0.01  # clocks differ a little
_LOOK_SECONDS = 0.02  # how often to look whether a request is over
_CONTACT = re.compile(r"[^@\s()<>]+@[^@\s()<>]+\.[^@\s()<>]+")


class Slot:
    """The place of one request among those of the process."""

    def __init__(self, before: Slot | None, clock: Callable[[], float]) -> None:
        self.before = before  # the request that must be over for so long that this one may begin
        self.answered_at: float | None = None
        self._clock = clock

    def answered(self) -> None:
        """The answer has begun, or there will be none."""
        if self.answered_at is None:
            self.answered_at = self._clock()


class Limiter(Protocol):
    """Who lets requests to the SEC begin."""

    def slot(self) -> AbstractAsyncContextManager[Slot]:
        """Entered when the request may begin; tell the slot as soon as it is `answered`."""
        ...


class RateLimiter:
    """A sliding window over the requests of the whole process, whatever thread or loop they are in.

    Never more than `per_second` reach the other side in any second (a rate below one spreads them
    further), however long they are on their way: a request begins a second after the answer to
    the one so many places before it has come.
    """

    def __init__(
        self, per_second: float, *, clock: Callable[[], float] = time.monotonic, name: str = "sec"
    ) -> None:
        if per_second <= 0:
            raise ValidationError("the rate of requests must be above zero")
        self.per_second = per_second
        self.name = name
        self.window_seconds = max(1.0, 1 / per_second) + _GUARD_SECONDS
        self._slots: deque[Slot] = deque(maxlen=max(1, math.floor(per_second)))
        self._lock = threading.Lock()
        self._clock = clock

    def reserve(self) -> Slot:
        """Take the next place in the queue."""
        with self._lock:
            full = len(self._slots) == self._slots.maxlen
            slot = Slot(self._slots[0] if full else None, self._clock)
            self._slots.append(slot)
            return slot

    def left(self, slot: Slot) -> float:
        """Seconds to wait before looking again; none when the request may begin."""
        if slot.before is None:
            return 0.0
        over = slot.before.answered_at
        return _LOOK_SECONDS if over is None else over + self.window_seconds - self._clock()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Entered when the request may begin; tell the slot as soon as it is `answered`."""
        slot, began = self.reserve(), self._clock()
        try:
            # the request before may be one of another thread's loop: no event tells of it
            while (seconds := self.left(slot)) > 0:  # noqa: ASYNC110
                await asyncio.sleep(seconds)
            slot.before = None
            work.LIMITER_WAIT_SECONDS.labels(self.name).observe(self._clock() - began)
            yield slot
        finally:
            slot.answered()


_shared: dict[str, RateLimiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(per_second: float, host: str) -> RateLimiter:
    """The process's limiter for the SEC (one for all its hosts) or for a stand-in on loopback.

    ValidationError where the SEC would be asked more often than it allows. A changed rate takes
    the slots already used along.
    """
    live = not is_loopback(host)
    if live and per_second > SEC_MAXIMUM:
        raise ValidationError(
            f"{per_second:g} requests a second are more than the SEC allows ({SEC_MAXIMUM})",
            hint="lower OPENBELL_SEC_REQUESTS_PER_SECOND",
        )
    name = "sec" if live else f"loopback at {per_second:g}"
    with _shared_lock:
        known = _shared.get(name)
        if known is None or known.per_second > per_second:
            _shared[name] = RateLimiter(per_second, name="sec" if live else "loopback")
        return _shared[name]


def host_of(url: str) -> str:
    """The host name in a URL, lower case."""
    return (urlsplit(url).hostname or "").lower()


def checked_user_agent(user_agent: str, host: str) -> str:
    """The User-Agent to send; SettingsError when the SEC would be asked without a contact."""
    agent = user_agent.strip()
    if agent.isprintable() and agent.isascii() and _CONTACT.search(agent):
        return agent
    raise SettingsError(
        "the SEC wants to know who asks, so OPENBELL_SEC_USER_AGENT must name an e-mail address",
        where=host,
        hint='for example OPENBELL_SEC_USER_AGENT="Jane Doe jane@example.com"',
    )


class Block:
    """Until when the SEC must be left alone: in memory and, given a path, on disk.

    The file is small JSON, written aside and renamed, so a restart and other processes see it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._until: datetime | None = None

    def until(self, now: datetime) -> datetime | None:
        """The end of a pause that holds at `now` (UTC), else None."""
        known = [u for u in (self._until, self._read()) if u is not None and u > now]
        return max(known, default=None)

    def begin(self, now: datetime, seconds: float, where: str) -> datetime:
        """Pause from now on; a longer pause that holds already stays. The end of the pause."""
        until = max(self.until(now) or now, now + timedelta(seconds=seconds))
        self._until = until
        if self.path:
            known = {"until": until.isoformat(), "where": where}
            atomic.write(self.path, json.dumps(known).encode())
        return until

    def _read(self) -> datetime | None:
        if self.path is None:
            return None
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            until = datetime.fromisoformat(document["until"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # never blocked, or not a file of ours
        return until if until.tzinfo else None
