"""Jobs for people: the queue as a frame, dead letters retried or put away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.errors import UsageError
from core.jobs.queue.port import Job, JobStatus
from core.jobs.worker import named
from core.observe.events import Event
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import events as store

if TYPE_CHECKING:
    from core.service.desk import Desk

INSTANT = pl.Datetime("us", "UTC")
COLUMNS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.String,
    "event": pl.String,
    "dataset": pl.String,
    "state": pl.String,
    "trigger": pl.String,
    "attempts": pl.Int64,
    "priority": pl.Int64,
    "created_at": INSTANT,
    "run_at": INSTANT,
    "updated_at": INSTANT,
    "error": pl.String,
}


def listing(
    desk: Desk,
    states: Sequence[str] | None = None,
    *,
    event: str | None = None,
    dataset: str | None = None,
    limit: int = 200,
) -> pl.DataFrame:
    """Jobs as a frame (columns `COLUMNS`): live ones in the order they will run, ended ones newest
    first. UsageError for an unknown state.
    """
    jobs = desk.queue.find(
        [_status(name) for name in states] if states else None,
        event_name=event,
        lane=dataset,
        limit=limit,
    )
    return pl.DataFrame([_row(job) for job in jobs], schema=dict(COLUMNS), orient="row")


def counts(desk: Desk) -> dict[str, int]:
    """Jobs per state."""
    return {str(status): number for status, number in desk.queue.counts().items()}


def events(desk: Desk) -> list[str]:
    """Names of the events that handlers are there for."""
    from core.service.kernel.handlers import HANDLERS

    return sorted(HANDLERS)


@needs(Role.ANALYST)
def retry(desk: Desk, job_ids: Sequence[str]) -> list[str]:
    """Queue dead or cancelled jobs again; their ids."""
    done: list[Job] = []
    try:
        done.extend(desk.queue.revive(job_id) for job_id in job_ids)
    finally:  # what was done before one is refused is told, and run
        _tell(desk, "job.revived", "is tried again", done)
        desk.wake()
    return [job.id for job in done]


@needs(Role.ANALYST)
def discard(desk: Desk, job_ids: Sequence[str]) -> list[str]:
    """Put dead letters away; they stay in the history."""
    done: list[Job] = []
    try:
        done.extend(desk.queue.discard(job_id) for job_id in job_ids)
    finally:
        _tell(desk, "job.discarded", "was put away", done)
    return [job.id for job in done]


def _tell(desk: Desk, kind: str, what: str, jobs: Sequence[Job]) -> None:
    told = [Event.of(kind, job.id, f"{named(job)} {what}") for job in jobs]
    if told:
        with desk.warehouse.transaction() as tx:
            store.add(tx, told, desk.now())


def _row(job: Job) -> list[Any]:
    trigger = job.payload.get("trigger")
    return [
        job.id,
        job.event_name,
        job.payload.get("dataset"),
        str(job.status),
        str(trigger) if trigger else None,
        job.attempts,
        job.priority,
        job.created_at,
        job.run_at,
        job.updated_at,
        job.last_error,
    ]


def _status(name: str) -> JobStatus:
    try:
        return JobStatus(name)
    except ValueError:
        raise UsageError(
            f"{name!r} is not a state of a job", hint=f"there are: {', '.join(JobStatus)}"
        ) from None


@export("jobs", needs=Role.VIEWER)
def export_jobs(desk: Desk, *, state: str | None = None) -> pl.DataFrame:
    """The jobs of the queue and its history."""
    return listing(desk, [state] if state else None, limit=10**6)


@command("jobs", needs=Role.VIEWER)
def jobs_command(
    desk: Desk,
    *,
    state: list[str] | None = None,
    event: str | None = None,
    dataset: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """Jobs by state, and how many there are of each."""
    found = listing(desk, state, event=event, dataset=dataset, limit=limit)
    return {"counts": counts(desk), "jobs": found.to_dicts()}


@command("jobs_retry", needs=Role.ANALYST)
def retry_command(
    desk: Desk, *, jobs: list[str] | None = None, all: bool = False
) -> dict[str, Any]:
    """Queue dead letters again."""
    return {"queued": retry(desk, _chosen(desk, jobs, everything=all))}


@command("jobs_discard", needs=Role.ANALYST)
def discard_command(
    desk: Desk, *, jobs: list[str] | None = None, all: bool = False
) -> dict[str, Any]:
    """Put dead letters away."""
    return {"discarded": discard(desk, _chosen(desk, jobs, everything=all))}


def _chosen(desk: Desk, jobs: Sequence[str] | None, *, everything: bool) -> list[str]:
    if jobs:
        return list(jobs)
    if not everything:
        raise UsageError("name the jobs, or say --all", hint="jobs list --state dead shows them")
    return [job.id for job in desk.queue.find([JobStatus.DEAD], limit=10**6)]
