"""The worker among errors that nobody foresaw, and handlers that do not end as they should."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.errors import ServerError, StoreError
from core.jobs.queue.port import Hold, Job, JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.worker import Context
from tests.queues import Clock
from tests.working import QUICK, until, working

FOREIGN = [StoreError("full"), ZeroDivisionError("nobody thought of this")]


async def nothing(job: Job, context: Context) -> None:
    return None


@pytest.mark.parametrize("error", FOREIGN, ids=["ours", "foreign"])
@pytest.mark.parametrize("method", ["claim", "purge"])
async def test_an_unusable_queue_does_not_end_the_worker(
    queue: SqliteQueue, monkeypatch: pytest.MonkeyPatch, error: Exception, method: str
) -> None:
    """Whatever went wrong, it is logged and tried again."""
    failures = iter([error, error])
    real = getattr(queue, method)

    def failing(*args: Any) -> Any:
        for failure in failures:
            raise failure
        return real(*args)

    monkeypatch.setattr(queue, method, failing)
    queue.publish("pull")
    async with working(queue, {"pull": nothing}) as worker:
        await until(lambda: queue.counts()[JobStatus.DONE])
        assert worker.alive


@pytest.mark.parametrize("error", FOREIGN, ids=["ours", "foreign"])
async def test_a_heartbeat_that_fails_is_followed_by_the_next(
    queue: SqliteQueue, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Else the lease would end under a handler at work."""
    beats: list[Hold] = []
    failures = iter([error, error])
    real = queue.extend

    def extend(job: Job, lease: timedelta) -> Hold:
        for failure in failures:
            raise failure
        beats.append(real(job, lease))
        return beats[-1]

    async def slow(job: Job, context: Context) -> None:
        await until(lambda: beats)

    monkeypatch.setattr(queue, "extend", extend)
    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": slow}, replace(QUICK, lease_seconds=0.03)):
        await until(lambda: queue.get(job_id).status is JobStatus.DONE)
    assert beats[0] is Hold.HELD


@pytest.mark.parametrize("error", FOREIGN, ids=["ours", "foreign"])
async def test_a_job_that_could_not_be_settled_is_delivered_again(
    queue: SqliteQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """When its lease has ended; meanwhile the worker goes on with others."""
    failures = iter([error])
    real = queue.ack

    def ack(job: Job, result: Any = None) -> bool:
        for failure in failures:
            raise failure
        return real(job, result)

    monkeypatch.setattr(queue, "ack", ack)
    first = queue.publish("pull", {"dataset": "a"}).job_id
    async with working(queue, {"pull": nothing}) as worker:
        await until(lambda: queue.get(first).attempts == 1 and not worker.busy)
        second = queue.publish("pull", {"dataset": "b"}).job_id
        worker.wake()
        await until(lambda: queue.get(second).status is JobStatus.DONE)
        clock.tick(61)
        worker.wake()
        await until(lambda: queue.get(first).status is JobStatus.DONE)
    assert queue.get(first).attempts == 2


@pytest.mark.parametrize("end", ["error", "result"])
async def test_a_handler_that_turns_its_end_into_something_else(
    queue: SqliteQueue, end: str
) -> None:
    """Called off is called off, not tried again; what was done all the same is done."""
    started = asyncio.Event()

    async def stubborn(job: Job, context: Context) -> dict[str, Any]:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if end == "error":
                raise ServerError("the connection broke") from None
        return {"rows": 1}

    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": stubborn}) as worker:
        await started.wait()
        queue.cancel(job_id)
        worker.wake()
        await until(lambda: not worker.busy)
    job = queue.get(job_id)
    wanted = JobStatus.CANCELLED if end == "error" else JobStatus.DONE
    assert (job.status, job.attempts) == (wanted, 1)


async def test_a_handler_whose_lease_went_to_another_is_stopped(
    queue: SqliteQueue, clock: Clock
) -> None:
    """And settles nothing: the job is the other's."""
    started, stopped = asyncio.Event(), asyncio.Event()

    async def slow(job: Job, context: Context) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    job_id = queue.publish("pull").job_id
    limits = replace(QUICK, jobs=1, lease_seconds=0.03)
    with capture_logs() as lines:
        async with working(queue, {"pull": slow}, limits) as worker:
            await started.wait()
            clock.tick(8)
            taken = queue.claim("another", timedelta(hours=1))
            assert taken is not None
            await until(stopped.is_set)
            await until(lambda: not worker.busy)
    assert [line["outcome"] for line in lines if line["event"] == "job ended"] == ["lost"]
    assert (queue.get(job_id).status, queue.get(job_id).worker) == (JobStatus.RUNNING, "another")


async def test_no_more_jobs_run_at_a_time_than_are_allowed(queue: SqliteQueue) -> None:
    """Those beyond it wait, claimed by nobody, until one is through."""
    go, most = asyncio.Event(), 0

    async def slow(job: Job, context: Context) -> None:
        nonlocal most
        most = max(most, worker.busy)
        await go.wait()

    for number in range(QUICK.jobs + 2):
        queue.publish("pull", {"dataset": str(number)})
    async with working(queue, {"pull": slow}) as worker:
        await until(lambda: worker.busy >= QUICK.jobs)
        for _ in range(3):
            worker.wake()
            await asyncio.sleep(QUICK.poll_seconds)
        counts = queue.counts()
        assert (counts[JobStatus.RUNNING], counts[JobStatus.QUEUED]) == (QUICK.jobs, 2)
        go.set()
        await until(lambda: queue.counts()[JobStatus.DONE] == QUICK.jobs + 2)
    assert most == QUICK.jobs
