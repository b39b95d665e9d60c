"""The job queue in one SQLite file: WAL, `synchronous=FULL`, a checksum in every row.

A method has reached the disk when it returns, so `kill -9` at any instant loses nothing that was
acknowledged.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.jobs.queue import rows
from core.jobs.queue.file import SqliteFile
from core.jobs.queue.port import ENDED, LIVE, STOPPED, Hold, Job, JobStatus, Message, Published
from core.jobs.queue.reading import QueueReader
from core.observe import traces
from core.store.presence import unadvised

_DUE = (
    rows.SELECT  # noqa: S608 - constants only
    + " WHERE status = 'queued' AND run_at <= :now"
    " AND (lane IS NULL OR lane NOT IN"
    " (SELECT lane FROM jobs WHERE status = 'running' AND lane IS NOT NULL))"
    " AND (:events IS NULL OR event_name IN (SELECT value FROM json_each(:events)))"
    " ORDER BY priority DESC, id LIMIT 1"
)
_TWINS = (
    rows.SELECT
    + " WHERE dedupe_key = ? AND (? OR status IN ('queued', 'running')) ORDER BY id DESC"
)
_NAMED = rows.SELECT + " WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants


def _traced(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload with the trace in which the job was asked for, while traces are on."""
    carried = traces.carrier()
    return payload if carried is None else {traces.FIELD: carried, **payload}


class SqliteQueue(QueueReader):
    """A `JobQueue` in a file. The limits bound how often a job is tried.

    `max_attempts` bounds failures; `max_deliveries` bounds how often a job may be found in the
    hands of a worker that died, so that a job which kills its process does not do so for ever.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        *,
        max_attempts: int = 5,
        max_deliveries: int = 25,
        on_corrupt: Callable[[Job], None] | None = None,
        accept_loss: bool = False,
        advise: Callable[[str], str] = unadvised,
    ) -> None:
        self._now = clock
        self._max_attempts = max_attempts
        self._max_deliveries = max_deliveries
        self._on_corrupt = on_corrupt
        self.on_dead: Callable[[Job], None] | None = None
        self._last_id = 0
        self._tail = secrets.token_hex(3)
        super().__init__(
            SqliteFile(path, rows.SCHEMA, layout=1, accept_loss=accept_loss, advise=advise)
        )

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
        now = self._now()
        fresh: list[Job] = []
        with self._file.write():
            published = [self._publish(message, now, fresh) for message in messages]
            self._file.put(rows.INSERT, [rows.to_row(job) for job in fresh])
        return published

    def claim(
        self, worker: str, lease: timedelta, events: Collection[str] | None = None
    ) -> Job | None:
        """See JobQueue."""
        now = self._now()
        asked = {"now": rows.stamp(now), "events": rows.names(events)}
        self.recover()
        if not self._file.read(_DUE, asked):  # an idle worker takes no write lock
            return None
        with self._file.write():
            return self._claim(asked, worker, now + lease)

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
        with self._file.write():
            found = self._intact(self._file.read(_NAMED, (rows.names(job_ids),)))
            late = [job for job in found if job.status is JobStatus.QUEUED and job.run_at > now]
            for job in late:
                self._store(job, run_at=now)
            return len(late)

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
        sql = rows.SELECT + " WHERE status = 'running' AND (:all OR lease_until <= :now)"
        asked = {"all": everything, "now": rows.stamp(self._now())}
        if not self._file.read(sql, asked):
            return 0
        with self._file.write():
            stale = [self._recover(job) for job in self._intact(self._file.read(sql, asked))]
        for job in stale:
            if self.on_dead and job.status is JobStatus.DEAD:
                self.on_dead(job)
        return len(stale)

    def cancel(self, job_id: str) -> JobStatus:
        """See JobQueue."""
        with self._file.write():
            job = self.get(job_id)
            if job.status is JobStatus.QUEUED:
                return self._store(job, status=JobStatus.CANCELLED).status
            if job.status is JobStatus.RUNNING:
                return self._store(job, cancel_requested=True).status
            return job.status

    def revive(self, job_id: str) -> Job:
        """See JobQueue."""
        with self._file.write():
            job = self._ended(job_id, (JobStatus.DEAD, JobStatus.CANCELLED), "queued again")
            return self._store(job, status=JobStatus.QUEUED, attempts=0, run_at=self._now())

    def discard(self, job_id: str) -> Job:
        """See JobQueue."""
        with self._file.write():
            job = self._ended(job_id, (JobStatus.DEAD, JobStatus.CORRUPT), "discarded")
            return self._store(job, status=JobStatus.DISCARDED)

    def purge(self, before: datetime) -> int:
        """See JobQueue."""
        with self._file.write():
            return self._file.change(
                "DELETE FROM jobs WHERE updated_at < ?"
                " AND status IN (SELECT value FROM json_each(?))",
                (rows.stamp(before), rows.names(ENDED)),
            )

    def verify(self) -> list[str]:
        """See JobQueue."""
        with self._file.write():
            damaged = [row for row in self._file.read(rows.SELECT) if not rows.is_intact(row)]
            return [self._set_aside(row).id for row in damaged]

    def close(self) -> None:
        """See JobQueue."""
        self._file.close()

    def _publish(self, message: Message, now: datetime, fresh: list[Job]) -> Published:
        """Join a twin, or make a job: added to `fresh`, or stored when it may have twins."""
        known = self._twin(message)
        if known is not None:
            return Published(known.id, joined=not self._renewed(known, message, now))
        job = self._new_job(message, now)
        if message.dedupe_key is None:
            fresh.append(job)
        else:
            self._file.put(rows.INSERT, [rows.to_row(job)])
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

    def _twin(self, message: Message) -> Job | None:
        """The job that a message with a dedupe key joins; not one that is being called off."""
        if message.dedupe_key is None:
            return None
        same = self._intact(self._file.read(_TWINS, (message.dedupe_key, message.once)))
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

    def _claim(self, asked: Mapping[str, Any], worker: str, lease_until: datetime) -> Job | None:
        while found := self._file.read(_DUE, asked):
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
        with self._file.write():
            known = self.get(job.id)
            held = (known.status, known.worker, known.attempts)
            if held != (JobStatus.RUNNING, job.worker, job.attempts):
                return None
            return self._store(known, **changes)

    def _store(self, job: Job, **changes: Any) -> Job:
        fresh = replace(job, updated_at=self._now(), **changes)
        if fresh.status is not JobStatus.RUNNING:
            fresh = replace(fresh, lease_until=None, worker=None, cancel_requested=False)
        row = rows.to_row(fresh)
        self._file.put(rows.UPDATE, [(*row[1:], row[0])])
        return fresh

    def _ended(self, job_id: str, allowed: Collection[JobStatus], what: str) -> Job:
        job = self.get(job_id)
        if job.status not in allowed:
            names = " or ".join(allowed)
            raise UsageError(f"job {job_id} is {job.status}; only {names} jobs can be {what}")
        return job

    def _intact(self, found: Sequence[Sequence[Any]]) -> list[Job]:
        """The jobs of rows; a row that does not fit its checksum is set aside, never run."""
        good = []
        for row in found:
            if rows.is_intact(row):
                good.append(rows.from_row(row))
            else:
                self._set_aside(row)
        return good

    def _set_aside(self, row: Sequence[Any]) -> Job:
        now = self._now()
        error = "the row did not fit its checksum; it was set aside and never run"
        job = Job(ascii(row[0])[1:-1], ascii(row[1])[1:-1], {"row": ascii(tuple(row))},
                  JobStatus.CORRUPT, now, now, now, last_error=error)  # fmt: skip
        # the key itself may be damaged, so it goes back as the bytes it came as
        key = str(row[0]).encode("utf-8", "surrogateescape")
        self._file.change("DELETE FROM jobs WHERE id = CAST(? AS TEXT)", (key,))
        self._file.put(rows.INSERT.replace("INSERT", "INSERT OR REPLACE", 1), [rows.to_row(job)])
        if self._on_corrupt:
            self._on_corrupt(job)
        return job

    def _new_id(self, now: datetime) -> str:
        """Ids sort in the order of publishing; the tail keeps two processes apart."""
        self._last_id = max(int(now.timestamp() * 1e6), self._last_id + 1)
        return f"{self._last_id:014x}{self._tail}"
