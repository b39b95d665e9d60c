"""Plans at the open, whatever the prices: never more shares, never more risk, always a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.trading import openings, references
from core.domain.trading.money import tick_of
from core.domain.trading.openings import Open
from core.domain.trading.plans import (
    Account,
    Plan,
    PlanRules,
    Setup,
    build,
    fingerprint,
    from_record,
    to_record,
)
from core.domain.trading.references import Reference
from core.errors import ValidationError

AT = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
OPENED = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
RULES, ACCOUNT = PlanRules(), Account(Decimal(100_000))
prices = st.decimals("0.5", "900", places=2)
percents = st.decimals("0.1", "20", places=1)


def _plan(price: Decimal, atr: float, gap: float, side: str) -> Plan:
    tolerance = references.tolerance(price, atr, Decimal(1), Decimal(25))
    reference = Reference(price, AT, 12, "prices.minute", tolerance)
    setup = Setup(
        "AAA", date(2026, 11, 30), side, "market", float(price), atr, 1e6, gap, reference=reference
    )
    return build(setup, ACCOUNT, RULES)


plans = st.builds(
    _plan,
    prices,
    st.floats(0.05, 20),
    st.floats(-20, 20).filter(lambda gap: abs(gap) > 0.2),
    st.sampled_from(["long", "short"]),
).filter(lambda plan: plan.is_trade)


@given(prices, st.floats(0.01, 50) | st.none(), percents, percents)
def test_a_tolerance_is_at_least_a_tick_and_at_most_its_share(
    price: Decimal, atr: float | None, pct: Decimal, atr_pct: Decimal
) -> None:
    """The nearer of the two counts, on whole ticks."""
    found = references.tolerance(price, atr, pct, atr_pct)
    tick = tick_of(price)
    assert found % tick == 0
    assert tick <= found <= max(tick, price * pct / 100)


@given(plans)
def test_a_provisional_plan_round_trips_with_its_reference(plan: Plan) -> None:
    """Frozen by its fingerprint, reference included; one without has no such key."""
    again = from_record(to_record(plan))
    assert again == plan
    assert fingerprint(again) == fingerprint(plan)
    assert again.reference is not None


@given(plans, prices)
def test_no_open_makes_a_plan_larger(plan: Plan, price: Decimal) -> None:
    """Laid off from the open: the same R, at most the shares and the risk of the approval."""
    opened = Open(price, OPENED, "prices.minute")
    try:
        moved = openings.moved(plan, opened, ACCOUNT, RULES)
    except ValidationError:
        assert plan.r >= price
        return
    assert moved.shares <= plan.shares
    assert moved.risk <= plan.risk
    assert abs(moved.entry - moved.stop) == plan.r
    assert moved.entry == price


@given(plans, prices, st.floats(0, 10))
def test_an_open_at_or_beyond_the_stop_is_never_taken(
    plan: Plan, price: Decimal, least: float
) -> None:
    """Nor one on the other side of the prior close; each refusal says why."""
    found = openings.refused(plan, Open(price, OPENED, "x"), least)
    beyond = (price - plan.stop) * plan.sign <= 0
    if beyond:
        assert found is not None
    gap = openings.gap_at(plan, price)
    if gap is not None and plan.gap_pct is not None and gap * plan.gap_pct < 0:
        assert found is not None
    if found is not None:
        assert found.outcome == "not_taken"
        assert found.reason.startswith("Not taken: ")
        assert found.reason.endswith(".")


@given(plans)
def test_the_reference_itself_confirms(plan: Plan) -> None:
    """An open exactly at the last print is within any tolerance."""
    assert plan.reference is not None
    opened = Open(plan.reference.price, OPENED, "prices.minute")
    assert openings.is_within(plan.reference, opened)
    assert openings.confirmed(plan, plan.reference, opened).plan is plan
