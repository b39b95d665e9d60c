"""What changes the book is told: fills in whole and in part, reversals, money in and out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from core.domain.timetable import sessions
from core.service.activity import feed
from core.service.desk import Desk
from core.service.trading import journal, plans, settling
from core.service.trading.plans import Ask
from core.store.plans import StoredPlan
from tests.unit.service.trading.test_journal_service import bars_of


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """A desk with the bars of one name."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA", last={"low": 20.0}))
    return desk


@pytest.fixture
def held(stocked: Desk) -> StoredPlan:
    """A plan that was filled at its entry."""
    item = plans.approve(stocked, Ask("AAA"), "go")
    journal.fill(stocked, item.plan_id, item.plan.entry)
    return item


def told(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    return feed.following(desk, feed.chosen(kinds), "")


def test_every_fill_is_told_with_shares_and_price(stocked: Desk, held: StoredPlan) -> None:
    """A part of a position was sold without an event; a fill did not say at what price."""
    plan = held.plan
    journal.close(stocked, held.plan_id, plan.entry, 1, plan.session)
    assert plans.stored(stocked, held.plan_id).state == "filled"
    journal.close(stocked, held.plan_id, plan.entry, on=plan.session)
    found = [event for event in told(stocked, "plan") if event["kind"] != "plan.approved"]
    assert [event["kind"] for event in found] == ["plan.filled", "plan.filled", "plan.closed"]
    states = [(event["before"]["state"], event["after"]["state"]) for event in found]
    assert states == [("approved", "filled"), ("filled", "filled"), ("filled", "closed")]
    fills = [i.entry.memo for i in journal.entries(stocked) if i.entry.kind.endswith("_fill")]
    assert "Sold 1 AAA at" in fills[1]
    for event, memo in zip(found, fills, strict=True):
        assert memo in event["message"]


def test_a_plan_that_is_turned_down_is_told(stocked: Desk) -> None:
    """With the reason, and nothing before it."""
    item = plans.reject(stocked, Ask("AAA"), "too wide")
    (event,) = told(stocked, "plan")
    assert (event["kind"], event["subject"]) == ("plan.rejected", item.plan_id)
    assert (event["before"], event["after"]["reason"]) == (None, "too wide")


def test_a_reversal_tells_of_plan_and_limits(stocked: Desk, held: StoredPlan) -> None:
    """A fill that is taken back frees what it used up."""
    of_position = feed.chosen(["limit"], subject="position")
    assert feed.following(stocked, of_position, "")[-1]["kind"] != "limit.clear"
    filled = [i.number for i in journal.entries(stocked) if i.entry.kind == "entry_fill"]
    journal.reverse(stocked, filled[0], "a slip")
    assert told(stocked, "plan")[-1]["kind"] == "plan.cancelled"
    assert feed.following(stocked, of_position, "")[-1]["kind"] == "limit.clear"


def test_money_in_and_out_tells_of_the_limits_that_it_moves(
    stocked: Desk, held: StoredPlan
) -> None:
    """What a limit allows is a share of the equity: told at once, not with the next plan."""
    of_position = feed.chosen(["limit"], subject="position")
    today = sessions.latest_open(stocked.now())
    journal.deposit(stocked, Decimal(1_000_000), today)
    assert feed.following(stocked, of_position, "")[-1]["kind"] == "limit.clear"
    journal.withdraw(stocked, Decimal(1_000_000), today)
    assert feed.following(stocked, of_position, "")[-1]["kind"] != "limit.clear"


def test_a_target_that_is_reached_is_told(desk: Desk) -> None:
    """A third of the position was sold by a later bar, and no event said so."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
    item = plans.approve(desk, Ask("AAA"), "go")
    settling.settle_all(desk)
    first, second, *_ = [float(level) for level in item.plan.targets]
    bar = bars_of("AAA", 81).tail(1).with_columns(
        open=pl.lit(first - 0.1), high=pl.lit((first + second) / 2), low=pl.lit(first - 0.2),
        close=pl.lit(first + 0.05),
    )  # fmt: skip
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bar)
    settling.settle_all(desk)
    assert plans.stored(desk, item.plan_id).state == "filled"
    filled, reached = told(desk, "plan")[1:]
    assert (filled["kind"], reached["kind"]) == ("plan.filled", "plan.filled")
    assert f"Bought {item.plan.shares} AAA at" in filled["message"]
    assert "Sold " in reached["message"]
    settling.settle_all(desk)
    assert len(told(desk, "plan")) == 3
