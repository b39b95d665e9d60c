"""Splits that leave less than a share, or a fraction beside whole ones: nothing stays behind."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.trading import ledger
from core.domain.trading.order_basis import Action
from core.domain.trading.plans import Plan
from core.domain.trading.share_counts import after_split
from tests.unit.domain.trading.test_settlement import DAY, bar, number_all, plan_of, result, settled


def flat(plan: Plan, found: Any) -> Any:
    """The trade of a plan whose journal holds nothing of it any more, marks included."""
    trade = result(plan, found)
    journal = number_all(found.entries)
    for account in ("assets:positions:", "assets:marks:"):
        assert ledger.total(ledger.balances(journal), account) == 0
    assert ledger.total(ledger.balances(journal), "income:unrealised") == 0
    return trade


@pytest.mark.parametrize("direction", ["long", "short"])
def test_a_reverse_split_may_leave_less_than_a_share(direction: str) -> None:
    """Seven shares before 1 for 20 are 0.35 after it, paid out: nothing is held, marked or sold."""
    plan = plan_of(direction, shares=7)
    bars = [bar(0, 100, 101, 99, 100.5), *(bar(n, 2010, 2015, 2005, 2010) for n in range(1, 6))]
    dividend = Action(DAY + timedelta(days=2), "dividend", Decimal(1))
    found = settled(plan, bars, Action(DAY + timedelta(days=1), "split", Decimal("0.05")), dividend)
    trade = flat(plan, found)
    assert found.state == "closed"
    assert (trade.open_shares, trade.exit_session, trade.exit_reason) == (
        0,
        bars[1].session,
        "split",
    )
    gained = Decimal("3.50") if direction == "long" else Decimal("-3.56")  # 0.06 of it is borrowing
    assert trade.realised == gained


def test_the_rest_of_a_split_on_the_day_of_an_exit() -> None:
    """A stop on the day on which 1 for 20 leaves less than a share has nothing to sell."""
    plan = plan_of(shares=7)
    bars = [bar(0, 100, 101, 99, 100), bar(1, 1960, 1970, 1800, 1810)]
    found = settled(plan, bars, Action(DAY + timedelta(days=1), "split", Decimal("0.05")))
    assert flat(plan, found).realised == Decimal("-66.50")


def test_thirds_of_less_than_a_share_wait_for_the_last_exit() -> None:
    """Thirty shares are 1.5 after 1 for 20; a third is none, and the last exit takes all."""
    plan = plan_of(shares=30)
    bars = [bar(0, 100, 101, 99, 100), bar(1, 2000, 2010, 1990, 2000)]
    bars += [bar(2, 2000, 2070, 1990, 2065), bar(3, 2065, 2200, 2060, 2190)]
    found = settled(plan, bars, Action(DAY + timedelta(days=1), "split", Decimal("0.05")))
    kinds = [entry.kind for entry in found.entries]
    assert kinds.count("exit_fill") == 1
    assert flat(plan, found).open_shares == 0


def test_a_split_back_and_forth_leaves_fewer_shares_to_sell() -> None:
    """Five shares, 1 for 2 and 2 for 1: four are held, and four are sold."""
    plan = plan_of(shares=5, targets=())
    bars = [bar(0, 100, 101, 99, 100), bar(1, 200, 202, 198, 200), bar(2, 100, 101, 99, 100)]
    halves = Action(DAY + timedelta(days=1), "split", Decimal("0.5"))
    back = Action(DAY + timedelta(days=2), "split", Decimal(2))
    found = settled(plan, bars, halves, back, hold=3)
    assert flat(plan, found).realised == 0


THIRDS = [("0.3333333333333333", 100), ("0.333333", 100), ("0.142857", 42), ("0.0666667", 20)]


@pytest.mark.parametrize(("told", "shares"), THIRDS)
def test_a_third_is_a_third_however_many_digits_a_source_writes(told: str, shares: int) -> None:
    """1 for 3 of 300 shares are 100, not 99 and a fraction paid out."""
    parts = round(1 / float(told))
    plan = plan_of(shares=shares * parts, targets=())
    day = DAY + timedelta(days=1)
    high = 100.0 * parts
    bars = [bar(0, 100, 101, 99, 100), bar(1, high, high * 1.01, high * 0.99, high)]
    (split,) = (
        entry for entry in settled(plan, bars, Action(day, "split", Decimal(told))).entries
        if entry.kind == "split"
    )  # fmt: skip
    assert [p.quantity for p in split.postings] == [-shares * parts, shares]


@pytest.mark.parametrize(
    ("told", "whole", "rest"),
    [("1.046129", "1046", "0.129"), ("1.281", "1281", "0"), ("0.9937", "993", "0.7")],
)
def test_a_ratio_that_nobody_agrees_in_whole_numbers_stays_as_it_is_told(
    told: str, whole: str, rest: str
) -> None:
    """As of a part that was spun off: some two numbers below a thousand are always near it."""
    assert after_split(Decimal(1000), Decimal(told)) == (Decimal(whole), Decimal(rest))
