"""What the line at the top of every page tells, and whether what the page shows still stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from core.clock import NEW_YORK
from core.domain.risk.checks import book_checks
from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError
from core.service.cache import DERIVED
from core.service.gaps import session as scan_inputs
from core.service.trading.current_book import current_book
from core.service.trading.limits import limits_of
from core.store import standing as store

if TYPE_CHECKING:
    from core.service.desk import Desk

Phase = Literal["before", "open", "closed"]
WAITING = ("queued", "running")


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The desk at an instant (UTC). `turns_at` is the next open, or the close while it is open;
    `before` is the day of the session itself, `closed` any earlier time. `risk_used_pct` is the
    share of the daily loss limit in use, None without prices.
    """

    now: datetime
    phase: Phase
    turns_at: datetime
    last_print: datetime | None
    waiting: int
    dead: int
    risk_used_pct: float | None


def status_line(desk: Desk) -> StatusLine:
    """The line as of now."""
    now = desk.now()
    phase, turns_at = turn(now)
    jobs = {str(status): count for status, count in desk.queue.counts().items()}
    return StatusLine(
        now,
        phase,
        turns_at,
        last_print(desk),
        sum(jobs.get(state, 0) for state in WAITING),
        jobs.get("dead", 0),
        risk_used_pct(desk),
    )


def turn(now: datetime) -> tuple[Phase, datetime]:
    """Whether the exchange is open, opens today or is closed; and when that changes next."""
    day = calendar.current_session(now)
    opens, closes = calendar.hours_of(day)
    if now >= opens:
        return "open", closes
    is_today = now.astimezone(NEW_YORK).date() == day
    return ("before" if is_today else "closed"), opens


def mark(desk: Desk, datasets: Sequence[str]) -> tuple[object, ...]:
    """Changes when what a page of these datasets shows may have: rows, plans, grades, the session.

    Pulls that changed nothing leave it alone.
    """
    names = tuple(sorted(datasets))
    key = (*desk.state, "mark", names)
    changed = DERIVED.get(key, lambda: store.last_change(desk.warehouse, names))
    return (*changed, *turn(desk.now()))


def last_print(desk: Desk) -> datetime | None:
    """When the last print was that is stored; at most a minute old."""
    now = desk.now()
    minute = now.replace(second=0, microsecond=0)
    key = (*desk.state, "last print", minute)
    return DERIVED.get(key, lambda: store.last_print(desk.warehouse, now))


def risk_used_pct(desk: Desk) -> float | None:
    """The share of the daily loss limit that is used, losses and open risk; None without prices."""
    try:
        day = scan_inputs.session_now(desk)
    except NotFoundError:
        return None
    key = (*desk.state, "risk used", day)
    return DERIVED.get(key, lambda: _risk_used(desk, day))


def _risk_used(desk: Desk, day: date) -> float | None:
    book = current_book(desk, desk.warehouse, day)
    checks = book_checks(book, limits_of(desk.settings))
    found = next((check for check in checks if check.limit == "daily_loss"), None)
    if found is None or not found.allowed:
        return None
    return float(100 * found.used / found.allowed)
