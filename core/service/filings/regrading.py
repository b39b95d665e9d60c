"""Grading what changed in the store, some companies at a time: in little memory, and to go on with.

Each batch is stored in a transaction of its own with the marks of what it rests on, so that a run
that was stopped, or died, is gone on with by the next one. A batch has whole companies, for a
filing is judged by the past of its company, and about BATCH_FACTS facts: memory does not grow with
the store. While one is stored the next ones are judged beside it. The store's log is folded in
after every FOLDED_AFTER batches and the last: to fold it after each took a quarter of the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from core.domain.access.principals import Role
from core.domain.quality import grading
from core.domain.quality.facts.affected import changes
from core.domain.quality.model import Ruleset, default_ruleset
from core.domain.quality.revision import model as revision
from core.domain.quality.revision.features import Grounds
from core.domain.quality.status import timeline
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import work
from core.service import calloff, progress
from core.service.filings import grade_events
from core.service.filings.ahead import ahead
from core.service.kernel.access import needs
from core.service.kernel.handlers import handler
from core.store import filing_status, grade_marks
from core.store import quality as store

if TYPE_CHECKING:
    from core.service.desk import Desk

BATCH_FACTS = 250_000
AHEAD = 2  # batches that are judged while one is stored
FOLDED_AFTER = 8
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class _Run:
    """What all batches of a run share."""

    rules: Ruleset
    risk_model: str
    marks: Mapping[int, str]  # fingerprints of companies as they are
    known: Collection[int]  # companies graded before by the same rules
    last: date | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is stored of a batch."""

    batch: Sequence[int]
    marks: grade_marks.Marks
    graded: grading.Graded
    became: timeline.Statuses
    risks: pl.DataFrame


@needs(Role.ANALYST)
@work.measured(work.GRADINGS, "changed")
def grade_all(
    desk: Desk,
    ciks: Sequence[int] | None = None,
    *,
    force: bool = False,
    on_progress: progress.Told | None = None,
) -> dict[str, int]:
    """Grade what changed and what that can reach; how many companies, written, unchanged.

    Companies whose facts or filings changed are looked at; of those that were graded before by the
    same rules only the filings that a change can reach are judged again. `force` judges all.

    `on_progress` (the caller's, see `progress`) is told companies done and their percent.
    Called off (`calloff`), or when the desk closes, it ends after the batch under way: `left` says
    how many companies the next run has to do.
    """
    tell = on_progress or progress.current()
    run, due = _due(desk, ciks, force=force)
    done = written = unchanged = 0
    if due:
        tell(f"0 of {len(due)} companies", 0.0)
    batches = list(_batches(due, run.marks))
    with closing(ahead(partial(_judge, desk, run), batches, AHEAD)) as judged:
        for number, batch in enumerate(batches, start=1):
            if _stopped(desk):
                break
            fold = number == len(batches) or number % FOLDED_AFTER == 0
            new, same = _store(desk, next(judged), fold=fold)
            written, unchanged, done = written + new, unchanged + same, done + len(batch)
            tell(f"{done} of {len(due)} companies", 100 * done / len(due))
    found = {"companies": done, "written": written, "unchanged": unchanged}
    return found | ({"left": len(due) - done} if done < len(due) else {})


def _due(desk: Desk, ciks: Sequence[int] | None, *, force: bool) -> tuple[_Run, list[int]]:
    """What a run rests on, and the companies that it has to look at."""
    rules, risk_model = default_ruleset(), revision.default_model().id
    marks, last = grade_marks.fingerprints(desk.warehouse), grade_marks.latest_filed(desk.warehouse)
    known = {} if force else grade_marks.graded_inputs(desk.warehouse, rules.id, risk_model)
    some = None if ciks is None else set(ciks)
    due = [c for c, mark in marks.items() if known.get(c) != mark and (some is None or c in some)]
    return _Run(rules, risk_model, marks, known, last), due


def _batches(ciks: Sequence[int], marks: Mapping[int, str]) -> Iterator[list[int]]:
    """The companies in their order, about BATCH_FACTS facts at a time, one company at least."""
    batch: list[int] = []
    facts = 0
    for cik in ciks:
        more = grade_marks.facts_of(marks[cik])
        if batch and facts + more > BATCH_FACTS:
            yield batch
            batch, facts = [], 0
        batch.append(cik)
        facts += more
    if batch:
        yield batch


def _stopped(desk: Desk) -> bool:
    switch = calloff.current()
    return desk.closing.is_set() or (switch is not None and switch.called)


def _judge(desk: Desk, run: _Run, batch: Sequence[int]) -> _Judged:
    """Grade a batch; the marks are read first, so that what changes meanwhile is graded again."""
    now = grade_marks.filing_marks(desk.warehouse, batch)
    before = grade_marks.graded_filings(desk.warehouse, [cik for cik in batch if cik in run.known])
    changed = None if before.is_empty() else changes(before, now)
    frames = store.inputs(desk.warehouse, batch, None)
    graded = grading.grade(*frames, rules=run.rules, changed=changed, last=run.last)
    became = timeline.statuses(*frames[:2], rules=run.rules)
    risks = revision.risks(Grounds(became.signs, graded.scores, graded.items, frames[1]))
    marks = grade_marks.Marks({cik: run.marks[cik] for cik in batch}, now, run.risk_model)
    return _Judged(batch, marks, graded, became, risks)


def _store(desk: Desk, judged: _Judged, *, fold: bool) -> tuple[int, int]:
    """Store a batch; (written, unchanged)."""
    batch, on = judged.batch, today(desk)
    with (
        desk.warehouse.transaction(bulk=not fold) as tx,
        grade_events.told(tx, batch, on, desk.now()),
    ):
        counted = store.write(tx, judged.graded, judged.risks, judged.marks, desk.now())
        filing_status.write(tx, judged.became, batch, desk.now())
    return counted


def today(desk: Desk) -> date:
    """The day up to which statuses are told: in New York, where filings get their dates."""
    return desk.now().astimezone(NEW_YORK).date()


@handler("grade", after=("facts", "filings", "companies"))
async def grade_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Grade what changed; queued by itself after pulls. Cancelled, it ends after a batch."""
    switch = calloff.CallOff()

    def run() -> dict[str, int]:
        with calloff.call_off_with(switch):
            return grade_all(
                desk, on_progress=lambda text, percent: context.report(text, percent=percent)
            )

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        switch.call_off()
        raise
