"""A timetable that fails as nobody foresaw, and messages without a window."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from core.domain.tables.datasets import Dataset
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.runner import Runner
from core.jobs.scheduler import Scheduler, window_of
from core.store.pull_state import PullState
from tests.queues import Clock
from tests.recorded import Recorded

DAILY = {"cycle": "daily", "time": "06:00:00", "zone": "America/New_York"}
EVERY = Dataset("every", "file", "t", (), {}, schedule=(DAILY,), buffer_minutes=0)
FROM = datetime(2025, 2, 20, 11, tzinfo=UTC).isoformat()
PATIENCE = 60  # seconds: what is awaited comes at once, but for a machine that is busy elsewhere


async def test_a_timetable_that_fails_unforeseen_is_told_and_goes_on(
    queue: SqliteQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours does not end the clock: it fires again, and says when it is over."""

    def states() -> dict[str, PullState]:
        raise ZeroDivisionError("nobody thought of this")

    told = Recorded()
    scheduler = Scheduler(queue, [EVERY], dict, clock, recorder=told)
    async with Runner([scheduler]):
        with monkeypatch.context() as broken:
            broken.setattr(scheduler, "_states", states)
            await look_until(scheduler, told, 1)
        await look_until(scheduler, told, 2)
    kinds = [kind for kind, _ in await told.until(2)]
    assert kinds == ["timetable.stopped", "timetable.running"]


async def look_until(scheduler: Scheduler, told: Recorded, count: int) -> None:
    """Have the clock fire its look until so much was told."""
    assert scheduler._timer is not None
    async with asyncio.timeout(PATIENCE):
        while len(told.events) < count:
            scheduler._timer.modify_job("look", next_run_time=datetime.now(UTC))
            await asyncio.sleep(0.05)


def test_a_message_without_a_window_is_refused() -> None:
    """It would be pulled for all of time."""
    for payload in ({"dataset": "every"}, {"dataset": "every", "from": FROM}):
        with pytest.raises(ValueError, match="no window"):
            window_of(payload)
