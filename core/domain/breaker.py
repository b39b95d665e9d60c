"""The circuit breaker of one upstream host. Pure: instants are arguments (aware, UTC).

    closed ──FAILURES in a row──> open ──probe answered──> half-open ──trial answered──> closed
                                   ^  └─probe failed: asked again, later ─┘ └─trial failed─> open

While it is open nothing is asked but probes, at growing pauses, and what somebody forces by hand.
Half-open lets one request through at a time: the trial. A block (the other side told us to stay
away) keeps it open until a given instant, with no probe and no forced try before.

Nonsense is an answer that is none of the other side's protocol. One thing that is asked for may be
broken there while all others are well, so nonsense opens it once it was the answer to MOST_ODD
things, or to all there are, and again to one of them (ODDITIES), with no good answer between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

State = Literal["closed", "open", "half-open"]
Admission = Literal["go", "wait", "no"]
FAILURES = 5
MOST_ODD = 3  # things answered with nonsense: from so many on it is the host
ODDITIES = MOST_ODD + 1  # each once may be a moment's fault; a broken file costs five requests
PAUSES = tuple(timedelta(seconds=s) for s in (5, 10, 20, 30))
LONGEST_PAUSE = timedelta(seconds=60)  # where the other side names a time to come back
FORGOTTEN_AFTER = timedelta(minutes=10)  # failures further apart are not in a row
FORCE_EVERY = timedelta(seconds=5)
BUSY = timedelta(seconds=120)  # a probe or trial that has not told its end by then is lost


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one host. `since`: of the first failure of an outage, None while closed.

    `failing_since` and `failures` count what failed in a row; `tries` the probes and trials that
    failed since it opened; `busy_until` marks one that is under way. `oddities` counts
    answers in a row that were nonsense, `odd` names what was asked for (MOST_ODD at most).
    """

    since: datetime | None = None
    half_open: bool = False
    failures: int = 0
    failing_since: datetime | None = None
    failed_at: datetime | None = None
    tries: int = 0
    asked_at: datetime | None = None
    next_probe: datetime | None = None
    busy_until: datetime | None = None
    blocked_until: datetime | None = None
    last_error: str | None = None
    oddities: int = 0
    odd: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """closed, open or half-open."""
        if self.since is None:
            return "closed"
        return "half-open" if self.half_open else "open"

    def is_blocked(self, now: datetime) -> bool:
        """Whether the other side has told us to stay away until later."""
        return self.blocked_until is not None and self.blocked_until > now

    def is_busy(self, now: datetime) -> bool:
        """Whether a probe or trial is under way; never for longer than BUSY, whatever the clock."""
        return self.busy_until is not None and now < self.busy_until <= now + BUSY


def admitted(breaker: Breaker, now: datetime, *, forced: bool = False) -> tuple[Admission, Breaker]:
    """Whether a request may be made now, and the breaker that knows of it.

    wait: another request is finding out; ask again when it has.
    """
    if breaker.since is None:
        return "go", breaker
    if breaker.is_blocked(now) or not (breaker.half_open or forced):
        return "no", breaker
    if breaker.is_busy(now):
        return "wait", breaker
    if not breaker.half_open and _asked_lately(breaker, now):
        return "no", breaker
    return "go", replace(breaker, busy_until=now + BUSY, asked_at=now)


def _asked_lately(breaker: Breaker, now: datetime) -> bool:
    asked = breaker.asked_at
    return asked is not None and timedelta(0) <= now - asked < FORCE_EVERY


def probe_due(breaker: Breaker, now: datetime) -> bool:
    """Whether an open host is to be asked for a sign of life now."""
    if breaker.state != "open" or breaker.is_blocked(now) or breaker.is_busy(now):
        return False
    due = breaker.next_probe
    # a clock that was set back must not put the probe off by more than its pause
    return due is None or now >= due or due - now > LONGEST_PAUSE


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker while a probe is under way."""
    return replace(breaker, busy_until=now + BUSY, asked_at=now)


def alive(breaker: Breaker, now: datetime) -> Breaker:
    """After a probe that was answered: one trial may go through."""
    if breaker.since is None or breaker.is_blocked(now):
        return replace(breaker, busy_until=None)
    return replace(breaker, half_open=True, busy_until=None)


def answered(breaker: Breaker, now: datetime) -> Breaker:
    """After a request that was answered: closed, unless a block holds."""
    if breaker.is_blocked(now):
        return replace(breaker, busy_until=None)
    return Breaker(asked_at=breaker.asked_at) if breaker != Breaker() else breaker


def released(breaker: Breaker) -> Breaker:
    """After a trial or probe that told nothing (called off)."""
    return replace(breaker, busy_until=None)


def failed(
    breaker: Breaker, now: datetime, error: str, *, wait: timedelta = timedelta(0)
) -> Breaker:
    """After a request that the host did not answer, or answered with 5xx or 429.

    `wait`: how long the other side asked to be left alone; believed up to LONGEST_PAUSE.
    """
    if breaker.since is not None:
        return _failed_again(breaker, now, error, wait)
    known = _counting(breaker, now, error)
    known = replace(known, failures=known.failures + 1)
    if known.failures < FAILURES:
        return known
    return _opened(known, now, wait)


def _counting(breaker: Breaker, now: datetime, error: str) -> Breaker:
    """A closed breaker that knows of one more error; what failed long ago is forgotten."""
    lately = breaker.failed_at is not None and abs(now - breaker.failed_at) < FORGOTTEN_AFTER
    known = breaker if lately else replace(breaker, failures=0, oddities=0, odd=())
    first = breaker.failing_since if lately else None
    return replace(known, failing_since=first or now, failed_at=now, last_error=error)


def _opened(known: Breaker, now: datetime, wait: timedelta) -> Breaker:
    return replace(known, since=known.failing_since, asked_at=now, next_probe=now + _pause(0, wait))


def nonsense(breaker: Breaker, now: datetime, error: str, about: str, things: int) -> Breaker:
    """After an answer that is none of the protocol; `about`: what was asked for.

    `things`: how many things the host is asked for. A trial that ends so has failed; as it asks
    for more than a sign of life does, the next one is not soon.
    """
    if breaker.since is not None:
        return _failed_again(breaker, now, error, PAUSES[-1])
    known = _counting(breaker, now, error)
    odd = known.odd if about in known.odd else (*known.odd, about)
    known = replace(known, oddities=known.oddities + 1, odd=odd)
    is_host = len(odd) >= min(things, MOST_ODD) and known.oddities >= ODDITIES
    return _opened(known, now, PAUSES[-1]) if is_host else known


def _failed_again(breaker: Breaker, now: datetime, error: str, wait: timedelta) -> Breaker:
    if not breaker.is_busy(now):  # a request from before it opened
        return replace(breaker, last_error=error)
    tries = breaker.tries + 1
    return replace(
        breaker,
        half_open=False,
        failed_at=now,
        tries=tries,
        busy_until=None,
        next_probe=now + _pause(tries, wait),
        last_error=error,
    )


def blocked(breaker: Breaker, now: datetime, until: datetime, error: str) -> Breaker:
    """After the other side told us to stay away until an instant."""
    return replace(
        breaker,
        since=breaker.since or now,
        half_open=False,
        busy_until=None,
        asked_at=breaker.asked_at or now,
        blocked_until=max(until, breaker.blocked_until or until),
        next_probe=max(until, breaker.next_probe or until),
        last_error=error,
    )


def _pause(tries: int, wait: timedelta) -> timedelta:
    return max(PAUSES[min(tries, len(PAUSES) - 1)], min(wait, LONGEST_PAUSE))
