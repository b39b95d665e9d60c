"""Plans: never too large, 0 shares is no trade, long and short are mirror images."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.risk.types import Book, Limits, Name
from core.domain.risk.verdict import judge
from core.domain.trading import plans
from core.domain.trading.money import cents
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build
from core.domain.trading.trades import fillable

LIMITS, RULES = Limits(), PlanRules()
setups = st.builds(
    Setup,
    symbol=st.just("AAA"),
    session=st.just(date(2017, 3, 1)),
    direction=st.sampled_from(["long", "short"]),
    entry_type=st.sampled_from(["market", "opening_range", "pullback", "vwap"]),
    entry=st.floats(0.01, 5000),
    atr=st.none() | st.floats(0.0001, 100),
    mean_volume=st.none() | st.floats(0, 1e9),
)
accounts = st.builds(
    Account,
    equity=st.decimals(0, 10**7, places=2),
    fx_rate=st.decimals("0.0001", "100", places=4),
)


@given(setups, accounts)
def test_sizes_keep_to_the_formula(setup: Setup, account: Account) -> None:
    """Shares are the floor of the least cap, and one more would break it."""
    plan = _built(setup, account)
    if plan is None:
        return
    caps = [n for n in (plan.by_risk, plan.by_position, plan.by_liquidity) if n is not None]
    assert plan.shares == min(caps) >= 0
    assert plan.risk <= plan.risk_budget
    assert (plan.by_risk + 1) * plan.r * plan.fx_rate > plan.risk_budget
    assert plan.notional == cents(plan.shares * plan.entry * plan.fx_rate)
    assert plan.risk == cents(plan.shares * plan.r * plan.fx_rate)
    assert plan.is_trade == (plan.shares > 0)


@given(setups, accounts)
def test_long_and_short_are_mirror_images(setup: Setup, account: Account) -> None:
    """The other direction has the same sizes and levels as far away on the other side."""
    one = _built(setup, account)
    other = _built(_turned(setup), account)
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert (one.shares, one.risk, one.notional, one.r) == (
        other.shares,
        other.risk,
        other.notional,
        other.r,
    )
    assert one.stop - one.entry == other.entry - other.stop
    for mine, theirs in zip(one.targets, other.targets, strict=False):
        assert mine - one.entry == other.entry - theirs
    book = Book(account.equity, account.equity)
    name = Name(mean_volume=setup.mean_volume)
    verdicts = [judge(plan, book, name, LIMITS, RULES) for plan in (one, other)]
    assert one.costs == other.costs
    assert verdicts[0].decision == verdicts[1].decision
    assert verdicts[0].plan.shares == verdicts[1].plan.shares
    assert [c.used for c in verdicts[0].checks] == [c.used for c in verdicts[1].checks]


@given(setups, accounts)
def test_no_shares_is_no_trade(setup: Setup, account: Account) -> None:
    """A plan of 0 shares is rejected whatever the book; a plan that passes has shares."""
    plan = _built(setup, account)
    if plan is None:
        return
    verdict = judge(
        plan,
        Book(account.equity, account.equity),
        Name(mean_volume=setup.mean_volume),
        LIMITS,
        RULES,
    )
    assert len(verdict.checks) == 12
    if plan.shares == 0:
        assert verdict.decision == "reject"
    if verdict.decision != "reject":
        assert verdict.plan.shares >= 1
        assert all(check.ok for check in verdict.checks)
    assert (verdict.decision == "shrink") == bool(verdict.before)


@given(setups, accounts)
def test_records_round_trip(setup: Setup, account: Account) -> None:
    """A plan comes back from its record with the same fingerprint."""
    plan = _built(setup, account)
    if plan is not None:
        again = plans.from_record(plans.to_record(plan))
        assert again == plan
        assert plans.fingerprint(again) == plans.fingerprint(plan)


@given(setups, accounts, st.decimals("0.01", "6000", places=2))
def test_fills_stay_within_the_plan(setup: Setup, account: Account, price: Decimal) -> None:
    """Whatever the price, a fill has no more shares, notional or risk than was approved."""
    plan = _built(setup, account)
    if plan is None:
        return
    shares = fillable(plan, price)
    assert 0 <= shares <= plan.shares
    assert shares * price <= plan.shares * plan.entry
    if (price - plan.stop) * plan.sign <= 0:
        assert shares == 0
    assert shares * abs(price - plan.stop) <= plan.shares * plan.r
    assert fillable(plan, plan.entry) == plan.shares


@given(setups, accounts)
def test_every_number_is_explained(setup: Setup, account: Account) -> None:
    """The notes have a sentence for each figure of the plan."""
    plan = _built(setup, account)
    if plan is not None:
        said = dict(plan.notes)
        for field in ("entry", "stop", "shares", "risk", "notional", "targets", "reward_risk"):
            assert said[field].endswith("."), field


def _built(setup: Setup, account: Account) -> Plan | None:
    from core.errors import ValidationError

    try:
        return build(setup, account, RULES)
    except ValidationError:
        return None


def _turned(setup: Setup) -> Setup:
    from dataclasses import replace

    return replace(setup, direction="short" if setup.direction == "long" else "long")
