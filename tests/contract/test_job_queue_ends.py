"""What every queue adapter promises of jobs that have ended, wait or are looked for."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core.errors import NotFoundError, SizeLimitError, UsageError
from core.jobs.queue.port import JobQueue, JobStatus, Message
from tests.queues import LEASE, START, Clock, claimed


def test_dead_letters_are_revived_or_discarded(queue: JobQueue) -> None:
    """A revived job starts with fresh attempts; a discarded one stays in the history."""
    ids = [queue.publish("pull").job_id for _ in range(2)]
    for _ in ids:
        queue.bury(claimed(queue), "gone wrong")
    assert queue.revive(ids[0]).attempts == 0
    assert claimed(queue).attempts == 1
    assert queue.discard(ids[1]).status is JobStatus.DISCARDED
    with pytest.raises(UsageError, match="only dead or cancelled"):
        queue.revive(ids[0])
    with pytest.raises(UsageError, match="only dead or corrupt"):
        queue.discard(ids[1])


def test_listing_filters_and_pages(queue: JobQueue) -> None:
    """Jobs are found by status, event and dataset, in the order they will run."""
    for n in range(5):
        queue.publish("pull", {"dataset": f"d{n}"}, priority=n)
    queue.publish("grade")
    queue.ack(claimed(queue))
    found = queue.find([JobStatus.QUEUED], event_name="pull", limit=2, offset=1)
    assert [job.lane for job in found] == ["d2", "d1"]
    assert [job.lane for job in queue.find(lane="d4")] == ["d4"]
    assert queue.counts()[JobStatus.DONE] == 1
    assert set(queue.counts()) == set(JobStatus)


def test_position_in_line(queue: JobQueue) -> None:
    """1 is next, 0 is running, None is over."""
    first, second = (queue.publish("pull").job_id for _ in range(2))
    assert [queue.position(first), queue.position(second)] == [1, 2]
    job = claimed(queue)
    assert [queue.position(first), queue.position(second)] == [0, 1]
    queue.ack(job)
    assert queue.position(first) is None


def test_purge_forgets_old_ends_only(queue: JobQueue, clock: Clock) -> None:
    """Done jobs go after their time; dead letters and waiting jobs stay."""
    for name in ("done", "dead", "waiting"):
        queue.publish(name)
    queue.ack(claimed(queue))
    queue.bury(claimed(queue), "x")
    clock.tick(10)
    assert queue.purge(clock()) == 1
    assert [job.event_name for job in queue.find()] == ["waiting", "dead"]


def test_unknown_job_is_named(queue: JobQueue) -> None:
    """Asking for a job that is not there says so."""
    with pytest.raises(NotFoundError, match="'nope'"):
        queue.get("nope")


def test_many_threads_claim_each_job_once(queue: JobQueue, clock: Clock) -> None:
    """Threads that publish and claim together neither lose nor double a job."""
    taken: list[str] = []

    def work(number: int) -> None:
        for n in range(10):
            queue.publish("pull", {"n": [number, n]})
        for _ in range(10):
            job = claimed(queue, f"w{number}")
            taken.append(job.id)
            queue.ack(job)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == queue.counts()[JobStatus.DONE] == 40


def test_a_job_that_waits_keeps_its_attempts_until_it_is_hurried(
    queue: JobQueue, clock: Clock
) -> None:
    """Postponing costs nothing; only waiting jobs are brought forward, and only those named."""
    first, second = (queue.publish("pull", {"dataset": name}).job_id for name in "ab")
    at = START + timedelta(minutes=5)
    for _ in range(5):
        job = claimed(queue)
        assert queue.postpone(job, "host down", at)
        queue.hurry([job.id])
    assert queue.postpone(claimed(queue), "host down", at)
    waiting = queue.get(first)
    assert (waiting.status, waiting.attempts, waiting.run_at) == (JobStatus.QUEUED, 0, at)
    running = claimed(queue)
    assert running.id == second
    assert queue.hurry([first, second, "unknown"]) == 1
    assert queue.get(first).run_at == START
    assert queue.get(second).status is JobStatus.RUNNING


def test_a_tick_of_the_clock_does_not_end_the_pause_of_a_window(queue: JobQueue) -> None:
    """A message that stands for ever joins a waiting job and leaves its time alone."""
    message = Message("pull", dedupe_key="w", once=True)
    queue.publish_many([message])
    at = START + timedelta(minutes=5)
    queue.postpone(claimed(queue), "503", at)
    queue.publish_many([message])
    assert queue.claim("w", LEASE) is None


@pytest.mark.parametrize("end", ["done", "dead", "cancelled", "discarded", "waiting"])
def test_what_is_known_not_to_be_there_is_queued_again(
    queue: JobQueue, clock: Clock, end: str
) -> None:
    """Whatever became of the job; a new life has fresh attempts."""
    message = Message("pull", dedupe_key="w", once=True, again=True)
    (first,) = queue.publish_many([message])
    job = claimed(queue)
    if end == "done":
        queue.ack(job)
    elif end == "cancelled":
        queue.drop(job)
    elif end == "waiting":
        queue.postpone(job, "503", START + timedelta(hours=1))
    else:
        queue.bury(job, "404")
        if end == "discarded":
            queue.discard(job.id)
    (again,) = queue.publish_many([message])
    assert (again.job_id, again.joined) == (first.job_id, end == "waiting")
    fresh = claimed(queue)
    assert (fresh.id, fresh.attempts) == (job.id, 1)
    assert queue.publish_many([message])[0].joined


def test_a_job_that_ended_its_workers_is_not_queued_again_by_itself(
    queue: JobQueue, clock: Clock
) -> None:
    """It is told to whoever listens, once, and waits for a person."""
    died: list[str] = []
    queue.on_dead = lambda job: died.append(job.id)
    message = Message("pull", dedupe_key="w", once=True, again=True)
    (first,) = queue.publish_many([message])
    for _ in range(4):
        claimed(queue)
        queue.recover(everything=True)
    assert died == [first.job_id]
    assert queue.publish_many([message])[0].joined
    assert queue.get(first.job_id).status is JobStatus.DEAD


def test_a_payload_is_a_reference(queue: JobQueue) -> None:
    """4 KB at most; nothing of a refused batch is stored."""
    queue.publish("small", {"text": "x" * 4000})
    with pytest.raises(SizeLimitError, match="4,096"):
        queue.publish_many([Message("ok"), Message("large", {"text": "x" * 4096})])
    assert [job.event_name for job in queue.find()] == ["small"]
