"""How fast a pull goes: by its own count, or by what earlier pulls of its dataset took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.tables.pace import NO_PACE, Counted, Pace, Usual, pace
from core.jobs.pulling.progress import Live
from core.jobs.queue.port import Job, JobStatus
from core.sources.pulled import Progress
from core.store import pulls as records

if TYPE_CHECKING:
    from core.service.desk import Desk

ROUGH = "foundry"  # its percent are steps: what earlier pulls took is nearer, where there are any


def of_pull(desk: Desk, job: Job, live: Live | None, elapsed: float | None) -> Pace:
    """The pace of a pull that runs; none of one that waits or is over."""
    if job.status is not JobStatus.RUNNING:
        return NO_PACE
    name = str(job.payload.get("dataset", ""))
    usual = Usual(records.usual_seconds(desk.warehouse, name))
    so_far = (live and live.so_far) or Progress("")
    known = desk.catalogue.datasets.get(name)  # none of a job that another catalogue asked for
    rough = usual.seconds is not None and known is not None and known.source == ROUGH
    percent = None if rough else so_far.percent
    return pace(so_far.rows, percent, elapsed, usual, _counted(desk, live))


def _counted(desk: Desk, live: Live | None) -> Counted | None:
    """The first message that told a percent, and how long ago that was."""
    for event in live.events if live else ():
        if event.percent is not None and event.happened_at is not None:
            return Counted(event.percent, (desk.now() - event.happened_at).total_seconds())
    return None
