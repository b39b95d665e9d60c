"""The worker: concurrency, retries, cancellation, leases and a graceful end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from core.errors import (
    BlockedError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    SettingsError,
    StoreError,
    UpstreamDownError,
)
from core.jobs.outcome import of_failure
from core.jobs.queue.port import Job, JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.worker import Context
from tests.queues import Clock
from tests.recorded import Recorded
from tests.working import QUICK, until, working

NOW = datetime(2025, 7, 1, tzinfo=UTC)


async def test_jobs_run_and_leave_results(queue: SqliteQueue) -> None:
    """A handler's result is stored with its job, and progress is on the board."""

    async def handler(job: Job, context: Context) -> dict[str, Any]:
        context.report("half way", rows=5, percent=50.0)
        return {"rows": 10}

    job_id = queue.publish("pull", {"dataset": "d"}).job_id
    async with working(queue, {"pull": handler}) as worker:
        await until(lambda: queue.counts()[JobStatus.DONE])
        await until(lambda: not worker.busy)
        live = worker._board.get(job_id)
        assert live is not None
        said = live.events[0]
        assert live.so_far == said
        assert (said.rows, said.percent, said.message) == (5, 50.0, "half way")
        assert live.finished_at is not None
    assert queue.get(job_id).result == {"rows": 10}


async def test_limits_hold(queue: SqliteQueue) -> None:
    """Never more than the limit in all, never two of one dataset."""
    now: list[str | None] = []
    most: list[int] = []

    full = asyncio.Event()  # three at a time were seen: until then nobody ends

    async def handler(job: Job, context: Context) -> None:
        assert job.lane not in now
        now.append(job.lane)
        most.append(len(now))
        if len(now) == 3:
            full.set()
        await full.wait()
        now.remove(job.lane)

    for n in range(12):
        queue.publish("pull", {"dataset": f"d{n % 5}"})
    async with working(queue, {"pull": handler}):
        await until(lambda: queue.counts()[JobStatus.DONE] == 12)
    assert max(most) == 3


async def test_passing_failure_is_retried_then_buried(queue: SqliteQueue, clock: Clock) -> None:
    """A transient error costs an attempt; another error buries at once, with its sentence."""

    async def flaky(job: Job, context: Context) -> None:
        raise ServerError("503", where="sec.gov")

    async def wrong(job: Job, context: Context) -> None:
        raise NotFoundError("no such dataset")

    async def broken(job: Job, context: Context) -> None:
        raise ZeroDivisionError("oops")

    ids = {name: queue.publish(name).job_id for name in ("flaky", "wrong", "broken")}
    async with working(queue, {"flaky": flaky, "wrong": wrong, "broken": broken}) as worker:
        await until(lambda: queue.counts()[JobStatus.DEAD] == 2)
        await until(lambda: not worker.busy)
    waiting = queue.get(ids["flaky"])
    assert (waiting.status, waiting.last_error) == (JobStatus.QUEUED, "503 [sec.gov].")
    assert waiting.run_at - clock() == timedelta(seconds=1)
    assert queue.get(ids["wrong"]).last_error == "no such dataset."
    assert queue.get(ids["broken"]).last_error == "unexpected ZeroDivisionError: oops"


def test_delay_follows_the_error() -> None:
    """Retry-After is honoured up to an hour, a block is waited out, a full disk tried again."""
    job = Job("1", "pull", {}, JobStatus.RUNNING, NOW, NOW, NOW, attempts=3)

    def delay(error: Exception, fraction: float = 0.0) -> timedelta | None:
        at = of_failure(error, job, NOW, fraction).retry_at
        return at - NOW if at else None

    assert delay(ServerError("x")) == timedelta(seconds=4)
    assert delay(ServerError("x"), 1.0) == timedelta(seconds=8)
    assert delay(RateLimitedError("x", retry_after_seconds=90)) == timedelta(seconds=90)
    assert delay(RateLimitedError("x", retry_after_seconds=9e9)) == timedelta(hours=1)
    assert delay(BlockedError("x", until=NOW + timedelta(minutes=10))) == timedelta(minutes=10)
    assert delay(StoreError("disk full")) == timedelta(seconds=4)
    assert delay(NotFoundError("x")) is None


async def test_cancel_stops_a_running_handler(queue: SqliteQueue) -> None:
    """Cancelling ends the handler at its next await and the job is cancelled, not retried."""
    started = asyncio.Event()

    async def slow(job: Job, context: Context) -> None:
        started.set()
        await asyncio.sleep(60)

    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": slow}) as worker:
        await started.wait()
        queue.cancel(job_id)
        worker.wake()
        await until(lambda: queue.get(job_id).status is JobStatus.CANCELLED)


async def test_long_job_keeps_its_lease(queue: SqliteQueue, clock: Clock) -> None:
    """The heartbeat extends the lease, so nobody else gets the job."""
    limits = replace(QUICK, lease_seconds=0.3)

    async def slow(job: Job, context: Context) -> None:
        for _ in range(3):
            clock.tick(0.2)
            ahead = clock() + timedelta(seconds=0.3)
            await until(lambda ahead=ahead: queue.get(job.id).lease_until == ahead)

    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": slow}, limits):
        await until(lambda: queue.get(job_id).status is JobStatus.DONE)
    assert queue.get(job_id).attempts == 1


async def test_machine_that_slept_keeps_its_job(queue: SqliteQueue, clock: Clock) -> None:
    """A clock that jumps past the lease does not start the running job a second time."""
    runs: list[int] = []
    go = asyncio.Event()

    async def handler(job: Job, context: Context) -> None:
        runs.append(job.attempts)
        await go.wait()

    job_id = queue.publish("pull", {"dataset": "d"}).job_id
    async with working(queue, {"pull": handler}) as worker:
        await until(lambda: runs)
        clock.tick(8 * 3600)
        await until(lambda: worker._running[job_id].job.attempts == 2)
        go.set()
        await until(lambda: queue.get(job_id).status is JobStatus.DONE)
    assert runs == [1]


async def test_shutdown_waits_for_what_is_nearly_done(queue: SqliteQueue) -> None:
    """Within the grace time a job is finished; no lease is left."""
    started = asyncio.Event()

    async def handler(job: Job, context: Context) -> None:
        started.set()
        await asyncio.sleep(0.05)

    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": handler}):
        await started.wait()
    assert queue.get(job_id).status is JobStatus.DONE


@pytest.mark.parametrize("stubborn", [False, True])
async def test_shutdown_hands_back_what_takes_longer(queue: SqliteQueue, stubborn: bool) -> None:
    """After the grace time jobs are queued again as if untouched, also if they will not stop."""
    started = asyncio.Event()
    release = asyncio.Event()

    async def handler(job: Job, context: Context) -> None:
        started.set()
        while stubborn and not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        await asyncio.sleep(60)

    job_id = queue.publish("pull").job_id
    async with working(queue, {"pull": handler}):
        await started.wait()
    job = queue.get(job_id)
    assert (job.status, job.attempts, job.lease_until) == (JobStatus.QUEUED, 0, None)
    release.set()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_start_takes_over_what_a_dead_process_left(queue: SqliteQueue) -> None:
    """A job found running at the start is run again at once."""
    queue.publish("pull")
    queue.claim("dead process", timedelta(hours=1))

    async def handler(job: Job, context: Context) -> None:
        return None

    async with working(queue, {"pull": handler}):
        await until(lambda: queue.counts()[JobStatus.DONE])


async def test_the_death_of_a_job_is_told_whatever_it_died_of(queue: SqliteQueue) -> None:
    """Used-up attempts, an error that stays, a worker that died too often: event and log line."""
    doomed = queue.publish("flaky", {"correlation_id": "press-1"}).job_id
    wrong = queue.publish("wrong").job_id
    queue._max_deliveries = 1
    killed = queue.publish("killer").job_id
    queue.claim("worker", timedelta(seconds=60), ["killer"])

    async def flaky(job: Job, context: Context) -> None:
        raise ServerError("503", where="sec.gov")

    async def lasting(job: Job, context: Context) -> None:
        raise NotFoundError("no such dataset")

    with capture_logs(processors=[merge_contextvars]) as lines:
        handlers = {"flaky": flaky, "wrong": lasting, "killer": flaky}
        async with working(queue, handlers, recorder=(told := Recorded())) as worker:
            await until(lambda: queue.get(wrong).status is JobStatus.DEAD)
            await until(lambda: queue.get(doomed).attempts == 1 and not worker.busy)
            queue.hurry([doomed])
            worker.wake()
            await until(lambda: queue.get(doomed).status is JobStatus.DEAD and not worker.busy)
    dead = {e.subject: e for e in told.events if e.kind.name == "job.dead"}
    assert set(dead) == {doomed, wrong, killed}
    assert dead[doomed].correlation_id == "press-1"
    logged = {line["job"]: line for line in lines if line["event"] == "job dead"}
    assert set(logged) == {doomed, wrong, killed}
    assert (logged[doomed]["correlation_id"], logged[doomed]["log_level"]) == ("press-1", "error")
    assert "its worker stopped" in logged[killed]["error"]
    about = [line for line in lines if line.get("job") == doomed]
    assert {line["correlation_id"] for line in about} == {"press-1"}
    assert [line["event"] for line in about] == ["job ended", "job dead"]


async def test_a_job_that_waits_for_its_host_spends_no_attempt(
    queue: SqliteQueue, clock: Clock
) -> None:
    """However often it is delivered meanwhile."""
    at = clock() + timedelta(hours=1)

    async def down(job: Job, context: Context) -> None:
        raise UpstreamDownError("container down", until=at)

    job_id = queue.publish("pull", {"dataset": "d"}).job_id
    async with working(queue, {"pull": down}) as worker:
        for _ in range(4):
            await until(lambda: queue.get(job_id).run_at == at and not worker.busy)
            queue.hurry([job_id])
            worker.wake()
        await until(lambda: queue.get(job_id).run_at == at and not worker.busy)
    waiting = queue.get(job_id)
    assert (waiting.status, waiting.attempts) == (JobStatus.QUEUED, 0)
    assert waiting.last_error == "container down."


def test_who_waits_for_a_host_does_not_spin_while_it_is_asked() -> None:
    """The instant of a probe is past while the probe is under way, for up to half a minute."""
    job = Job("1", "pull", {}, JobStatus.RUNNING, NOW, NOW, NOW, attempts=1)
    outcome = of_failure(UpstreamDownError("x", until=NOW - timedelta(seconds=1)), job, NOW, 0.0)
    assert outcome.retry_at is not None
    assert outcome.retry_at - NOW >= timedelta(seconds=5)


def test_a_window_waits_for_a_setting_and_nothing_else_does() -> None:
    """Its successor stands for it, so that a contact that lacks makes no dead letter a minute; what
    somebody pressed, or an alert to an address that none knows, ends at once.
    """
    error = SettingsError("the contact is not set")
    window = {"due_at": NOW.isoformat(), "closes_at": NOW.isoformat()}
    ends = []
    for payload in (window, {"trigger": "manual"}, {"owed": True}):
        job = Job("1", "pull", payload, JobStatus.RUNNING, NOW, NOW, NOW, attempts=1)
        found = of_failure(error, job, NOW, 0.0)
        ends.append((found.kind, found.retry_at and found.retry_at - NOW))
    assert ends == [("waits", timedelta(minutes=1)), ("dead", None), ("dead", None)]


def test_pauses_of_a_window_grow_with_its_age() -> None:
    """From seconds to ten minutes, and no attempt is spent."""
    payload = {"due_at": NOW.isoformat(), "closes_at": (NOW + timedelta(days=1)).isoformat()}
    job = Job("1", "pull", payload, JobStatus.RUNNING, NOW, NOW, NOW, attempts=1)
    pauses = []
    for minutes in (0, 2, 10, 600):
        now = NOW + timedelta(minutes=minutes)
        outcome = of_failure(ServerError("x"), job, now, 1.0)
        assert (outcome.kind, outcome.retry_at is not None) == ("waits", True)
        pauses.append((outcome.retry_at or now) - now)
    assert [pause.total_seconds() for pause in pauses] == [10, 30, 150, 600]
