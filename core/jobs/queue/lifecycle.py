"""What becomes of a job, whatever keeps the rows: joined, claimed, settled, recovered, set aside.

An adapter keeps the rows: it finds them, writes them, and makes of each change one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import IntegrityError, NotFoundError, UsageError
from core.jobs.queue import rows
from core.jobs.queue.keeping import Due, JobRows, Row
from core.jobs.queue.port import LIVE, STOPPED, Hold, Job, JobStatus, Message, Published
from core.observe import traces

_UNHELD = {"lease_until": None, "worker": None, "cancel_requested": False}


class JobLifecycle(JobRows):
    """The changing half of a `JobQueue`. The limits bound how often a job is tried.

    `max_attempts` bounds failures; `max_deliveries` bounds how often a job may be found in the
    hands of a worker that died, so that a job which kills its process does not do so for ever.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        max_attempts: int = 5,
        max_deliveries: int = 25,
        on_corrupt: Callable[[Job], None] | None = None,
    ) -> None:
        self._now = clock
        self._max_attempts = max_attempts
        self._max_deliveries = max_deliveries
        self._on_corrupt = on_corrupt
        self.on_dead: Callable[[Job], None] | None = None
        self._last_id = 0
        self._tail = secrets.token_hex(3)

    def publish(
        self,
        event_name: str,
        payload: Mapping[str, Any] | None = None,
        *,
        dedupe_key: str | None = None,
        priority: int = 0,
        run_at: datetime | None = None,
        once: bool = False,
    ) -> Published:
        """See JobQueue."""
        message = Message(event_name, payload or {}, dedupe_key, priority, run_at, once)
        return self.publish_many([message])[0]

    def publish_many(self, messages: Sequence[Message]) -> list[Published]:
        """See JobQueue."""
        if not messages:
            return []
        for message in messages:
            rows.must_be_short(message.payload)
        now = self._now()

        def work() -> list[Published]:
            fresh: list[Job] = []
            published = [self._publish(message, now, fresh) for message in messages]
            self._add(fresh)
            return published

        return self._change(work)

    def claim(
        self, worker: str, lease: timedelta, events: Collection[str] | None = None
    ) -> Job | None:
        """See JobQueue."""
        due = Due(self._now(), events)
        stale, waiting = self._at_hand(due)
        if stale:
            self.recover()
        elif not waiting:  # an idle worker takes no write lock
            return None
        return self._change(lambda: self._claim(due, worker, due.now + lease))

    def extend(self, job: Job, lease: timedelta) -> Hold:
        """See JobQueue."""
        held = self._settle(job, lease_until=self._now() + lease)
        if held is None:
            return Hold.LOST
        return Hold.CANCEL if held.cancel_requested else Hold.HELD

    def ack(self, job: Job, result: Mapping[str, Any] | None = None) -> bool:
        """See JobQueue."""
        return self._settle(job, status=JobStatus.DONE, result=result, last_error=None) is not None

    def retry(self, job: Job, error: str, run_at: datetime) -> JobStatus:
        """See JobQueue."""
        spent = job.attempts >= self._max_attempts
        status = JobStatus.DEAD if spent else JobStatus.QUEUED
        settled = self._settle(job, status=status, last_error=error, run_at=run_at)
        return settled.status if settled else self.get(job.id).status

    def postpone(self, job: Job, error: str, run_at: datetime) -> bool:
        """See JobQueue."""
        attempts = max(job.attempts - 1, 0)
        waits = {"status": JobStatus.QUEUED, "attempts": attempts, "run_at": run_at}
        return self._settle(job, last_error=error, **waits) is not None

    def hurry(self, job_ids: Collection[str]) -> int:
        """See JobQueue."""
        now = self._now()

        def work() -> int:
            found = self._intact(self._named(job_ids))
            late = [job for job in found if job.status is JobStatus.QUEUED and job.run_at > now]
            for job in late:
                self._store(job, run_at=now)
            return len(late)

        return self._change(work)

    def bury(self, job: Job, error: str) -> bool:
        """See JobQueue."""
        return self._settle(job, status=JobStatus.DEAD, last_error=error) is not None

    def release(self, job: Job) -> bool:
        """See JobQueue."""
        attempts = max(job.attempts - 1, 0)
        return self._settle(job, status=JobStatus.QUEUED, attempts=attempts) is not None

    def drop(self, job: Job) -> bool:
        """See JobQueue."""
        return self._settle(job, status=JobStatus.CANCELLED) is not None

    def recover(self, *, everything: bool = False) -> int:
        """See JobQueue."""
        now = self._now()
        if not self._stale(now, everything=everything):
            return 0
        stale = self._change(
            lambda: [
                self._recover(job) for job in self._intact(self._stale(now, everything=everything))
            ]
        )
        for job in stale:
            if self.on_dead and job.status is JobStatus.DEAD:
                self.on_dead(job)
        return len(stale)

    def cancel(self, job_id: str) -> JobStatus:
        """See JobQueue."""

        def work() -> JobStatus:
            job = self.get(job_id)
            if job.status is JobStatus.QUEUED:
                return self._store(job, status=JobStatus.CANCELLED).status
            if job.status is JobStatus.RUNNING:
                return self._store(job, cancel_requested=True).status
            return job.status

        return self._change(work)

    def revive(self, job_id: str) -> Job:
        """See JobQueue."""

        def work() -> Job:
            job = self._ended(job_id, (JobStatus.DEAD, JobStatus.CANCELLED), "queued again")
            return self._store(job, status=JobStatus.QUEUED, attempts=0, run_at=self._now())

        return self._change(work)

    def discard(self, job_id: str) -> Job:
        """See JobQueue."""

        def work() -> Job:
            job = self._ended(job_id, (JobStatus.DEAD, JobStatus.CORRUPT), "discarded")
            return self._store(job, status=JobStatus.DISCARDED)

        return self._change(work)

    def verify(self) -> list[str]:
        """See JobQueue."""

        def work() -> list[str]:
            damaged = [row for row in self._every() if not rows.is_intact(row)]
            return [self._set_aside(row).id for row in damaged]

        return self._change(work)

    def get(self, job_id: str) -> Job:
        """See JobQueue."""
        row = self._row(job_id)
        if row is None:
            raise NotFoundError(f"there is no job {job_id!r}", hint="jobs list shows those known")
        return rows.from_row(row)

    def _publish(self, message: Message, now: datetime, fresh: list[Job]) -> Published:
        """Join a twin, or make a job: added to `fresh`, or stored when it may have twins."""
        if message.dedupe_key is None:
            job = self._new_job(message, now)
            fresh.append(job)
            return Published(job.id, joined=False)
        known = self._twin(message, message.dedupe_key)
        if known is not None:
            return Published(known.id, joined=not self._renewed(known, message, now))
        job = self._new_job(message, now)
        self._add([job])
        return Published(job.id, joined=False)

    def _new_job(self, message: Message, now: datetime) -> Job:
        return Job(
            id=self._new_id(now),
            event_name=message.event_name,
            payload=_traced(message.payload),
            status=JobStatus.QUEUED,
            created_at=now,
            updated_at=now,
            run_at=message.run_at or now,
            priority=message.priority,
            lane=message.lane,
            dedupe_key=message.dedupe_key,
        )

    def _twin(self, message: Message, dedupe_key: str) -> Job | None:
        """The job that a message with a dedupe key joins; not one that is being called off."""
        same = self._intact(self._twins(dedupe_key, ended=message.once))
        joinable = (JobStatus.QUEUED,) if message.behind_running else LIVE
        live = [job for job in same if job.status in joinable and not job.cancel_requested]
        return next(iter(live or (same if message.once else [])), None)

    def _renewed(self, job: Job, message: Message, now: datetime) -> bool:
        """Whether a message has queued the job again that it joins; else it is brought forward."""
        given_up = (job.last_error or "").startswith(STOPPED)  # or it would end the process again
        if message.again and job.status not in LIVE and not given_up:
            self._store(job, status=JobStatus.QUEUED, attempts=0, run_at=message.run_at or now)
            return True
        if message.again or not message.once:
            self._bring_forward(job, message)
        return False

    def _bring_forward(self, job: Job, message: Message) -> None:
        run_at = min(job.run_at, message.run_at or self._now())
        priority = max(job.priority, message.priority)
        if job.status is JobStatus.QUEUED and (run_at, priority) != (job.run_at, job.priority):
            self._store(job, run_at=run_at, priority=priority)

    def _claim(self, due: Due, worker: str, lease_until: datetime) -> Job | None:
        while found := self._first_due(due):
            for job in self._intact(found):
                return self._store(
                    job,
                    status=JobStatus.RUNNING,
                    attempts=job.attempts + 1,
                    worker=worker,
                    lease_until=lease_until,
                )
        return None

    def _recover(self, job: Job) -> Job:
        if job.cancel_requested:
            return self._store(job, status=JobStatus.CANCELLED)
        if job.attempts >= self._max_deliveries:
            error = f"{STOPPED} {job.attempts} times while it ran"
            return self._store(job, status=JobStatus.DEAD, last_error=error)
        return self._store(job, status=JobStatus.QUEUED)

    def _settle(self, job: Job, **changes: Any) -> Job | None:
        """Change a job if this delivery still holds it; None when it does not."""

        def work() -> Job | None:
            known = self.get(job.id)
            held = (known.status, known.worker, known.attempts)
            if held != (JobStatus.RUNNING, job.worker, job.attempts):
                return None
            return self._store(known, **changes)

        return self._change(work)

    def _store(self, job: Job, **changes: Any) -> Job:
        if changes.get("status", job.status) is not JobStatus.RUNNING:
            changes |= _UNHELD
        fresh = replace(job, updated_at=self._now(), **changes)
        self._update(fresh, job)
        return fresh

    def _ended(self, job_id: str, allowed: Collection[JobStatus], what: str) -> Job:
        job = self.get(job_id)
        if job.status not in allowed:
            names = " or ".join(allowed)
            raise UsageError(f"job {job_id} is {job.status}; only {names} jobs can be {what}")
        return job

    def _intact(self, found: Iterable[Row]) -> list[Job]:
        """The jobs of rows; a row that does not fit its checksum is set aside, never run."""
        good = []
        for row in found:
            try:
                good.append(rows.from_row(row))
            except IntegrityError:
                self._set_aside(row)
        return good

    def _set_aside(self, row: Row) -> Job:
        now = self._now()
        error = "the row did not fit its checksum; it was set aside and never run"
        job = Job(ascii(row[0])[1:-1], ascii(row[1])[1:-1], {"row": ascii(tuple(row))},
                  JobStatus.CORRUPT, now, now, now, last_error=error)  # fmt: skip
        self._replace(str(row[0]), job)
        if self._on_corrupt:
            self._on_corrupt(job)
        return job

    def _new_id(self, now: datetime) -> str:
        """Ids sort in the order of publishing; the tail keeps two processes apart."""
        self._last_id = max(int(now.timestamp() * 1e6), self._last_id + 1)
        return f"{self._last_id:014x}{self._tail}"


def _traced(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload with the trace in which the job was asked for, while traces are on."""
    carried = traces.carrier()
    return payload if carried is None else {traces.FIELD: carried, **payload}
