"""The trigger over our schedules: every due instant once, on whatever clock the desk has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.timetable.schedule import Schedule, at_session_times
from core.jobs.triggers import ScheduleTrigger

NEW_YORK = {"cycle": "daily", "zone": "America/New_York"}
SCHEDULES = {
    "not there in spring": Schedule([NEW_YORK | {"time": "02:30:00"}], timedelta(0)),
    "twice in autumn": Schedule([NEW_YORK | {"time": "01:30:00"}], timedelta(0)),
    "two rules and a buffer": Schedule(
        [{"cycle": "monthly", "day": -1, "time": "02:00:00"},
         {"cycle": "weekly", "day": "Friday", "time": "23:30:00"}]
    ),
    "sessions": at_session_times(["08:45", "09:45"]),
}  # fmt: skip
START = datetime(2025, 1, 15, 12, 0, 0, 250_000, tzinfo=UTC)
AHEAD = {"the same": timedelta(0), "another": timedelta(days=-200, seconds=1.5)}


class Clocks:
    """The machine's clock and the desk's, a little apart each time they are read."""

    def __init__(self, ahead: timedelta) -> None:
        self.at = START - ahead
        self.ahead = ahead
        self.read = 0

    def machine(self) -> datetime:
        """Now, as the library has it."""
        return self.at

    def desk(self) -> datetime:
        """Now, as the desk has it."""
        self.read += 1
        return self.at + self.ahead + timedelta(microseconds=self.read * 37 % 400)


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_due_instant_fires_once_for_a_year(name: str, ahead: str) -> None:
    """Across both changes of clocks, a leap-less February and holidays."""
    clocks, schedule = Clocks(AHEAD[ahead]), SCHEDULES[name]
    trigger = ScheduleTrigger(schedule, clocks.desk, machine=clocks.machine)
    fired: list[datetime] = []
    previous = None
    while True:
        due = trigger.get_next_fire_time(previous, clocks.at)
        assert due is not None
        if due + clocks.ahead > START + timedelta(days=365):
            break
        clocks.at = max(clocks.at, due) + timedelta(milliseconds=3)
        fired.append((due + clocks.ahead + timedelta(seconds=0.5)).replace(microsecond=0))
        previous = due
    assert fired == schedule.between(START, START + timedelta(days=365))


def test_a_long_sleep_fires_once_for_the_latest() -> None:
    """What was slept through is one firing; the next is in the future."""
    clocks, schedule = Clocks(timedelta(0)), SCHEDULES["sessions"]
    trigger = ScheduleTrigger(schedule, clocks.machine, machine=clocks.machine)
    before = trigger.get_next_fire_time(None, clocks.at)
    clocks.at += timedelta(days=40)
    latest = trigger.get_next_fire_time(before, clocks.at)
    assert latest == schedule.get_latest_refresh(clocks.at)
    assert trigger.get_next_fire_time(latest, clocks.at) == schedule.get_next_refresh(clocks.at)


def test_an_instant_just_begun_is_not_passed_over() -> None:
    """Started two tenths of a second before it, the trigger still fires for it."""
    due = datetime(2025, 3, 3, 11, 0, tzinfo=UTC)
    schedule = Schedule([NEW_YORK | {"time": "06:00:00"}], timedelta(0))
    early = due - timedelta(seconds=0.2)
    trigger = ScheduleTrigger(schedule, lambda: early, machine=lambda: early)
    assert trigger.get_next_fire_time(None, early) == due


def test_a_schedule_that_ends_ends_the_trigger() -> None:
    """No further instant: the library lets the job go, the look at all of them stays."""
    trigger = ScheduleTrigger(Schedule([]), lambda: START, machine=lambda: START)
    assert trigger.get_next_fire_time(None, START) is None
    assert str(trigger) == "schedule of 0 rules"
