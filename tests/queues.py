"""The adapters of the job queue, and a clock, for the tests of what every adapter promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.jobs.queue.port import Job, JobQueue
from core.jobs.queue.redis import RedisQueue
from core.jobs.queue.sqlite import SqliteQueue

LEASE = timedelta(seconds=60)
START = datetime(2025, 7, 1, 13, 25, tzinfo=UTC)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def tick(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def sqlite(address: str, clock: Clock) -> JobQueue:
    return SqliteQueue(Path(address), clock, max_attempts=3, max_deliveries=4)


def redis(address: str, clock: Clock) -> JobQueue:
    return RedisQueue(address, clock, max_attempts=3, max_deliveries=4)


QUEUES: dict[str, Callable[[str, Clock], JobQueue]] = {"sqlite": sqlite, "redis": redis}


def claimed(queue: JobQueue, worker: str = "w1") -> Job:
    job = queue.claim(worker, LEASE)
    assert job is not None
    return job
