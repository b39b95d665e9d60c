"""Where the entry of an order fills, and what becomes of one that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.trading import entries as make
from core.domain.trading.costs import Costs
from core.domain.trading.entries import Lot
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build
from core.domain.trading.trades import Bar, OrderTicket, entry_price, walk
from core.errors import ValidationError

DAY = date(2017, 3, 1)
FREE = Costs(Decimal(0), Decimal(0), Decimal(0))


def plan_of(direction: str, kind: str, **changes: Any) -> Plan:
    """Entry 100, stop 3 or so away."""
    setup = Setup("AAA", DAY, direction, "market", 100.0, 2.0, 1e7, expiry=None)
    plan = build(setup, Account(Decimal(100_000)), PlanRules(costs=FREE))
    return replace(plan, entry_type=kind, **changes)


def bar(n: int, o: float, h: float, low: float, c: float) -> Bar:
    """A bar n sessions later."""
    return Bar(DAY + timedelta(days=n), o, h, low, c)


@pytest.mark.parametrize(
    ("direction", "kind", "prices", "price"),
    [
        ("long", "limit", (101, 102, 99.5, 101), "100"),  # comes down to the limit
        ("long", "limit", (99, 102, 98.5, 101), "99"),  # opens better
        ("long", "limit", (101, 102, 100.5, 101), None),
        ("short", "limit", (99, 100.5, 98, 99), "100"),
        ("short", "limit", (101, 101.5, 98, 99), "101"),
        ("short", "limit", (99, 99.5, 98, 99), None),
        ("long", "opening_range", (99, 100, 98.5, 99), "100"),  # touches the break
        ("long", "opening_range", (101, 102, 100.5, 101), "101"),  # opens above it
        ("long", "opening_range", (99, 99.5, 98.5, 99), None),
        ("short", "opening_range", (101, 101.5, 100, 101), "100"),
        ("short", "opening_range", (99, 99.5, 98, 99), "99"),
        ("short", "opening_range", (101, 101.5, 100.5, 101), None),
    ],
)
def test_where_an_entry_fills(
    direction: str, kind: str, prices: tuple[float, ...], price: str | None
) -> None:
    """A limit fills at its price or better, a break at its price or worse, or neither does."""
    found = entry_price(plan_of(direction, kind), bar(0, *prices), first=True)
    assert found == (None if price is None else Decimal(price))


@pytest.mark.parametrize(("direction", "opened"), [("long", 80.0), ("short", 120.0)])
def test_an_open_at_or_past_the_stop_is_an_entry_only_on_the_first_bar(
    direction: str, opened: float
) -> None:
    """Later it is no entry at all: the reason for the trade is gone."""
    plan = plan_of(direction, "limit")
    day = bar(0, opened, opened + 1, opened - 1, opened)
    assert entry_price(plan, day, first=True) == Decimal(str(opened)).normalize()
    assert entry_price(plan, day, first=False) is None


@pytest.mark.parametrize(
    ("expiry", "days", "state"),
    [(None, 3, "waiting"), (2, 2, "waiting"), (2, 3, "expired"), (1, 4, "expired")],
)
def test_an_order_that_was_not_reached_waits_until_it_expires(
    expiry: int | None, days: int, state: str
) -> None:
    """On the session of its expiry it is still good; after it, it is over."""
    ends = DAY + timedelta(days=expiry) if expiry is not None else None
    plan = plan_of("long", "limit", expiry=ends)
    bars = [bar(n, 105, 106, 104, 105) for n in range(days)]
    assert walk(OrderTicket(plan, "P", FREE), bars, 5) == ([], state)


def test_no_shares_cost_nothing() -> None:
    """Neither the least fee of an order nor what its exits are reserved for."""
    costs = Costs()
    assert costs.fee(0) == 0
    assert costs.exit_reserve(0, Decimal(100), Decimal(97), 3) == 0
    assert costs.fee(1) == costs.fee_minimum


def test_only_a_short_borrows_and_only_above_zero() -> None:
    """A long that pays for borrowed shares is a mistake in the book."""
    held = Lot("P", "AAA", Decimal(10), Decimal(1000))
    short = replace(held, shares=Decimal(-10), cost=Decimal(-1000))
    with pytest.raises(ValidationError, match="is not short"):
        make.borrow(held, Decimal(1), DAY)
    for amount in (Decimal(0), Decimal(-1), Decimal("nan"), Decimal("inf")):
        with pytest.raises(ValidationError, match="must be above zero"):
            make.borrow(short, amount, DAY)
    assert make.borrow(short, Decimal("0.01"), DAY).kind == "borrow"
