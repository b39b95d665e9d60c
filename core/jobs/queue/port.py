"""The job queue as everyone else sees it: a port, and the frozen records it hands out.

Delivery is at least once and handlers are idempotent, so effects happen exactly once. A job
that is claimed belongs to its worker until the lease ends; `attempts` counts deliveries and
doubles as the fencing token: a worker whose lease went to another can no longer settle the job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

FRONT = 100
"""Priority of *refresh now*: greater runs first, the scheduler publishes with 0."""


class JobStatus(StrEnum):
    """Where a job stands. `corrupt`: its row no longer fits its checksum, it is never run."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"
    CORRUPT = "corrupt"


STOPPED = "its worker stopped"
"""How the last error of a job begins that was given up because its workers died with it."""

LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)
ENDED = (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.DISCARDED)


class Hold(StrEnum):
    """What a heartbeat learns: still ours, ours but called off, or no longer ours."""

    HELD = "held"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the queue. Jobs with the same `lane` (a dataset) never run side by side."""

    id: str
    event_name: str
    payload: Mapping[str, Any]
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    run_at: datetime
    attempts: int = 0
    priority: int = 0
    lease_until: datetime | None = None
    worker: str | None = None
    lane: str | None = None
    dedupe_key: str | None = None
    cancel_requested: bool = False
    last_error: str | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: an event name with its payload, and how it shall be treated.

    A live job with the same `dedupe_key` is joined and brought forward; `once` joins an ended one
    too and brings nothing forward, so that a window is pulled once however many clocks fire.
    `again` goes with `once`: an ended job is queued again and a waiting one brought forward,
    because what it was for is known not to be there. `behind_running` joins only a job that has
    not begun, for work that must see what happened just now.
    """

    event_name: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    once: bool = False
    again: bool = False
    behind_running: bool = False

    @property
    def lane(self) -> str | None:
        """What jobs may only do one after the other: the payload's dataset, else its lane."""
        lane = self.payload.get("dataset") or self.payload.get("lane")
        return lane if isinstance(lane, str) else None


@dataclass(frozen=True, slots=True)
class Published:
    """The job that stands for a message; `joined` when it was there before."""

    job_id: str
    joined: bool


class JobQueue(Protocol):
    """What every adapter does; tests/contract/test_job_queue.py says it in tests.

    All methods are thread-safe and durable when they return. StoreError: the queue cannot be
    written (disk full); NotFoundError: no such job. `on_dead` hears of jobs that the queue itself
    gives up, in `recover`.
    """

    on_dead: Callable[[Job], None] | None

    @property
    def version(self) -> int | None:
        """Another number after each write; None where other processes write, too. Never waits."""
        ...

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
        """Add a job, or join the one that has this dedupe key (and bring that one forward)."""
        ...

    def publish_many(self, messages: Sequence[Message]) -> list[Published]:
        """Add many jobs in one transaction: all or none."""
        ...

    def claim(
        self, worker: str, lease: timedelta, events: Collection[str] | None = None
    ) -> Job | None:
        """Take the first due job whose lane is free; None when there is none."""
        ...

    def extend(self, job: Job, lease: timedelta) -> Hold:
        """Heartbeat of a claimed job."""
        ...

    def ack(self, job: Job, result: Mapping[str, Any] | None = None) -> bool:
        """The job is done; False when the lease was lost meanwhile."""
        ...

    def retry(self, job: Job, error: str, run_at: datetime) -> JobStatus:
        """Queue the job again for `run_at`; DEAD when its attempts are used up."""
        ...

    def postpone(self, job: Job, error: str, run_at: datetime) -> bool:
        """Queue the job again for `run_at`; this delivery does not count as an attempt."""
        ...

    def hurry(self, job_ids: Collection[str]) -> int:
        """Bring waiting jobs forward to now; how many there were."""
        ...

    def bury(self, job: Job, error: str) -> bool:
        """Dead letter: asking again cannot help."""
        ...

    def release(self, job: Job) -> bool:
        """Hand back a claimed job untouched; this delivery does not count as an attempt."""
        ...

    def drop(self, job: Job) -> bool:
        """The claimed job was called off and has stopped."""
        ...

    def recover(self, *, everything: bool = False) -> int:
        """Queue again what expired leases left running (`everything`: whatever runs)."""
        ...

    def cancel(self, job_id: str) -> JobStatus:
        """Cancel a queued job, or ask the worker of a running one to stop."""
        ...

    def revive(self, job_id: str) -> Job:
        """Queue a dead or cancelled job again, with fresh attempts."""
        ...

    def discard(self, job_id: str) -> Job:
        """Put a dead or corrupt job away; it stays in the history."""
        ...

    def get(self, job_id: str) -> Job:
        """The job of that id."""
        ...

    def find(
        self,
        status: Collection[JobStatus] | None = None,
        *,
        event_name: str | None = None,
        lane: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """Jobs that match: live ones in the order they will run, ended ones newest first."""
        ...

    def counts(self) -> dict[JobStatus, int]:
        """Jobs per status; every status is there."""
        ...

    def position(self, job_id: str) -> int | None:
        """Place in line, 1 is next; 0 when it runs; None when it is no longer live."""
        ...

    def next_run_at(self) -> datetime | None:
        """The earliest `run_at` of the queued jobs."""
        ...

    def purge(self, before: datetime) -> int:
        """Forget done, cancelled and discarded jobs last touched before an instant."""
        ...

    def verify(self) -> list[str]:
        """Check every row; ids of those now set aside as corrupt."""
        ...

    def listen(self, heard: Callable[[], None], stop: threading.Event) -> None:
        """Tell of changes by other processes until `stop` is set; at once over where none share it.

        Blocks its thread.
        """
        ...

    def close(self) -> None:
        """Release the files; closing twice is harmless."""
        ...


def patience(age: timedelta, fraction: float) -> timedelta:
    """Wait before the next try of what must be done in the end: grows with how long it is owed.

    A quarter of its age, from 10 seconds to 10 minutes, half to all of it by `fraction` (0..1).
    """
    ceiling = min(max(age.total_seconds() / 4, 10.0), 600.0)
    return timedelta(seconds=ceiling * (0.5 + 0.5 * fraction))


def backoff(attempt: int, fraction: float, base: float = 2.0, most: float = 600.0) -> timedelta:
    """Wait before the next try: doubles per attempt, with `fraction` (0..1) of it as jitter."""
    ceiling = min(base * 2.0 ** max(attempt - 1, 0), most)
    return timedelta(seconds=ceiling * (0.5 + 0.5 * fraction))
