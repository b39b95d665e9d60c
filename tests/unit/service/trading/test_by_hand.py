"""Fills, closes and reversals by hand: only what could have traded, and only what stands."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.errors import ValidationError
from core.service.desk import Desk
from core.service.trading import journal, plans
from core.service.trading.plans import Ask
from core.store.plans import StoredPlan
from tests.unit.service.trading.test_journal_service import bars_of

WIDE = {"low": 20.0}  # of the last session: far below any stop


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """A desk with the bars of one name, whose last session ranged wide."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA", last=WIDE))
    return desk


@pytest.fixture
def approved(stocked: Desk) -> StoredPlan:
    """A plan that waits for its fill."""
    return plans.approve(stocked, Ask("AAA"), "go")


@pytest.fixture
def held(stocked: Desk, approved: StoredPlan) -> StoredPlan:
    """A plan that was filled at its entry."""
    journal.fill(stocked, approved.plan_id, approved.plan.entry)
    return approved


def kinds(desk: Desk) -> list[str]:
    return [item.entry.kind for item in journal.entries(desk)]


def test_a_plan_is_void_at_its_stop(stocked: Desk, approved: StoredPlan) -> None:
    """There is nothing to risk beyond it; a cent above it fills as many as money and risk allow."""
    stop, before = approved.plan.stop, kinds(stocked)
    for price in (stop, stop - 1):
        with pytest.raises(ValidationError, match="at or beyond the stop"):
            journal.fill(stocked, approved.plan_id, price)
    assert kinds(stocked) == before
    journal.fill(stocked, approved.plan_id, stop + Decimal("0.01"))
    (bought,) = journal.fills_of(stocked, approved.plan_id)
    assert bought["shares"] == approved.plan.shares  # the notional is less, the risk too


def test_nothing_trades_before_the_session_of_its_plan(stocked: Desk, held: StoredPlan) -> None:
    """Nor on a day without a bar."""
    plan, before = held.plan, kinds(stocked)
    with pytest.raises(ValidationError, match="before the plan's session"):
        journal.close(stocked, held.plan_id, plan.entry, on=plan.session - timedelta(days=1))
    with pytest.raises(ValidationError, match="no sound bar"):
        journal.close(stocked, held.plan_id, plan.entry, on=plan.session + timedelta(days=1))
    assert kinds(stocked) == before


def test_a_plan_is_filled_once(stocked: Desk, held: StoredPlan) -> None:
    """What is open already cannot be filled again."""
    with pytest.raises(ValidationError, match="is filled: it cannot be filled"):
        journal.fill(stocked, held.plan_id, held.plan.entry)


def test_the_fills_of_a_plan_are_those_that_stand(stocked: Desk, held: StoredPlan) -> None:
    """A reversed one is gone, and those of other plans never were among them."""
    (bought,) = journal.fills_of(stocked, held.plan_id)
    out = journal.close(stocked, held.plan_id, bought["price"], 10)[-1]
    fills = journal.fills_of(stocked, held.plan_id)
    assert fills == [bought, {**bought, "shares": 10, "what": "by hand"}]
    journal.reverse(stocked, out.number, "typed wrong")
    assert journal.fills_of(stocked, held.plan_id) == fills[:1]
    assert journal.fills_of(stocked, "another") == []


def test_a_reversal_has_a_reason(stocked: Desk, held: StoredPlan) -> None:
    """Blanks are none."""
    before = kinds(stocked)
    with pytest.raises(ValidationError, match="needs a reason"):
        journal.reverse(stocked, 3, "  ")
    assert kinds(stocked) == before


def test_the_opening_balance_stays(stocked: Desk, approved: StoredPlan) -> None:
    """Money is paid in or out, not wished away."""
    before = kinds(stocked)
    assert before[0] == "opening"
    with pytest.raises(ValidationError, match="opening balance stays"):
        journal.reverse(stocked, 1, "a mistake")
    assert kinds(stocked) == before


def test_a_reversed_fill_takes_its_plan_back(stocked: Desk, held: StoredPlan) -> None:
    """Undone at its entry it is cancelled; a close undone leaves it open."""
    out = journal.close(stocked, held.plan_id, held.plan.entry)[-1]
    assert plans.stored(stocked, held.plan_id).state == "closed"
    journal.reverse(stocked, out.number, "typed wrong")
    assert plans.stored(stocked, held.plan_id).state == "filled"
    entry = next(i for i in journal.entries(stocked) if i.entry.kind == "entry_fill")
    journal.reverse(stocked, entry.number, "never happened")
    assert plans.stored(stocked, held.plan_id).state == "cancelled"
    assert journal.prove(stocked)["differences"] == []
