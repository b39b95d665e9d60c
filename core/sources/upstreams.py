"""The upstream hosts and their circuit breakers: who may be asked now, and what came of it.

Every request goes through the `UpstreamGate` of its host. What it learns is kept in a file, or in
Redis, so that all processes on a data folder, or all machines, see one breaker per host.
(pybreaker, aiobreaker and purgatory were looked at: none has a probe, a block until an instant, a
clock to inject, or a file to share.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from core.domain import breaker as rules
from core.domain.breaker import Breaker
from core.errors import (
    BlockedError,
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    IntegrityError,
    OpenbellError,
    ProtocolError,
    PullCancelledError,
    QueryFailedError,
    RateLimitedError,
    ServerError,
    SizeLimitError,
    StoreError,
    UpstreamDownError,
    ValidationError,
)
from core.observe import logs
from core.sources.breaker_file import Change

log = logs.get("upstreams")
T = TypeVar("T")
LOOK_SECONDS = 0.05
PROBE_SECONDS = 30.0
DOWN, BLOCKED = "down", "has blocked us"
_DOWN = (ConnectionLostError, DeadlineError, ServerError, RateLimitedError)
_NONSENSE = (ForeignAnswerError, ProtocolError, IntegrityError, SizeLimitError)
_TELLS_NOTHING = (PullCancelledError, StoreError, ValidationError, UpstreamDownError)
_forced: ContextVar[bool] = ContextVar("forced", default=False)


@dataclass(frozen=True, slots=True)
class Upstream:
    """One host that is asked; `label` is what people call it."""

    source: str
    host: str
    label: str

    @property
    def name(self) -> str:
        """The key of its breaker: source and host, as a stand-in may play two on one host."""
        return f"{self.source}@{self.host}"


class Breakers(Protocol):
    """Where breakers are kept by the names of their hosts, for all who ask them; thread-safe."""

    def get(self, name: str) -> Breaker:
        """The breaker of a name; a closed one where nothing is known."""
        ...

    def change(self, name: str, change: Change) -> tuple[Breaker, Breaker]:
        """Replace a breaker by what `change` makes of it; the one before and the one after."""
        ...


class UpstreamGate(Protocol):
    """What a client asks before each request and tells after it."""

    async def attempt(self, operation: Callable[[], Awaitable[T]], about: str = "") -> T:
        """The operation's result; UpstreamDownError, without having asked, while it is down.

        `about`: the one thing of many that is asked for, where nonsense may be of it alone.
        """
        ...


class OpenGate:
    """The gate of a client that has no breaker."""

    async def attempt(self, operation: Callable[[], Awaitable[T]], about: str = "") -> T:
        """The operation's result."""
        return await operation()


@contextmanager
def forcing() -> Iterator[None]:
    """Requests made inside may try a host that is down: somebody asked for it by hand."""
    token = _forced.set(True)
    try:
        yield
    finally:
        _forced.reset(token)


Changed = Callable[[Upstream, Breaker, Breaker], None]


class Upstreams:
    """The breakers of the configured hosts. `on_change` hears of every change made here."""

    def __init__(
        self,
        hosts: Sequence[Upstream],
        kept: Breakers,
        now: Callable[[], datetime],
        *,
        on_change: Changed = lambda *_: None,
    ) -> None:
        self.hosts = tuple({host.name: host for host in hosts}.values())
        self.on_change = on_change
        self.changes = 0  # of breakers, made by this process
        self._kept = kept
        self._now = now

    def breaker(self, host: Upstream) -> Breaker:
        """What is known of a host now."""
        return self._kept.get(host.name)

    def gate(self, host: Upstream, things: int = rules.MOST_ODD) -> HostGate:
        """The gate that requests to a host go through; `things`: how many it is asked for."""
        return HostGate(self, host, self._now, things)

    async def change(self, host: Upstream, change: Change) -> Breaker:
        """Change a breaker and tell of it; the log has one line when a host goes down or up."""
        before, after = await asyncio.to_thread(self._kept.change, host.name, change)
        if before != after:
            self.changes += 1
            if before.state != after.state:
                _told(host, before, after)
            self.on_change(host, before, after)
        return after

    async def look(self, host: Upstream, probe: Callable[[], Awaitable[None]]) -> Breaker:
        """Ask a host that is down for a sign of life, if it is time; its breaker afterwards."""
        now = self._now()
        known = self.breaker(host)
        if not rules.probe_due(known, now):
            return known
        mine = False

        def take(breaker: Breaker) -> Breaker:
            nonlocal mine
            mine = rules.probe_due(breaker, now)  # another process may have been faster
            return rules.probing(breaker, now) if mine else breaker

        known = await self.change(host, take)
        if not mine:
            return known
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await probe()
        except TimeoutError:
            return await self.failed(host, DeadlineError(f"no answer in {PROBE_SECONDS:g} s"))
        except asyncio.CancelledError:
            await asyncio.shield(self.change(host, rules.released))
            raise
        except OpenbellError as error:
            if isinstance(error, (*_DOWN, BlockedError)):
                return await self.failed(host, error)
        return await self.change(host, lambda breaker: rules.alive(breaker, self._now()))

    async def failed(self, host: Upstream, error: OpenbellError) -> Breaker:
        """A host did not answer, or told us to stay away (all hosts of its source, then)."""
        text = str(error)
        if isinstance(error, BlockedError):
            until = error.until
            for other in self.hosts:
                if other.source == host.source:
                    await self.change(
                        other, lambda known: rules.blocked(known, self._now(), until, text)
                    )
            return self.breaker(host)
        seconds = error.retry_after_seconds if isinstance(error, RateLimitedError) else None
        wait = timedelta(seconds=min(seconds or 0.0, 3600.0))
        return await self.change(
            host, lambda known: rules.failed(known, self._now(), text, wait=wait)
        )


def _told(host: Upstream, before: Breaker, after: Breaker) -> None:
    """One line of its kind when an outage begins and when it ends."""
    told = {"upstream": host.label, "host": host.host}
    if before.state == "closed":
        log.warning("upstream down", **told, since=after.since, error=after.last_error)
    elif after.state == "closed":
        log.warning("upstream up", **told, since=before.since, probes=before.tries)


@dataclass(frozen=True, slots=True)
class HostGate:
    """The gate of one host; nonsense about all of its `things` tells of the host."""

    upstreams: Upstreams
    host: Upstream
    now: Callable[[], datetime]
    things: int = rules.MOST_ODD

    async def attempt(self, operation: Callable[[], Awaitable[T]], about: str = "") -> T:
        """The operation's result; UpstreamDownError, without having asked, while it is down."""
        trial = await self._admitted()
        try:
            result = await operation()
        except OpenbellError as error:
            await self._learn(error, trial, about)
            raise
        except BaseException:
            if trial:
                await asyncio.shield(self.upstreams.change(self.host, rules.released))
            raise
        await self._answered()
        return result

    async def _admitted(self) -> bool:
        """Return when a request may be made; wait while another one finds out. True: a trial."""
        forced = _forced.get()
        while True:
            if self.upstreams.breaker(self.host).since is None:
                return False
            said: rules.Admission = "no"

            def ask(breaker: Breaker) -> Breaker:
                nonlocal said
                said, after = rules.admitted(breaker, self.now(), forced=forced)
                return after

            known = await self.upstreams.change(self.host, ask)
            if said == "go":
                return known.since is not None
            if said == "no":
                raise down(self.host, known, self.now())
            await asyncio.sleep(LOOK_SECONDS)  # it may be another process that finds out

    async def _answered(self) -> None:
        known = self.upstreams.breaker(self.host)
        if known.failures or known.oddities or known.since is not None:
            await self.upstreams.change(
                self.host, lambda breaker: rules.answered(breaker, self.now())
            )

    async def _learn(self, error: OpenbellError, trial: bool, about: str) -> None:
        if isinstance(error, QueryFailedError):  # of one dataset; the host itself was there
            await self._answered()
        elif about and error.transient and isinstance(error, _NONSENSE):
            text = str(error)
            await self.upstreams.change(
                self.host,
                lambda known: rules.nonsense(known, self.now(), text, about, self.things),
            )
        elif isinstance(error, (*_DOWN, BlockedError)):
            await self.upstreams.failed(self.host, error)
        elif isinstance(error, _TELLS_NOTHING):
            if trial:
                await self.upstreams.change(self.host, rules.released)
        else:  # whatever it said, it was there
            await self._answered()


def down(host: Upstream, breaker: Breaker, now: datetime) -> UpstreamDownError:
    """What to raise instead of asking a host that is down."""
    until = breaker.next_probe or now
    again = f"asked again at {until:%H:%M:%S}Z" if until > now else "being asked again now"
    return UpstreamDownError(
        f"{told(host, breaker)}; it is {again}",
        until=until,
        where=host.host,
        hint=f"last error: {breaker.last_error}" if breaker.last_error else None,
    )


def is_refusal(message: str, label: str) -> bool:
    """Whether an error begins as that of a pull which was not made, its host being down."""
    return message.startswith(tuple(f"{label} {what} since " for what in (DOWN, BLOCKED)))


def told(host: Upstream, breaker: Breaker) -> str:
    """The state of a host that is down in words, instants in UTC."""
    since = f"{breaker.since:%Y-%m-%d %H:%M}Z" if breaker.since else "a moment ago"
    what = BLOCKED if breaker.blocked_until else DOWN
    asked = f", asked {breaker.asked_at:%H:%M}Z" if breaker.asked_at else ""
    return f"{host.label} {what} since {since}{asked}"
