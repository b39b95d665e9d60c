"""The handler of `pull` jobs: which window a job means, and what follows from its success."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.domain.tables.datasets import Dataset, Window
from core.domain.timetable.windows import schedule_of
from core.errors import OpenbellError, PausedError, TransportError, UpstreamDownError
from core.jobs.pulling.puller import PullRequest
from core.jobs.queue.port import Job
from core.jobs.scheduler import window_of
from core.jobs.worker import Context
from core.service.kernel.handlers import handler, publish_follow_ups
from core.service.sources import host_of, sign_of_life
from core.sources.upstreams import LOOK_SECONDS, down, forcing
from core.store import pulls as records

if TYPE_CHECKING:
    from core.service.desk import Desk

SCHEDULED = ("schedule", "catch-up")
UNATTENDED = (*SCHEDULED, "webhook")  # nobody waits for the answer: what may pass is tried again
WITHOUT_SCHEDULE = timedelta(days=1)


@handler("pull")
async def pull(desk: Desk, job: Job, context: Context) -> Mapping[str, Any] | None:
    """Pull once; a scheduled window that has been pulled before is left alone."""
    dataset = desk.catalogue.get(str(job.payload["dataset"]))
    trigger = str(job.payload.get("trigger", "manual"))
    window = window_for(desk, dataset, job.payload)
    if trigger in SCHEDULED and await asyncio.to_thread(
        records.window_done, desk.warehouse, window.id
    ):
        context.report("this window has been pulled before")
        # a kill between the commit and the acknowledgement may have swallowed what follows
        await asyncio.to_thread(publish_follow_ups, desk, [dataset.table], job.id)
        return {"skipped": True}
    if trigger in SCHEDULED and is_superseded(desk, dataset, job, window):
        context.report("the next window of the dataset is due: this one is no longer owed")
        return {"superseded": True}
    forced = bool(job.payload.get("force"))
    try:
        await _upstream_ready(
            desk,
            dataset,
            forced=forced and trigger not in SCHEDULED,
            patient=trigger not in UNATTENDED,
        )
    except UpstreamDownError as error:
        if trigger in UNATTENDED:
            raise
        raise _yours_to_repeat(error) from error  # whoever waits is told at once
    request = PullRequest(job.id, dataset, window, trigger, forced)
    try:
        pull_id = await _run(desk, request)
    except asyncio.CancelledError:
        _follow_interrupted(desk, dataset, job)
        raise
    except OpenbellError as error:
        _follow_interrupted(desk, dataset, job)
        if trigger in UNATTENDED:
            raise
        # whoever pressed the button waits for an answer: no second try behind their back
        raise _yours_to_repeat(error) from error
    document = await asyncio.to_thread(_follow, desk, dataset, pull_id, job)
    if document["owed"] and trigger in UNATTENDED:
        raise TransportError(f"{dataset.name}: {document['partial_reason']}")
    return {"pull_id": pull_id}


async def _run(desk: Desk, request: PullRequest) -> str:
    """Pull; what somebody asked for by hand may try a host that is down, once."""
    if request.trigger in UNATTENDED:
        return await desk.puller.run(request)
    with forcing():
        return await desk.puller.run(request)


def _yours_to_repeat(error: OpenbellError) -> OpenbellError:
    words = [error.hint.rstrip(".")] if error.hint else []
    if error.transient or isinstance(error, PausedError):
        words.append(
            "It is not tried again by itself: press Refresh now again (or pull --now) "
            "when you want it to"
        )
    return OpenbellError(error.message, where=error.where, hint=". ".join(words) or None)


async def _upstream_ready(desk: Desk, dataset: Dataset, *, forced: bool, patient: bool) -> None:
    """Let a pull that is not forced begin only when its host may be asked; UpstreamDownError else.

    A desk without a watch asks the host for a sign of life here, when it is time to. Who is
    `patient` waits for the end of one that is under way: the host may be back.
    """
    host = host_of(desk.settings, dataset)
    if host is None or forced:
        return
    known = await desk.upstreams.look(host, lambda: sign_of_life(desk, host))
    while patient and known.state == "open" and known.is_busy(desk.now()):
        await asyncio.sleep(LOOK_SECONDS)  # it may be another process that asks
        known = desk.upstreams.breaker(host)
    if known.state == "open":
        raise down(host, known, desk.now())


def is_superseded(desk: Desk, dataset: Dataset, job: Job, window: Window) -> bool:
    """Whether a window that could not be pulled is no longer owed: its successor is due.

    Steps of an interval do not wait in line behind a slow upstream: the latest stands for all.
    """
    if dataset.catch_up == "all" or window.closes_at is None:
        return False
    given_up = job.last_error is not None or bool(job.payload.get("repeats"))
    return given_up and desk.now() >= window.closes_at


def _follow(desk: Desk, dataset: Dataset, pull_id: str, job: Job) -> dict[str, Any]:
    """Queue what follows from a change, or from one that an earlier delivery may have made; the
    record of the pull."""
    (document,) = records.documents(desk.warehouse, [pull_id])
    if document["rows_inserted"] or document["rows_updated"] or job.attempts > 1:
        publish_follow_ups(desk, [dataset.table], pull_id)
    return document


def _follow_interrupted(desk: Desk, dataset: Dataset, job: Job) -> None:
    """A source that stores in batches may have changed its table before it was stopped."""
    if desk.puller.stores_in_batches(dataset):
        publish_follow_ups(desk, [dataset.table], job.id)


def window_for(desk: Desk, dataset: Dataset, payload: Mapping[str, Any]) -> Window:
    """The window of a job: as given, from now when forced, else since the latest refresh."""
    now = desk.now()
    if payload.get("due_at"):
        return window_of(payload)
    start, end = _instant(payload, "from"), _instant(payload, "to")
    if start is None:
        start = now if payload.get("force") else latest_refresh(dataset, now)
    return Window(dataset.name, start, end or max(now, start))


def latest_refresh(dataset: Dataset, now: datetime) -> datetime:
    """The latest refresh of a dataset; without a schedule, a day ago."""
    schedule = schedule_of(dataset)
    return schedule.get_latest_refresh(now) if schedule else now - WITHOUT_SCHEDULE


def _instant(payload: Mapping[str, Any], key: str) -> datetime | None:
    value = payload.get(key)
    return datetime.fromisoformat(value) if isinstance(value, str) else None
