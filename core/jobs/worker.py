"""The worker: claims jobs, runs their handlers, keeps their leases, settles what they did.

One asyncio task a job. Handlers must be idempotent: a job is delivered at least once. Calls into
the queue run in threads, because they wait for the disk.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.errors import OpenbellError
from core.jobs.outcome import JobOutcome, Kind, of_failure
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.port import Hold, Job, JobQueue, JobStatus
from core.observe import events, logs, traces, work
from core.sources.pulled import Progress

log = logs.get("worker")
T = TypeVar("T")
TIDY_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler gets beside its job."""

    board: ProgressBoard
    job_id: str

    def report(
        self,
        message: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        percent: float | None = None,
    ) -> None:
        """Say how far the job is; pages and commands show it live."""
        self.board.report(self.job_id, Progress(message, rows, bytes, percent))


Handler = Callable[[Job, Context], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How a worker behaves; times in seconds."""

    jobs: int = 4
    lease_seconds: float = 60.0
    poll_seconds: float = 1.0
    grace_seconds: float = 10.0
    abandon_seconds: float = 5.0  # for a cancelled handler to stop
    keep_days: float = 60.0  # how long ended jobs stay in the history


@dataclass(slots=True)
class _Running:
    job: Job
    work: asyncio.Task[Mapping[str, Any] | None]
    reason: Kind | None = None


def _correlated(job: Job) -> AbstractContextManager[str]:
    """Everything logged about a job, by whatever delivery, carries one correlation id."""
    given = job.payload.get("correlation_id")
    return logs.correlated(given if isinstance(given, str) else job.id, job=job.id)


def _actor(job: Job) -> str:
    """Who asked for a job: whoever it names, the one at this machine, or the desk by itself."""
    given = job.payload.get("actor")
    if isinstance(given, str):
        return given
    return events.LOCAL if job.payload.get("trigger") == "manual" else events.DESK


def named(job: Job) -> str:
    """A job in words: its event, and its lane where that says more."""
    own = job.lane in (None, job.event_name)  # scans and the like have one lane for all
    return job.event_name if own else f"{job.event_name} {job.lane}"


def given_up(job: Job) -> events.Event:
    """The event of a job that is dead."""
    known = {
        "job": job.event_name,
        "dataset": job.payload.get("dataset"),
        "trigger": job.payload.get("trigger"),
        "attempts": job.attempts,
        "error": job.last_error,
    }
    sentence = f"{named(job)} failed: {job.last_error}"
    return events.Event.of("job.dead", job.id, sentence, who=_actor(job), after=known)


class Worker:
    """Runs jobs of a queue through `handlers` (by event name); a `Resource` of the runner.

    `exclusive` says that no other process works on this queue, so that whatever it left running
    is taken over at once instead of after its lease.
    """

    def __init__(
        self,
        queue: JobQueue,
        handlers: Mapping[str, Handler],
        board: ProgressBoard,
        now: Callable[[], datetime],
        *,
        limits: WorkerLimits | None = None,
        name: str = "worker",
        exclusive: bool = True,
        chance: Callable[[], float] = random.random,
        recorder: events.Recorder | None = None,
    ) -> None:
        self._events = recorder or events.Unrecorded()
        self._queue = queue
        self._handlers = dict(handlers)
        self._board = board
        self._now = now
        self._limits = limits or WorkerLimits()
        self._lease = timedelta(seconds=self._limits.lease_seconds)
        self._name = name
        self._exclusive = exclusive
        self._chance = chance
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._tidied: datetime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._wake = asyncio.Event()

    async def initialize(self) -> None:
        """Take over what a dead process left, then start claiming."""
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix=f"{self._name}-queue")
        self._stopping = False
        self._queue.on_dead = self._died
        found = await self._call(self._queue.recover, everything=self._exclusive)
        if found:
            log.info("jobs taken over", jobs=found)
        self._main = asyncio.create_task(self._claim_for_ever(), name="worker")

    async def close(self) -> None:
        """Claim no more; finish running jobs within the grace time, hand the others back."""
        self._stopping = True
        self._wake.set()
        if self._main is not None:
            await self._main
        ran = {job_id: named(running.job) for job_id, running in self._running.items()}
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.grace_seconds)
        left = {job_id: name for job_id, name in ran.items() if job_id in self._running}
        for running in list(self._running.values()):
            self._stop(running, "released")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.abandon_seconds)
        for running in list(self._running.values()):  # handlers that would not stop
            with _correlated(running.job):
                log.error("handler did not stop")
                await self._settle(running.job, JobOutcome("released"))
        if self._threads is not None:
            self._threads.shutdown()
        self._loop = None
        if ran:
            finished = [name for job_id, name in ran.items() if job_id not in left]
            log.warning("jobs at the stop", finished=finished, handed_back=[*left.values()])

    def wake(self) -> None:
        """Look at the queue now; may be called from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    @property
    def alive(self) -> bool:
        """Whether jobs are being claimed."""
        return self._main is not None and not self._main.done()

    @property
    def busy(self) -> int:
        """How many jobs run."""
        return len(self._running)

    async def _call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call the queue in a thread of its own: handlers may hold all of the loop's threads."""
        call = functools.partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _claim_for_ever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._stop_cancelled()
                await self._fill()
                await self._forget_old()
            except Exception:  # a full disk must not end the worker
                log.exception("queue not usable")
                await asyncio.sleep(self._limits.poll_seconds)
            try:
                await asyncio.wait_for(self._wake.wait(), self._limits.poll_seconds)
            except TimeoutError:
                continue

    async def _fill(self) -> None:
        while len(self._running) < self._limits.jobs and not self._stopping:
            job = await self._call(self._queue.claim, self._name, self._lease, list(self._handlers))
            if job is None:
                return
            if job.id in self._running:
                # the clock jumped past the lease (the machine slept): it is still ours
                self._running[job.id].job = job
            else:
                self._begin(job)

    def _begin(self, job: Job) -> None:
        self._board.start(job.id, job.lane or "")
        waited = (self._now() - job.run_at).total_seconds()
        work.QUEUE_LATENCY_SECONDS.labels(job.event_name).observe(max(0.0, waited))
        # tasks keep the context in which they were made
        with _correlated(job), events.acting(_actor(job)):
            task_of = asyncio.ensure_future(self._handle(job))
            running = self._running[job.id] = _Running(job, task_of)
            task = asyncio.create_task(self._see_through(running), name=f"job-{job.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, job: Job) -> Mapping[str, Any] | None:
        with (
            traces.resumed(job.payload.get(traces.FIELD)),
            traces.span(f"job {job.event_name}", job=job.id, lane=job.lane, attempt=job.attempts),
        ):
            return await self._handlers[job.event_name](job, Context(self._board, job.id))

    async def _see_through(self, running: _Running) -> None:
        pulse = asyncio.create_task(self._pulse(running))
        try:
            outcome = await self._outcome(running)
        finally:
            pulse.cancel()
        try:
            await self._settle(running.job, outcome)
        finally:
            self._running.pop(running.job.id, None)
            self._board.finish(running.job.id)
            self._wake.set()

    async def _outcome(self, running: _Running) -> JobOutcome:
        await asyncio.wait([running.work])
        if running.work.cancelled():
            return JobOutcome(running.reason or "released")
        error = running.work.exception()
        if error is None:  # also when it was called off too late
            return JobOutcome("done", result=running.work.result())
        if running.reason is not None:
            return JobOutcome(running.reason)
        if not isinstance(error, Exception):
            raise error
        if not isinstance(error, OpenbellError):
            log.error("handler failed", exc_info=error)
        return of_failure(error, running.job, self._now(), self._chance())

    async def _settle(self, job: Job, outcome: JobOutcome) -> None:
        try:
            kind = await self._call(self._write, job, outcome)
        except OpenbellError as error:  # its lease will end, and it is delivered again
            log.error("job not settled", error=str(error))
            return
        except Exception:
            log.exception("job not settled")
            return
        if kind == "dead":
            self._died(replace(job, status=JobStatus.DEAD, last_error=outcome.error))
            return
        log.info("job ended", event_name=job.event_name, outcome=kind, error=outcome.error,
                 retry_at=outcome.retry_at)  # fmt: skip

    def _died(self, job: Job) -> None:
        """Nobody tries this job again by itself: say so, in the log and to whoever looks."""
        with _correlated(job):
            self._events.record(given_up(job))
            log.error("job dead", event_name=job.event_name, lane=job.lane, attempts=job.attempts,
                      error=job.last_error)  # fmt: skip

    def _write(self, job: Job, outcome: JobOutcome) -> Kind:
        """Settle the job in the queue; the kind of end that came of it."""
        match outcome:
            case JobOutcome(kind="done"):
                self._queue.ack(job, outcome.result)
            case JobOutcome(kind="retry", error=str(error), retry_at=datetime() as retry_at):
                if self._queue.retry(job, error, retry_at) is JobStatus.DEAD:
                    return "dead"
            case JobOutcome(kind="waits", error=str(error), retry_at=datetime() as retry_at):
                self._queue.postpone(job, error, retry_at)
            case JobOutcome(kind="dead", error=str(error)):
                self._queue.bury(job, error)
            case JobOutcome(kind="cancelled"):
                self._queue.drop(job)
            case JobOutcome(kind="released"):
                self._queue.release(job)
        return outcome.kind

    async def _pulse(self, running: _Running) -> None:
        """Heartbeat: keep the lease while the handler works, stop it when the lease is lost."""
        while True:
            await asyncio.sleep(self._limits.lease_seconds / 3)
            try:
                hold = await self._call(self._queue.extend, running.job, self._lease)
            except OpenbellError as error:  # the next beat may reach the disk again
                log.error("heartbeat failed", error=str(error))
                continue
            except Exception:
                log.exception("heartbeat failed")
                continue
            if hold is Hold.LOST:
                self._stop(running, "lost")

    async def _forget_old(self) -> None:
        now = self._now()
        if self._tidied is None or abs(now - self._tidied) > TIDY_EVERY:
            self._tidied = now
            keep = timedelta(days=self._limits.keep_days)
            await self._call(self._queue.purge, now - keep)

    async def _stop_cancelled(self) -> None:
        if not self._running:
            return
        jobs = await self._call(self._queue.find, [JobStatus.RUNNING], limit=1000)
        for job in jobs:
            if job.cancel_requested and job.id in self._running:
                self._stop(self._running[job.id], "cancelled")

    def _stop(self, running: _Running, reason: Kind) -> None:
        if running.reason is None:
            running.reason = reason
            running.work.cancel()
