"""The scheduler and rules that repeat within a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.domain.tables.datasets import Dataset
from core.store.pull_state import PullState
from tests.unit.jobs.test_scheduler import Simulation


def test_an_interval_gives_a_job_a_step_and_the_latest_after_a_sleep(tmp_path: Path) -> None:
    """Each minute of its span once, marked as one of many; of those slept through the latest."""
    rule = {"cycle": "interval", "exchange": "XNYS", "anchor": "open"}
    rule |= {"every_minutes": 1, "from_minutes": -30, "to_minutes": 2}
    every = Dataset("d", "file", "t", (), {}, schedule=(rule,), buffer_minutes=0)
    nine = datetime(2026, 11, 30, 14, tzinfo=UTC)
    desk = Simulation(tmp_path, [every], nine)
    desk.states = {"d": PullState(nine - timedelta(days=3), nine - timedelta(days=3), nine)}
    scheduler = desk.scheduler()
    pulled = []
    for minute in [0, 0, 1, 2, *range(20, 40)]:
        desk.clock.instant = nine + timedelta(minutes=minute, seconds=1)
        scheduler.tick()
        pulled += desk.work()
    minutes = [(at - nine).total_seconds() / 60 for at in pulled]
    assert minutes[:3] == [0, 1, 2]
    assert minutes[3:8] == [16, 17, 18, 19, 20]  # within the misfire grace of five minutes
    assert minutes[8:] == [*range(21, 33)]  # and none after 9:32
    assert all(job.payload["repeats"] for job in desk.done)
    desk.queue.close()
