"""Which pull a press joins: the one of its dataset that runs, or that is next and not yet tried."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.jobs.queue.port import FRONT, Job, JobStatus

if TYPE_CHECKING:
    from core.service.desk import Desk

PULL = "pull"
LIVE = (JobStatus.RUNNING, JobStatus.QUEUED)
BY_ITSELF = ("schedule", "catch-up", "webhook")


def join(desk: Desk, dataset: str) -> str | None:
    """The id of the newest pull of a dataset that is made by itself, if it is under way.

    One that waits is brought to the front, unless earlier windows of its dataset wait before it.
    None where a pull of its own is needed: nothing is there, or the last try of it has failed.
    """
    jobs = desk.queue.find(LIVE, event_name=PULL, lane=dataset, limit=1000)
    now = desk.now()
    found = [job for job in jobs if _is_under_way(job, now)]
    if not found:
        return None
    newest = max(found, key=lambda job: (str(job.payload.get("due_at") or ""), job.created_at))
    if len(found) == 1 and newest.status is JobStatus.QUEUED and newest.dedupe_key:
        return desk.queue.publish(
            PULL, newest.payload, dedupe_key=newest.dedupe_key, priority=FRONT
        ).job_id
    return newest.id


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
