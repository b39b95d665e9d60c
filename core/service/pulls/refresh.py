"""Refresh now: put pulls at the front of the queue, watch them, call them off.

A press joins the pull that is queued or running, one of the clock (a catch-up) too. Nothing here
waits for a pull but `wait`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.tables.datasets import Dataset
from core.domain.tables.pace import NO_PACE, Pace
from core.errors import DeadlineError, TransportError, UsageError
from core.jobs.pulling.progress import Live
from core.jobs.queue.port import ENDED, FRONT, Job, JobStatus
from core.observe import events, logs
from core.service import calloff
from core.service.kernel.access import needs
from core.service.kernel.commands import DONE, FAILED, FOUND_ERRORS, CommandResult, command
from core.service.kernel.results import LATER, NOBODY
from core.service.pulls import joining, pacing
from core.service.pulls.joining import PULL
from core.sources.pulled import Progress
from core.store import pulls as records

if TYPE_CHECKING:
    from core.service.desk import Desk

TAKEOVER_SECONDS = 60.0  # for another engine to lead
NOTHING_SAID = Progress("")
OVER = (*ENDED, JobStatus.DEAD, JobStatus.CORRUPT)


@dataclass(frozen=True, slots=True)
class RefreshTicket:
    """One pull asked for: the job that stands for it; `joined` when it was under way already."""

    job_id: str
    dataset: str
    joined: bool = False


@dataclass(frozen=True, slots=True)
class PullStatus:
    """What is known of one ticket now. `position` 1 is next in line, 0 runs, None is over.

    `so_far` is the last message of its source with all counts; `pace` how fast it goes, and
    `next_try` when a pull that failed is tried again by itself.
    """

    job_id: str
    dataset: str
    state: str  # queued, running, done, dead, cancelled, …
    position: int | None = None
    so_far: Progress = NOTHING_SAID
    events: Sequence[Progress] = ()
    elapsed_seconds: float | None = None
    error: str | None = None
    result: dict[str, Any] | None = None  # the pull in the shape of the `pull` command
    pace: Pace = NO_PACE
    next_try: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen, or not before its next try."""
        return self.state in OVER or self.next_try is not None


@needs(Role.ANALYST)
def refresh_now(
    desk: Desk,
    names: Sequence[str] | None = None,
    *,
    force: bool = True,
    start: datetime | None = None,
    end: datetime | None = None,
    trigger: str = "manual",
) -> list[RefreshTicket]:
    """Put a pull of each named dataset (all enabled ones by default) at the front of the queue."""
    chosen = [desk.catalogue.get(name) for name in names] if names else desk.catalogue.enabled
    tickets = [_publish(desk, dataset, force, start, end, trigger) for dataset in chosen]
    desk.wake()
    return tickets


def _publish(
    desk: Desk,
    dataset: Dataset,
    force: bool,
    start: datetime | None,
    end: datetime | None,
    trigger: str,
) -> RefreshTicket:
    if dataset.source == "file":
        raise UsageError(
            f"{dataset.name} comes from files and cannot be pulled",
            hint=f"load one with: python -m app import {dataset.name} FILE",
        )
    if start and end and start > end:
        raise UsageError("the window ends before it begins", hint="give --from before --to")
    found = None if start or end else joining.under_way(desk, dataset.name)
    if found is not None:
        return RefreshTicket(_forward(desk, *found), dataset.name, joined=True)
    payload = {
        "dataset": dataset.name,
        "trigger": trigger,
        "force": force,
        "from": _iso(start),
        "to": _iso(end),
        "correlation_id": logs.correlation_id() or logs.new_correlation_id(),
        "actor": events.actor(),
    }
    key = f"refresh:{dataset.name}:{payload['from']}:{payload['to']}"
    published = desk.queue.publish(PULL, payload, dedupe_key=key, priority=FRONT)
    return RefreshTicket(published.job_id, dataset.name, published.joined)


def _forward(desk: Desk, job: Job, alone: bool) -> str:
    """Bring a pull that waits to the front, unless earlier windows of its dataset wait; its id."""
    if not alone or job.status is not JobStatus.QUEUED or job.dedupe_key is None:
        return job.id
    key = job.dedupe_key
    return desk.queue.publish(PULL, job.payload, dedupe_key=key, priority=FRONT).job_id


def progress(desk: Desk, job_id: str) -> PullStatus:
    """Live view of one ticket; NotFoundError for an unknown one."""
    job = desk.queue.get(job_id)
    live = desk.board.get(job_id)
    dataset = str(job.payload.get("dataset", ""))
    over = job.status in OVER
    so_far = (live and live.so_far) or NOTHING_SAID
    elapsed = _elapsed(desk, live)
    return PullStatus(
        job_id=job_id,
        dataset=dataset,
        state=str(job.status),
        position=None if over else desk.queue.position(job_id),
        so_far=replace(so_far, percent=100.0) if job.status == JobStatus.DONE else so_far,
        events=live.events if live else (),
        elapsed_seconds=elapsed,
        error=job.last_error,
        result=_result(desk, job, live) if over else None,
        pace=pacing.of_pull(desk, job, live, elapsed),
        next_try=job.run_at if joining.waits(job, desk.now()) else None,
    )


def _elapsed(desk: Desk, live: Live | None) -> float | None:
    if live is None:
        return None
    return ((live.finished_at or desk.now()) - live.started_at).total_seconds()


def _result(desk: Desk, job: Job, live: Live | None) -> dict[str, Any] | None:
    pull_id = (job.result or {}).get("pull_id") or (live.pull_id if live else None)
    found = records.documents(desk.warehouse, [pull_id]) if pull_id else []
    return found[0] if found else None


def running(desk: Desk) -> dict[str, str]:
    """Dataset -> job id of the pulls that are queued or running now."""
    jobs = desk.queue.find((JobStatus.RUNNING, JobStatus.QUEUED), event_name=PULL, limit=1000)
    return {
        str(job.payload["dataset"]): job.id
        for job in reversed(jobs)
        if job.run_at <= desk.now() or job.status == JobStatus.RUNNING
    }


@needs(Role.ANALYST)
def cancel(desk: Desk, job_id: str) -> str:
    """Call a pull off; the data stays as it was. The job's status."""
    status = desk.queue.cancel(job_id)
    desk.wake()
    return str(status)


def wait(
    desk: Desk,
    tickets: Sequence[RefreshTicket],
    on_progress: Callable[[list[PullStatus]], None] | None = None,
    timeout_seconds: float = 7200.0,
) -> list[PullStatus]:
    """Wait until every ticket is over; DeadlineError when that takes too long.

    TransportError when no engine works on them (any more), or the one who waits has gone: the
    pulls stay queued, and the next engine on this data folder goes on with them.
    """
    deadline = time.monotonic() + timeout_seconds
    switch = calloff.current() or calloff.CallOff()
    while True:
        now = [progress(desk, ticket.job_id) for ticket in tickets]
        if on_progress:
            on_progress(now)
        if all(item.over for item in now):
            return now
        if time.monotonic() > deadline:
            raise DeadlineError("the pulls are still running", hint="see: python -m app status")
        if switch.called or desk.closing.is_set() or not _works(desk):
            raise TransportError(NOBODY, hint=LATER)
        desk.closing.wait(0.05)


def _works(desk: Desk) -> bool:
    """Whether the desk runs jobs."""
    if desk.relay:  # the engine does; another one takes over within seconds
        return (desk.read_only_seconds or 0.0) < TAKEOVER_SECONDS
    return desk.engine is not None and desk.engine.alive


@command("refresh", needs=Role.ANALYST)
def refresh_command(
    desk: Desk,
    *,
    datasets: list[str] | None = None,
    all: bool = False,
    now: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[dict[str, Any]]:
    """Ask for pulls and return their tickets without waiting."""
    names = list(datasets or ())
    if not names:
        enabled = [d for d in desk.catalogue.enabled if d.source != "file"]
        fresh = desk.freshness_of_all()
        names = [d.name for d in enabled if all or now or start or fresh[d.name].is_behind]
        if not names:
            return []
    tickets = refresh_now(desk, names, force=now, start=_aware(start), end=_aware(end))
    return [{"job_id": t.job_id, "dataset": t.dataset, "joined": t.joined} for t in tickets]


@command("progress", needs=Role.VIEWER)
def progress_command(desk: Desk, *, jobs: list[str]) -> list[dict[str, Any]]:
    """Live progress of pulls by job id; of one that is not over, whether the desk runs jobs."""
    works = _works(desk)
    return [{**_view(progress(desk, job)), "worked_on": works} for job in jobs]


@command("cancel", needs=Role.ANALYST)
def cancel_command(desk: Desk, *, jobs: list[str]) -> list[dict[str, Any]]:
    """Call pulls off by job id."""
    return [{"job_id": job, "state": cancel(desk, job)} for job in jobs]


@command("pulled", needs=Role.VIEWER)
def pulled_command(desk: Desk, *, jobs: list[str]) -> CommandResult:
    """The results of finished pulls, in the shape of `pull`; exit code 3 when one is partial."""
    found = [_outcome(desk, progress(desk, job)) for job in jobs]
    return CommandResult({"pulls": found}, exit_code_of(found))


def exit_code_of(pulls: Sequence[Mapping[str, Any]]) -> int:
    """1 when a pull failed, 3 when all came but something is missing from one, else 0."""
    states = {pull["state"] for pull in pulls}
    if states & {"failed", "cancelled"}:
        return FAILED
    return FOUND_ERRORS if "partial" in states else DONE


@command("pull", needs=Role.ANALYST)
def pull_command(
    desk: Desk,
    *,
    datasets: list[str] | None = None,
    all: bool = False,
    now: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
) -> CommandResult:
    """Pull what is due, or the named datasets, and wait for the results.

    UsageError, with nothing asked for, when the desk runs no jobs: they would wait without end.
    """
    if not _works(desk):
        raise UsageError(
            "this desk runs no jobs, so there is nothing to wait for",
            hint="start it with: python -m app serve, or only queue pulls with refresh",
        )
    asked = refresh_command(desk, datasets=datasets, all=all, now=now, start=start, end=end)
    tickets = [RefreshTicket(**ticket) for ticket in asked]
    wait(desk, tickets)
    return pulled_command(desk, jobs=[ticket.job_id for ticket in tickets])


def _outcome(desk: Desk, item: PullStatus) -> dict[str, Any]:
    if item.result:
        failed = item.result["state"] == "failed" and item.error
        return {**item.result, "error": item.error} if failed else item.result
    return {
        "dataset": item.dataset,
        "window": {"from": None, "to": None},
        "trigger": "manual",
        "state": "cancelled" if item.state == JobStatus.CANCELLED else "failed",
        "version": None,
        **dict.fromkeys(
            ("rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_rejected"), 0
        ),
        "bytes": 0,
        "seconds": item.elapsed_seconds,
        "error": item.error,
    }


def _view(item: PullStatus) -> dict[str, Any]:
    return {
        "job_id": item.job_id,
        "dataset": item.dataset,
        "state": item.state,
        "over": item.over,
        "position": item.position,
        "message": item.so_far.message or None,
        "messages": [event.message for event in item.events],
        "rows": item.so_far.rows,
        "bytes": item.so_far.bytes,
        "percent": item.so_far.percent if item.over else item.pace.percent,
        "rows_per_second": item.pace.rows_per_second,
        "seconds_left": item.pace.seconds_left,
        "elapsed_seconds": item.elapsed_seconds,
        "next_try": item.next_try,
        "error": item.error,
        "result": item.result,
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat() if instant else None


def _aware(instant: datetime | None) -> datetime | None:
    """An instant given without a zone is UTC."""
    if instant is None or instant.tzinfo:
        return instant
    return instant.replace(tzinfo=UTC)
