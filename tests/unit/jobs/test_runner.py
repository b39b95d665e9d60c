"""The engine's thread, and resources that open and close in order."""

from __future__ import annotations

import threading

import pytest

from core.errors import StoreError
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.port import Job, JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.runner import Engine, Runner
from core.jobs.worker import Context, Worker
from tests.queues import Clock
from tests.working import QUICK


def test_engine_runs_beside_the_caller(queue: SqliteQueue, clock: Clock) -> None:
    """In its thread the worker takes what another thread publishes, and ends on close."""
    threads: list[str] = []

    async def handler(job: Job, context: Context) -> None:
        threads.append(threading.current_thread().name)

    worker = Worker(queue, {"pull": handler}, ProgressBoard(clock), clock, limits=QUICK)
    engine = Engine([worker], name="engine-test")
    engine.start()
    engine.start()
    job_id = queue.publish("pull").job_id
    worker.wake()
    for _ in range(500):
        if queue.get(job_id).status is JobStatus.DONE:
            break
        threading.Event().wait(0.01)
    assert engine.alive
    engine.close()
    engine.close()
    assert not engine.alive
    assert threads == ["engine-test"]


class Spy:
    """A resource that notes what happens to it."""

    def __init__(self, name: str, notes: list[str], fail: str = "") -> None:
        self.name, self.notes, self.fail = name, notes, fail

    async def initialize(self) -> None:
        if self.fail == "open":
            raise StoreError("no")
        self.notes.append(f"open {self.name}")

    async def close(self) -> None:
        self.notes.append(f"close {self.name}")
        if self.fail == "close":
            raise StoreError("stuck")


async def test_resources_close_in_reverse() -> None:
    """What opened last closes first; an error in closing does not spare the others."""
    notes: list[str] = []
    with pytest.raises(StoreError, match="stuck"):
        async with Runner([Spy("a", notes), Spy("b", notes, "close")]):
            notes.append("run")
    assert notes == ["open a", "open b", "run", "close b", "close a"]


def test_engine_that_cannot_open_says_why() -> None:
    """A resource that fails to open closes those before it, and start() raises its error."""
    notes: list[str] = []
    engine = Engine([Spy("a", notes), Spy("b", notes, "open")])
    with pytest.raises(StoreError, match="no"):
        engine.start()
    assert notes == ["open a", "close a"]
    assert not engine.alive
