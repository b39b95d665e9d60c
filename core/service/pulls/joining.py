"""Which pull a press joins: the one of its dataset that runs, or that is next and not yet tried."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.jobs.queue.port import Job, JobStatus

if TYPE_CHECKING:
    from core.service.desk import Desk

PULL = "pull"
LIVE = (JobStatus.RUNNING, JobStatus.QUEUED)
BY_ITSELF = ("schedule", "catch-up", "webhook")


def under_way(desk: Desk, dataset: str) -> tuple[Job, bool] | None:
    """The newest pull of a dataset that is made by itself, if it is under way; and whether it is
    the only one, so that it can be brought forward without passing an earlier window.

    None where a pull of its own is needed: nothing is there, or the last try of it has failed.
    """
    jobs = desk.queue.find(LIVE, event_name=PULL, lane=dataset, limit=1000)
    now = desk.now()
    found = [job for job in jobs if _is_under_way(job, now)]
    if not found:
        return None
    newest = max(found, key=lambda job: (str(job.payload.get("due_at") or ""), job.created_at))
    return newest, len(found) == 1


def mark(desk: Desk) -> tuple[object, ...] | None:
    """Stands for all that is told of datasets beside the store: another when a job or host says so.

    At most a second old; None where other processes write jobs, too. Waits for nothing.
    """
    version = desk.queue.version
    if version is None:
        return None
    return (desk.now().replace(microsecond=0), version, desk.upstreams.changes)


def next_tries(desk: Desk) -> dict[str, datetime]:
    """Dataset -> when a pull of it that has failed is tried again by itself."""
    jobs = desk.queue.find((JobStatus.QUEUED,), event_name=PULL, limit=1000)
    now = desk.now()
    tried = sorted((job.run_at, str(job.payload["dataset"])) for job in jobs if waits(job, now))
    return {dataset: at for at, dataset in reversed(tried)}


def waits(job: Job, now: datetime) -> bool:
    """Whether a job has failed and waits for its next try."""
    return job.status is JobStatus.QUEUED and job.last_error is not None and job.run_at > now


def _is_under_way(job: Job, now: datetime) -> bool:
    if job.cancel_requested or job.payload.get("trigger") not in BY_ITSELF:
        return False
    due = job.run_at <= now and job.last_error is None
    return job.status is JobStatus.RUNNING or due
