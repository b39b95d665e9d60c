"""How far the limits are in use, as events of the transaction that changes the book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.risk.checks import book_checks
from core.domain.risk.types import LimitCheck
from core.observe.events import Event
from core.service.trading.current_book import current_book
from core.service.trading.limits import limits_of
from core.store import events
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

NEAR = Decimal("0.8")


def tell(desk: Desk, tx: Transaction, session: date) -> None:
    """Store an event for each limit of the book that came to 80 or 100 %, or is clear again."""
    book = current_book(desk, tx, session)
    checks = book_checks(book, limits_of(desk.settings))
    events.add(tx, [of(check) for check in checks], desk.now())


def of(check: LimitCheck) -> Event:
    """The event of a limit: reached, near or clear by what is used of it."""
    used = check.used / check.allowed if check.allowed > 0 else Decimal(int(check.used > 0))
    state = "reached" if used >= 1 else "near" if used >= NEAR else "clear"
    after = {"used": str(check.used), "allowed": str(check.allowed), "unit": check.unit}
    return Event.of(f"limit.{state}", check.limit, check.sentence, after=after)
