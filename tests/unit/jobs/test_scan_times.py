"""Scans at clock times of sessions: when they are queued, and when they are let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.timetable.schedule import at_session_times
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.scheduler import Scheduler, Timed


class Clock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant


SCANS = [Timed("scan", at_session_times(["08:45", "09:45"]))]


def _scans_until(path: Path, start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """The due instants of the scans queued while a clock goes from start to end."""
    clock = Clock(start)
    queue = SqliteQueue(path / "queue.sqlite", clock)
    scheduler = Scheduler(queue, [], dict, clock, timed=SCANS)
    due = []
    while clock.instant <= end:
        scheduler.tick()
        scheduler.tick()  # two clocks fire, one scan runs
        while job := queue.claim("w", timedelta(seconds=60)):
            due.append(datetime.fromisoformat(str(job.payload["due_at"])))
            queue.ack(job)
        clock.instant += step
    queue.close()
    return due


def test_scans_run_at_their_clock_times(tmp_path: Path) -> None:
    """Two scans a session at 08:45 and 09:45 in New York, across the change of clocks of
    2025-03-09; none on the weekend, each once.
    """
    start = datetime(2025, 3, 7, 0, tzinfo=UTC)
    found = _scans_until(tmp_path, start, start + timedelta(days=4), timedelta(minutes=5))
    assert found == [
        datetime(2025, 3, 7, 13, 45, tzinfo=UTC),
        datetime(2025, 3, 7, 14, 45, tzinfo=UTC),
        datetime(2025, 3, 10, 12, 45, tzinfo=UTC),
        datetime(2025, 3, 10, 13, 45, tzinfo=UTC),
    ]


@pytest.mark.parametrize("day", ["2025-07-04", "2025-04-18"])
def test_no_scans_on_holidays(tmp_path: Path, day: str) -> None:
    """Independence Day and Good Friday have no scans."""
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    assert _scans_until(tmp_path, start, start + timedelta(days=1), timedelta(minutes=15)) == []


def test_a_scan_long_missed_is_let_go(tmp_path: Path) -> None:
    """A desk started 20 minutes late scans still, one started hours later does not."""
    late = datetime(2025, 3, 10, 13, 5, tzinfo=UTC)
    assert len(_scans_until(tmp_path, late, late, timedelta(minutes=1))) == 1
    noon = datetime(2025, 3, 10, 17, tzinfo=UTC)
    assert _scans_until(tmp_path, noon, noon, timedelta(minutes=1)) == []


def test_the_scheduler_wakes_for_scans(tmp_path: Path) -> None:
    """The next due instant counts scans too, and none are there when they are switched off."""
    clock = Clock(datetime(2025, 3, 10, 12, 50, tzinfo=UTC))
    queue = SqliteQueue(tmp_path / "queue.sqlite", clock)
    following = Scheduler(queue, [], dict, clock, timed=SCANS).next_due()
    assert following == datetime(2025, 3, 10, 13, 45, tzinfo=UTC)
    off = [Timed("scan", at_session_times([]))]
    assert Scheduler(queue, [], dict, clock, timed=off).next_due() is None
    queue.close()
