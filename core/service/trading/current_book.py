"""The book as it stands on a session: positions and plans that were approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from core.domain.chain import GENESIS
from core.domain.risk.positions import Approved, book_of
from core.domain.risk.types import Book
from core.domain.trading import entries as make
from core.domain.trading.ledger import Numbered, number
from core.domain.trading.order_basis import UNMOVED
from core.service.gaps import market_view
from core.service.trading import past_returns
from core.service.trading.limits import rules_of
from core.service.trading.moved_orders import moves_of
from core.store import journal as journal_store
from core.store import plans as plan_store
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk


def current_book(
    desk: Desk,
    reader: Reader,
    session: date,
    also: Sequence[str] = (),
    without: str | None = None,
) -> Book:
    """The book on a session, with correlations of its names and some more; `without` one plan.

    Of a desk as of an instant (`Desk.as_of`) it is the book of then.
    """
    journal = standing_journal(desk, reader, session)
    every = approved_plans(desk, reader, desk.stands_at)
    approved = {k: v for k, v in every.items() if k != without}
    book = book_of(journal, approved, session, rules_of(desk.settings).costs)
    names = sorted({h.symbol for h in book.holdings} | set(also))
    return replace(book, correlations=past_returns.pairs(desk, reader, names, session))


def standing_journal(desk: Desk, reader: Reader, session: date) -> list[Numbered]:
    """The journal; while it is empty, the opening balance that the first entry will be."""
    then = desk.stands_at
    journal = [made for made in journal_store.read(reader) if then is None or made.at <= then]
    if journal:
        return journal
    first = make.opening(desk.settings.account_equity, session)
    return [number(first, 0, GENESIS, desk.now())]


def approved_plans(
    desk: Desk, reader: Reader, until: datetime | None = None
) -> dict[str, Approved]:
    """Plans that were approved, by identifier; `waiting` while not filled and not lapsed, now or as
    of an instant.
    """
    stored = [item for item in plan_store.load(reader, until=until) if item.state != "rejected"]
    held = {item.plan_id: item.plan for item in stored if item.state == plan_store.OPEN}
    last = market_view.latest_session(reader, desk.now()) if held else None
    moves = moves_of(desk, reader, {k: (plan, last) for k, plan in held.items()}) if last else {}
    return {
        item.plan_id: Approved(
            item.plan_id,
            item.plan,
            item.sector,
            item.state == plan_store.WAITING,
            moves.get(item.plan_id, UNMOVED),
        )
        for item in stored
    }
