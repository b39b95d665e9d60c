"""What becomes of a plan at the open: whole answers at the ends of each condition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.domain.trading import openings
from core.domain.trading.openings import Open
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build
from core.domain.trading.references import Reference

AT = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
REFERENCE = Reference(Decimal("104.00"), AT, 12, "prices.minute", Decimal("0.50"))


def plan(gap: float | None = 4.0) -> Plan:
    """A long one at 104, after a close of 100."""
    setup = Setup("AAA", date(2026, 11, 30), "long", "market", 104.0, 10.0, 1e6, gap,
                  reference=REFERENCE)  # fmt: skip
    return build(setup, Account(Decimal(100_000)), PlanRules())


def opened(price: str) -> Open:
    return Open(Decimal(price), datetime(2026, 11, 30, 14, 30, tzinfo=UTC), "prices.minute")


@pytest.mark.parametrize(
    ("price", "least", "why"),
    [
        ("103.00", 3.0, None),  # the least itself is enough
        ("103.00", 3.01, "the gap is gone, +3.0 % at the open of 103.00 after +4.0 %"),
        ("103.00", 4.01, None),  # it was none of that size before
        ("103.00", 4.0, "the gap is gone, +3.0 % at the open of 103.00 after +4.0 %"),
        ("100.00", 0.0, "the gap is gone, +0.0 % at the open of 100.00 after +4.0 %"),
        ("99.50", 0.0, "the gap is gone, -0.5 % at the open of 99.50 after +4.0 %"),
        ("100.50", 0.0, None),
    ],
)
def test_a_gap_is_gone_once_it_turned_or_is_small(price: str, least: float, why: str) -> None:
    """No gap at all has turned; half a percent has not."""
    found = openings.refused(plan(), opened(price), least)
    assert (found.reason if found else None) == (f"Not taken: {why}." if why else None)


def test_a_gap_down_is_gone_where_it_opens_at_the_close_before() -> None:
    """No gap is neither up nor down; half a percent down is still one."""
    setup = Setup("AAA", date(2026, 11, 30), "short", "market", 96.0, 10.0, 1e6, -4.0)
    made = build(setup, Account(Decimal(100_000)), PlanRules())
    found = openings.refused(made, opened("100.00"), 0.0)
    assert found is not None and "the gap is gone, +0.0 %" in found.reason
    assert openings.refused(made, opened("99.50"), 0.0) is None


def test_a_plan_without_a_gap_is_judged_by_its_stop_alone() -> None:
    """At the stop it is not taken, a cent before it is."""
    made = plan(None)
    at_stop = openings.refused(made, opened(str(made.stop)), 3.0)
    assert at_stop is not None and "at or beyond the stop" in at_stop.reason
    assert openings.refused(made, opened(str(made.stop + Decimal("0.01"))), 3.0) is None


@pytest.mark.parametrize(("left", "size"), [(0, "the {all} shares stand"), (3, "{n} shares")])
def test_a_plan_that_is_laid_off_says_what_became_of_its_shares(left: int, size: str) -> None:
    """All of them stand, or fewer than there were."""
    made = plan()
    after = replace(made, shares=made.shares - left)
    found = openings.judged(made, REFERENCE, opened("105.04"), after, [])
    assert (found.outcome, found.plan) == ("resized", after)
    said = size.format(all=f"{made.shares:,}", n=f"{after.shares:,}")
    said += f" instead of {made.shares:,}" if left else ""
    assert f", beyond the tolerance of 0.50; {said}, stop" in found.reason
    assert "105.04 at 9:30 New York, +1.00 % from" in found.reason


def test_refusals_or_no_share_leave_nothing() -> None:
    """With the words of the limits, or those of none left."""
    made = plan()
    for after, refusals, why in (
        (made, ["Too much."], "Too much."),
        (replace(made, shares=0), [], "no share is left at the open"),
    ):
        found = openings.judged(made, REFERENCE, opened("105.04"), after, refusals)
        assert found.outcome == "not_taken"
        assert f"and the limits refuse: {why}" in found.reason
