"""How fresh a dataset is, computed from its due instants, not from "the last run worked"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.domain.timetable.schedule import Schedule

State = Literal["fresh", "due", "overdue", "failing", "never"]
STATES: tuple[State, ...] = ("fresh", "due", "overdue", "failing", "never")
# worst first: a strip shows the stalest input of what is on the page
SEVERITY: dict[State, int] = {"never": 4, "failing": 3, "overdue": 2, "due": 1, "fresh": 0}
DEFAULT_GRACE = timedelta(minutes=30)
LEAST_GRACE = timedelta(minutes=3)
STEPS_OF_GRACE = 3  # of an interval: so many may be missed before it is overdue


@dataclass(frozen=True, slots=True)
class Freshness:
    """State of one dataset at an instant; instants are UTC.

    `due_at` is the latest refresh, `next_due` the following one (None without a schedule);
    `behind` is how long the data has been due, zero while it is fresh; beyond `grace` it is late.
    """

    state: State
    due_at: datetime | None
    next_due: datetime | None
    behind: timedelta = timedelta(0)
    grace: timedelta = DEFAULT_GRACE

    @property
    def is_behind(self) -> bool:
        """Whether something due has not been pulled."""
        return self.state != "fresh"

    @property
    def is_late(self) -> bool:
        """Whether what is due has been so for longer than the grace."""
        return self.behind > self.grace


def freshness(
    schedule: Schedule,
    now: datetime,
    *,
    last_success: datetime | None,
    last_failure: datetime | None = None,
    grace: timedelta = DEFAULT_GRACE,
) -> Freshness:
    """Freshness at `now` from the instants of the last good and the last failed pull.

    fresh: pulled since the latest refresh. due: not yet, within `grace`. overdue: grace is over.
    failing: behind, and the last attempt failed. never: no good pull and no failed one either.
    Within an interval the pull of the step before counts as fresh, and grace is a few steps.
    """
    due_at = schedule.get_latest_refresh(now) if schedule else None
    next_due = schedule.get_next_refresh(now) if schedule else None
    every = schedule.rhythm(now) if schedule else None
    grace = grace if every is None else min(grace, max(LEAST_GRACE, STEPS_OF_GRACE * every))
    asked = due_at if due_at is None or every is None else due_at - every
    if last_success is not None and (asked is None or last_success >= asked):
        return Freshness("fresh", due_at, next_due, grace=grace)
    behind = _behind(schedule, now, due_at, last_success)
    state = _state(last_success, last_failure, behind, grace)
    return Freshness(state, due_at, next_due, behind, grace)


def stalest(states: list[Freshness]) -> Freshness | None:
    """The worst of several datasets: by state, then by how long it is behind."""
    return max(states, key=lambda f: (SEVERITY[f.state], f.behind), default=None)


def _behind(
    schedule: Schedule, now: datetime, due_at: datetime | None, last_success: datetime | None
) -> timedelta:
    """Since the first refresh that the data missed; the latest one when there is no data."""
    if due_at is None:
        return timedelta(0)
    missed = schedule.get_next_refresh(last_success) if last_success is not None else due_at
    return now - missed


def _state(
    last_success: datetime | None,
    last_failure: datetime | None,
    behind: timedelta,
    grace: timedelta,
) -> State:
    if last_failure is not None and (last_success is None or last_failure > last_success):
        return "failing"
    if last_success is None:
        return "never"
    return "due" if behind <= grace else "overdue"
