"""What every queue adapter promises to who listens, and to jobs that move to another queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from core.jobs.queue.moving import take_along
from core.jobs.queue.port import Job, JobQueue, JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from tests.queues import LEASE, START, Clock, claimed


def test_who_listens_hears_another_process_or_is_told_that_there_is_none(
    reopen: Callable[[], JobQueue],
) -> None:
    """A change made through another connection is heard; it ends when it is told to."""
    mine, other = reopen(), reopen()
    heard, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=mine.listen, args=(heard.set, stop))
    thread.start()
    while thread.is_alive() and not heard.wait(0.05):
        other.publish("pull")
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert heard.is_set() or isinstance(mine, SqliteQueue)


def test_two_connections_share_one_queue(reopen: Callable[[], JobQueue]) -> None:
    """What one publishes the other claims; the lease holds between them."""
    mine, other = reopen(), reopen()
    mine.publish("pull", {"dataset": "x"})
    mine.publish("pull", {"dataset": "x"})
    job = claimed(other, "other")
    assert mine.claim("mine", LEASE) is None
    assert mine.get(job.id).worker == "other"
    assert other.ack(job)
    assert claimed(mine, "mine").id != job.id


def test_many_connections_claim_each_job_once(reopen: Callable[[], JobQueue]) -> None:
    """Workers of several processes neither lose nor double a job."""
    first = reopen()
    ids = {first.publish("pull", {"n": n}).job_id for n in range(30)}
    taken: list[str] = []

    def work(queue: JobQueue, name: str) -> None:
        while job := queue.claim(name, LEASE):
            taken.append(job.id)
            queue.ack(job)

    threads = [threading.Thread(target=work, args=(reopen(), f"w{n}")) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


def test_live_jobs_are_taken_along(queue: JobQueue, clock: Clock, tmp_path: Path) -> None:
    """What waits or was running goes over with key, priority and time; a second time adds none."""
    before = SqliteQueue(tmp_path / "before.sqlite", clock)
    before.publish("pull", {"dataset": "ran"})
    claimed(before)
    before.publish("pull", {"dataset": "a"}, dedupe_key="k", run_at=START + timedelta(hours=1))
    before.publish("grade", priority=7)
    assert take_along(before, queue) == 3
    assert take_along(before, queue) == 0
    assert before.counts()[JobStatus.CANCELLED] == 3
    found = {(j.event_name, j.lane, j.priority, j.run_at) for j in queue.find()}
    assert found == {
        ("pull", "ran", 0, START),
        ("pull", "a", 0, START + timedelta(hours=1)),
        ("grade", None, 7, START),
    }
    before.close()


def test_jobs_taken_along_twice_are_one(queue: JobQueue, clock: Clock, tmp_path: Path) -> None:
    """Killed before the old queue knew of it: the same jobs come again and are joined."""
    before = SqliteQueue(tmp_path / "before.sqlite", clock)
    before.publish("grade")
    for _ in range(2):
        take_along(_Killed(before.find()), queue)  # type: ignore[arg-type]
    assert queue.counts()[JobStatus.QUEUED] == 1
    before.close()


class _Killed:
    """A queue that is killed before it can call anything off."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs

    def find(self, *_: object, **__: object) -> list[Job]:
        return self._jobs

    def recover(self, **_: object) -> int:
        return 0

    def cancel(self, _: str) -> None:
        return None
