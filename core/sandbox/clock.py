"""What the simulated world knows at an instant: its coming session, and nothing of later.

A simulated day ends at 18:00 in New York, when its bars and reports are all there; from then on
the next session is the coming one. Prints and filings appear when the clock reaches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
DAY_ENDS = time(18)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Moment:
    """`as_of` decides the coming session; nothing after `known_at` is told (None: no limit)."""

    as_of: date
    known_at: datetime | None = None


def moment(now: datetime) -> Moment:
    """The simulated moment of an aware instant."""
    local = now.astimezone(ZONE)
    return Moment(local.date() + timedelta(days=local.time() >= DAY_ENDS), now)


def moments(when: date | Clock) -> Callable[[], Moment]:
    """A fixed day with all that belongs to it, or a running clock."""
    if isinstance(when, date):
        fixed = Moment(when)
        return lambda: fixed
    return lambda: moment(when())
