"""When an alert goes out: now, after quiet hours, or in a digest once the budget is used up.

A morning has its budget, so that a bad one does not ring all the time: what is beyond it comes
gathered. What is critical always goes out at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.alerts.rules import AlertRule, quiet_until

MARKET = ZoneInfo("America/New_York")
NOON = 12
ALWAYS = "critical"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many alerts a sink is told one by one in half a day, and how often the rest comes."""

    alerts: int
    digest_minutes: int


def half_day(now: datetime) -> datetime:
    """When the half of the New York day began that an instant falls into: midnight or noon."""
    here = now.astimezone(MARKET)
    hour = NOON if here.hour >= NOON else 0
    return here.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def next_digest(now: datetime, minutes: int) -> datetime:
    """The next full step of so many minutes after an instant."""
    step = timedelta(minutes=minutes)
    passed = (now - half_day(now)) % step
    return now - passed + step


def due(
    rules: list[AlertRule], severity: str, zone: str, told: int, budget: Budget, now: datetime
) -> datetime | None:
    """When to tell a sink of what these rules match; None: at once.

    `told` is what the sink was told one by one in this half day. A rule without quiet hours speaks
    for those that have some.
    """
    if severity == ALWAYS:
        return None
    ends = [quiet_until(rule.quiet, zone, now) for rule in rules]
    quiet = [end for end in ends if end is not None]
    if quiet and len(quiet) == len(ends):
        return min(quiet)
    return next_digest(now, budget.digest_minutes) if told >= budget.alerts else None
