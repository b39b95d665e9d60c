"""A trigger of APScheduler over the desk's own schedules.

The library's clock is the machine's; a schedule is asked on the desk's clock, which may be another
one (a demonstration, a test). What the trigger answers is the machine's instant at which the desk's
clock will show the due one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

from core.domain.timetable.schedule import Schedule
from core.errors import ScheduleError
from core.observe import logs

log = logs.get("scheduler")
HALF_A_SECOND = timedelta(microseconds=500_000)
Clock = Callable[[], datetime]


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at the effective instants of a schedule, each once, whatever the clocks do to zones."""

    __slots__ = ("clock", "machine", "schedule")

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        *,
        machine: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.schedule = schedule
        self.clock = clock
        self.machine = machine

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The next instant after the previous one, on the machine's clock; None when there is none.

        `now` is what the library takes for now; it may be a moment old.
        """
        ahead = self.clock() - self.machine()
        try:
            return self._due(previous, now + ahead, ahead) - ahead
        except ScheduleError as error:  # an exchange's calendar ends some day
            log.warning("no further instant", error=str(error))
            return None

    def _due(self, previous: datetime | None, now: datetime, ahead: timedelta) -> datetime:
        """After a long sleep the latest instant stands for all that were slept through."""
        if previous is None:
            return self.schedule.get_next_refresh(now.replace(microsecond=0))
        after = _whole(previous + ahead)
        due = self.schedule.get_next_refresh(after)
        return max(due, self.schedule.get_latest_refresh(now)) if due <= now else due

    def __str__(self) -> str:
        return f"schedule of {len(self.schedule.refreshes)} rules"


def _whole(at: datetime) -> datetime:
    """The nearest second: due instants have no fractions, two clocks read in turn do."""
    return (at + HALF_A_SECOND).replace(microsecond=0)
