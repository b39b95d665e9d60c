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


@dataclass(frozen=True, slots=True)
class Turn:
    """What a schedule says of a dataset from one refresh (`due_at`) until the next (`next_due`).

    `every` is the step of an interval, `missed` the first refresh after the last good pull (the
    latest one without a pull); all are None without a schedule.
    """

    due_at: datetime | None = None
    next_due: datetime | None = None
    every: timedelta | None = None
    missed: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the schedule says the same at that instant."""
        if self.due_at is None or self.next_due is None:
            return True
        return self.due_at <= now < self.next_due


def turn_at(schedule: Schedule, now: datetime, last_success: datetime | None) -> Turn:
    """The turn that `now` falls into; what it costs is to ask the schedule four times."""
    if not schedule:
        return Turn()
    due_at = schedule.get_latest_refresh(now)
    missed = due_at if last_success is None else schedule.get_next_refresh(last_success)
    return Turn(due_at, schedule.get_next_refresh(now), schedule.rhythm(now), missed)


def freshness(
    schedule: Schedule,
    now: datetime,
    *,
    last_success: datetime | None,
    last_failure: datetime | None = None,
    grace: timedelta = DEFAULT_GRACE,
) -> Freshness:
    """Freshness at `now` from the instants of the last good and the last failed pull; see `in_turn`
    for its states.
    """
    return in_turn(
        turn_at(schedule, now, last_success),
        now,
        last_success=last_success,
        last_failure=last_failure,
        grace=grace,
    )


def in_turn(
    turn: Turn,
    now: datetime,
    *,
    last_success: datetime | None,
    last_failure: datetime | None = None,
    grace: timedelta = DEFAULT_GRACE,
) -> Freshness:
    """Freshness at an instant of a turn of that last good pull.

    fresh: pulled since the latest refresh. due: not yet, within `grace`. overdue: grace is over.
    failing: behind, and the last attempt failed. never: no good pull and no failed one either.
    Within an interval the pull of the step before counts as fresh, and grace is a few steps.
    """
    due_at, next_due, every = turn.due_at, turn.next_due, turn.every
    grace = grace if every is None else min(grace, max(LEAST_GRACE, STEPS_OF_GRACE * every))
    asked = due_at if due_at is None or every is None else due_at - every
    if last_success is not None and (asked is None or last_success >= asked):
        return Freshness("fresh", due_at, next_due, grace=grace)
    behind = now - turn.missed if turn.missed is not None else timedelta(0)
    state = _state(last_success, last_failure, behind, grace)
    return Freshness(state, due_at, next_due, behind, grace)


def stalest(states: list[Freshness]) -> Freshness | None:
    """The worst of several datasets: by state, then by how long it is behind."""
    return max(states, key=lambda f: (SEVERITY[f.state], f.behind), default=None)


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
