"""Gathers the brief of an instant: problems first, candidates with why, filings, plans, data.

The same store and instant make the same document: nothing in it knows another clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from core.domain.access.principals import Role
from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError, UsageError
from core.service.brief import candidates, problems
from core.service.care import morning, preferences
from core.service.gaps import coming, scans
from core.service.gaps import session as scan_inputs
from core.service.gaps.scans import Scan
from core.service.kernel.commands import command
from core.service.pulls import datasets
from core.service.pulls.datasets import DatasetStatus
from core.service.trading import risk
from core.service.trading.plan_documents import checks_document
from core.store import plans as plan_store
from core.store import pulls

if TYPE_CHECKING:
    from core.service.desk import Desk

MOST = 8  # candidates told at length
MOST_ALLOWED = 50
FILINGS = 200
RUNNING = (plan_store.WAITING, plan_store.OPEN)


@command("brief", needs=Role.VIEWER)
def brief_command(
    desk: Desk,
    *,
    at: datetime | None = None,
    most: Annotated[int, Field(ge=1, le=MOST_ALLOWED)] = MOST,
) -> dict[str, Any]:
    """The brief before the open: problems, candidates, filings, plans and limits, data dates."""
    return gather(desk, at, most)


def gather(desk: Desk, at: datetime | None = None, most: int = MOST) -> dict[str, Any]:
    """The brief at an instant, by default now; UsageError for one without a zone or later than now.

    `most` candidates are told at length, the rest by a line. The brief of now stands on the answers
    that the pages have: one of an earlier instant makes its own.
    """
    if at is None:
        return _gathered(desk.held(), most)
    now = desk.now()
    if at.tzinfo is None:
        raise UsageError("--at needs a zone", hint="for example 2026-11-30T09:05-05:00")
    if at > now:
        raise UsageError(f"{at:%Y-%m-%dT%H:%M:%S%z} is still to come", hint="leave --at out")
    return _gathered(desk.as_of(at.replace(microsecond=0)), most)


def _gathered(then: Desk, most: int) -> dict[str, Any]:
    now, since = then.now(), morning.last_close(then)
    statuses = datasets.overview(then)
    scan, nothing = _scan(then)
    day = scan.gaps.session if scan else None
    book = _book(then, day) if day else None
    checks = book["limits"] if book else []
    return {
        "at": now,
        "since": since,
        "session": day,
        "opens_at": coming.opens_of(day) if day and calendar.is_session(day) else None,
        "provisional": bool(scan and scan.gaps.provisional),
        "print_source": scan.gaps.source if scan else None,
        "known_at": scan.gaps.known_at if scan else None,
        "simulated": then.settings.simulated,
        "currency": then.settings.account_currency,
        "problems": problems.found(then, statuses, checks, since),
        "scan": None if scan is None else _told(scan),
        "no_scan": nothing,
        "candidates": [] if scan is None else candidates.told(then, scan, most),
        "filings": _filings(then, since),
        "book": book,
        "plans": _plans(then, day),
        "data": list(_data(then, statuses)),
    }


def _scan(then: Desk) -> tuple[Scan | None, str | None]:
    """The scan by the reader's own filters, or why there is none."""
    mine = preferences.load(then)
    try:
        day = scan_inputs.session_now(then)
        return scans.run(then, day, mine.filters, mine.weights), None
    except NotFoundError as error:
        return None, error.message


def _told(scan: Scan) -> dict[str, Any]:
    return {
        "names": scan.gaps.rows.height,
        "candidates": scan.candidates.height,
        "left_out": scan.excluded.height,
        "filters": scan.filters.numbers(),
        "weights": scan.weights.by_name(),
    }


def _book(then: Desk, day: date) -> dict[str, Any]:
    found = risk.report(then, day)
    return {
        "session": found.session,
        "equity": float(found.book.equity),
        "realised_today": float(found.book.realised),
        "open_risk": float(found.book.open_risk),
        "limits": checks_document(found.checks),
    }


def _plans(then: Desk, day: date | None) -> list[dict[str, Any]]:
    """Plans that waited or were in the book then, and those decided on for the session."""
    return [
        {
            "plan_id": item.plan_id,
            "symbol": item.plan.symbol,
            "session": item.plan.session,
            "direction": item.plan.direction,
            "shares": item.plan.shares,
            "entry": float(item.plan.entry),
            "stop": float(item.plan.stop),
            "risk": float(item.plan.risk),
            "state": item.state,
            "provisional": item.plan.provisional,
            "reason": item.reason,
            "outcome": item.outcome,
        }
        for item in plan_store.load(then.warehouse, until=then.now())
        if item.state in RUNNING or item.plan.session == day
    ]


def _filings(then: Desk, since: datetime) -> list[dict[str, Any]]:
    kept = ("symbol", "name", "form", "title", "accepted_at", "accession", "url")
    return morning.new_filings(then, since, FILINGS).select(kept).to_dicts()


def _data(then: Desk, statuses: Sequence[DatasetStatus]) -> Iterator[dict[str, Any]]:
    """What the data reached up to at the brief's instant, and when they had been pulled by it."""
    pulled = pulls.last_good(then.warehouse, then.now())
    for status in statuses:
        if status.enabled and status.rows:
            yield {
                "dataset": status.name,
                "freshness": status.freshness,
                "data_until": status.data_until,
                "sessions_behind": status.sessions_behind,
                "pulled": pulled.get(status.name),
            }
