"""The keeping of scans: stored with what made them, at their times and after what they rest on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.gaps import measure as gaps
from core.domain.gaps import session as gap_session
from core.domain.gaps import state as gap_state
from core.domain.gaps.scoring import COMPONENTS, SCORE_VERSION
from core.domain.gaps.state import GapState
from core.domain.tables.datasets import Dataset
from core.domain.timetable import sessions as calendar
from core.errors import OpenbellError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import gauges, work
from core.service.gaps import evidence as evidence_of
from core.service.gaps import scan_events, scans, text_reading
from core.service.gaps import session as scan_inputs
from core.service.kernel.handlers import handler
from core.store import gap_states
from core.store import scans as store
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

TRIGGERS = ("schedule", "catch-up", "webhook", "manual", "pull")


def keep(desk: Desk, scan: scans.Scan, trigger: str = "manual") -> None:
    """Store the scan and its candidates with what made them, and the news in it."""
    measured = scan.gaps
    head = pl.DataFrame(
        {
            "dataset": [measured.dataset],
            "session": [measured.session],
            "provisional": [measured.provisional],
            "made_at": [desk.now()],
            "score_version": [SCORE_VERSION],
            "filters": [json.dumps(scan.filters.numbers())],
            "weights": [json.dumps(scan.weights.by_name())],
            "names": [measured.rows.height],
            "candidates": [scan.candidates.height],
            "excluded": [scan.excluded.height],
        }
    )
    rows = scans.frame(scan).select(
        "session",
        "symbol",
        "provisional",
        *scans.MEASURED,
        "dollar_volume",
        "flags",
        "catalysts",
        "score",
        *COMPONENTS,
        "grade",
        "status",
        "score_version",
        dataset=pl.lit(measured.dataset),
    )

    def tell(tx: Transaction, before: Sequence[str]) -> None:
        scan_events.tell(tx, scan, before, trigger, desk.now())

    store.keep_scan(desk.warehouse, head, rows, tell)


def keep_state(desk: Desk, dataset: str | None = None) -> date | None:
    """Keep the state of gaps as of the last two sessions, so that scans read their windows only.

    From an earlier state that still holds it goes on with the sessions since; else it starts anew.
    """
    source = scan_inputs.dataset_of(desk, dataset)
    last = store.latest_session(desk.warehouse, source.table, calendar.latest_open(desk.now()))
    if last is None:
        return None
    actions = scan_inputs.actions_for(desk, source)
    span = (calendar.session_back(last, 2 * gaps.WINDOW_SESSIONS), last + timedelta(days=1))
    state = gap_states.latest(desk.warehouse, source.name, source.table, span, actions)
    if state is not None and state.as_of == last:
        return last
    states = _states(desk, source, last, actions, state)
    gap_states.keep(desk.warehouse, source.name, source.table, states, actions)
    return last


def _states(
    desk: Desk, source: Dataset, last: date, actions: pl.DataFrame, state: GapState | None
) -> list[GapState]:
    """The states as of the session before the last and as of the last."""
    before = calendar.session_back(last, 1)
    days = calendar.sessions_between(date(1990, 1, 1), last)["session"]
    since = None if state is None else calendar.session_back(state.as_of, gaps.WINDOW_SESSIONS - 2)
    bars = store.bars(desk.warehouse, source.table, since, last, ordered=state is None)
    known = evidence_of.evidence_since(desk, None if state is None else state.as_of, last)
    if state is None:
        past = bars.filter(pl.col("session") <= before)
        one = gap_state.carry(past, days, before, actions, known)
    else:
        one = gap_session.advance(state, bars, days, before, actions, known)
    return [one, gap_session.advance(one, bars, days, last, actions, known)]


@handler("scan", after=("bars_daily", "bars_minute", "corporate_actions", "filings"))
async def scan_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any] | None:
    """Scan the latest session: at the times of `scan_times`, and after each pull it rests on."""
    try:
        return await asyncio.to_thread(_scan_and_keep, desk, job, context)
    except OpenbellError as error:
        context.report(f"nothing to scan: {error.message}")
        return {"skipped": True}


def _scan_and_keep(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    trigger = str(job.payload.get("trigger") or "pull")
    with work.timed(work.SCANS, trigger if trigger in TRIGGERS else "other"):
        keep_state(desk)
        scan = scans.run(desk)
        keep(desk, scan, trigger)
    text_reading.follow(desk, scan)
    gauges.CANDIDATES.set(scan.candidates.height)
    context.report(f"{scan.candidates.height} candidates on {scan.gaps.session}")
    return {"session": scan.gaps.session.isoformat(), "candidates": scan.candidates.height}
