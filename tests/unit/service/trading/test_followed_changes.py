"""What an open page runs again for: also what was proposed or kept in another tab."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from core.service.desk import Desk
from core.service.lists import lists, notes
from core.service.trading import proposals
from core.service.trading.plans import Ask
from core.store.standing import last_change
from tests.unit.service.trading.test_journal_service import bars_of

DAY = date(2026, 11, 30)
CHANGES: dict[str, Callable[[Desk], object]] = {
    "proposal": lambda desk: proposals.propose(desk, Ask("AAA")),
    "note": lambda desk: notes.write(desk, "AAA", "wait", DAY),
    "star": lambda desk: notes.set_mark(desk, "AAA", "star", DAY),
    "list": lambda desk: lists.add(desk, "Mine", ["AAA"]),
}


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """A desk with the bars of one name."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
    return desk


@pytest.mark.parametrize("what", CHANGES)
def test_the_mark_changes(stocked: Desk, what: str) -> None:
    """Whatever datasets the page rests on."""
    before = last_change(stocked.warehouse, ())
    CHANGES[what](stocked)
    assert last_change(stocked.warehouse, ()) != before
