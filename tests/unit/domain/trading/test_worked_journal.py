"""A journal worked by hand: what each plan's trade, its lots and the balances are, to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.chain import GENESIS
from core.domain.trading import entries as make
from core.domain.trading import ledger, money, order_basis
from core.domain.trading.entries import Fill, Lot
from core.domain.trading.order_basis import Action, Basis
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build
from core.domain.trading.trades import Bar, Trade, trades
from core.errors import IntegrityError, ValidationError

AT = datetime(2017, 3, 1, tzinfo=UTC)


def day(number: int) -> date:
    return date(2017, 3, number)


def plan_of(symbol: str, direction: str = "long") -> Plan:
    setup = Setup(symbol, day(1), direction, "market", 100.0, 2.0, 1e7)
    return replace(build(setup, Account(Decimal(100_000)), PlanRules()), shares=10)


PLANS = {"A": plan_of("AAA"), "B": plan_of("BBB", "short"), "C": plan_of("CCC"), "D": plan_of("D")}


def fill(plan: str, on: int, shares: int, price: str, why: str = "entry") -> Fill:
    """An order of a dollar's fee and half a dollar's slippage."""
    costs = (Decimal("1.00"), Decimal("0.50"))
    return Fill(plan, PLANS[plan].symbol, day(on), shares, Decimal(price), *costs, reason=why)


class Journal:
    """Entries as they are posted, each numbered after the last."""

    def __init__(self) -> None:
        self.items: list[ledger.Numbered] = []

    def post(self, entry: ledger.JournalEntry) -> ledger.Numbered:
        last = self.items[-1] if self.items else None
        after, head = (last.number, last.hash) if last else (0, GENESIS)
        self.items.append(ledger.number(entry, after, head, AT))
        return self.items[-1]

    def enter(self, *told: Any) -> ledger.Numbered:
        return self.post(make.entry_fill(fill(*told)))  # type: ignore[arg-type]

    def leave(self, *told: Any) -> ledger.Numbered:
        item = fill(*told)  # type: ignore[arg-type]
        return self.post(make.exit_fill(item, self.lot(item.plan_id)))

    def lot(self, plan: str) -> Lot:
        return make.lots(ledger.live(self.items))[plan]


@pytest.fixture
def journal() -> Journal:
    """A: bought 10 at 100, 4 sold at 106, 6 at 97. B: shorted 10, 3 bought back. C: taken back."""
    written = Journal()
    written.post(make.opening(Decimal("50000.00"), day(1)))
    written.enter("B", 2, -10, "100")
    written.enter("A", 1, 10, "100")
    written.post(make.mark(written.lot("A"), Decimal("1050.00"), day(2)))  # type: ignore[arg-type]
    written.leave("A", 3, -4, "106", "target")
    written.leave("B", 3, 3, "95", "close")
    wrong = written.enter("C", 3, 10, "100")
    written.post(ledger.reversal(wrong, "a slip"))
    written.leave("A", 6, -6, "97", "stop")
    return written


def test_trades_are_what_was_posted(journal: Journal) -> None:
    """Whole values: a closed long, a short that is open in part, and none of what was undone."""
    risk = Decimal(10) * PLANS["A"].r
    common = {"shares": 10, "entry": Decimal(100), "risk": risk}
    first = Trade(
        plan_id="A", symbol="AAA", direction="long", entry_session=day(1),
        exit=Decimal("100.6"), exit_session=day(6), open_shares=0,
        realised=Decimal("1.50"),  # 4 x 6 less 6 x 3 less three orders of 1.50
        fees=Decimal("3.00"), slippage=Decimal("1.50"), planned_r=PLANS["A"].reward_risk,
        realised_r=float(Decimal("1.50") / risk), exit_reason="stop", **common,
    )  # fmt: skip
    second = Trade(
        plan_id="B", symbol="BBB", direction="short", entry_session=day(2),
        exit=Decimal(95), exit_session=None, open_shares=7,
        realised=Decimal("12.00"), fees=Decimal("2.00"), slippage=Decimal("1.00"),
        planned_r=PLANS["B"].reward_risk, realised_r=float(Decimal("12.00") / risk),
        exit_reason="close", **common,
    )  # fmt: skip
    assert trades(journal.items, PLANS) == [first, second]


def test_what_is_held_and_every_balance(journal: Journal) -> None:
    """The short that is left, at its cost; every account, and the shares of every name."""
    assert make.lots(ledger.live(journal.items)) == {
        "B": Lot("B", "BBB", Decimal(-7), Decimal("-700.00"))
    }
    assert ledger.quantities(journal.items) == {"BBB": Decimal(-7)}
    balance = ledger.balances(journal.items)
    assert {account: amount for account, amount in balance.items() if amount} == {
        "assets:cash": Decimal("50713.50"),
        "assets:positions:BBB": Decimal("-700.00"),
        "equity:opening": Decimal("-50000.00"),
        "expenses:fees": Decimal("5.00"),
        "expenses:slippage": Decimal("2.50"),
        "income:realised": Decimal("-21.00"),
    }
    assert list(balance) == sorted(balance)
    assert ledger.equity(balance) == Decimal("50013.50")
    assert (ledger.pnl(balance), ledger.contributed(balance)) == (Decimal("13.50"), Decimal(50_000))
    standing = [item.number for item in ledger.live(journal.items)]
    assert standing == [1, 2, 3, 4, 5, 6, 9]


def test_an_open_plan_is_a_trade_without_an_end() -> None:
    """Nothing sold yet: no price, day or reason of an exit, and its costs are its loss."""
    written = Journal()
    written.enter("D", 2, 10, "100")
    (found,) = trades(written.items, PLANS)
    assert (found.exit, found.exit_session, found.exit_reason) == (None, None, "")
    assert (found.open_shares, found.realised) == (10, Decimal("-1.50"))
    assert trades([], PLANS) == []


@pytest.mark.parametrize("held", [5, -5])
@pytest.mark.parametrize("share", [0, 6, -1])
def test_no_more_is_given_back_than_is_held(held: int, share: int) -> None:
    """Nothing, one too many, or the wrong way round is refused; a part and all are not."""
    lot = Lot("A", "AAA", Decimal(held), Decimal(held * 10), Decimal(5))
    side = 1 if held > 0 else -1
    with pytest.raises(ValidationError, match="cannot close"):
        make.relieved(lot, Decimal(share * side))
    assert make.relieved(lot, Decimal(held)) == (lot.cost, lot.marked)
    assert make.relieved(lot, Decimal(2 * side)) == (Decimal(20 * side), Decimal("2.00"))


def test_a_chain_is_whole_or_told_to_be_broken(journal: Journal) -> None:
    """Left out, changed, moved: each is found; a part that begins later is verified as such."""
    items = journal.items
    ledger.verify(items)
    ledger.verify(items[3:], 4, items[2].hash)
    for broken in (
        items[1:],
        [*items[:2], *items[3:]],
        [*items[:2], replace(items[2], hash="0" * 64), *items[3:]],
        [*items[:2], replace(items[2], at=AT.replace(year=2018)), *items[3:]],
        [*items[:2], replace(items[2], entry=replace(items[2].entry, memo="x")), *items[3:]],
        [replace(items[0], previous_hash="1" * 64), *items[1:]],
    ):
        with pytest.raises(IntegrityError):
            ledger.verify(broken)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("999999999999999.99", None), ("-999999999999999.99", None),
        ("1e15", "too large"), ("-1e15", "too large"), ("nan", "finite"), ("-inf", "finite"),
        ("ten", "not a number"), ("", "not a number"),
    ],
)  # fmt: skip
def test_what_is_a_number(value: str, told: str | None) -> None:
    """All below a quadrillion; the first beyond it is refused, as is what is none."""
    if told is None:
        assert money.decimal_of(value) == Decimal(value)
    else:
        with pytest.raises(ValidationError, match=told):
            money.decimal_of(value)


@pytest.mark.parametrize(
    ("price", "tick", "on_tick"),
    [("1", "0.01", "1.00"), ("0.99996", "0.0001", "1.0000"), ("1.005", "0.01", "1.00"),
     ("0.12345", "0.0001", "0.1234"), ("12.346", "0.01", "12.35")],
)  # fmt: skip
def test_ticks(price: str, tick: str, on_tick: str) -> None:
    """A cent from one dollar on, a hundredth of one below; halves go to the even tick."""
    assert money.tick_of(Decimal(price)) == Decimal(tick)
    assert str(money.to_tick(Decimal(price))) == on_tick


def test_prices_are_above_zero_with_six_places() -> None:
    """Rounded half to even, without an exponent; what rounds to nothing is no price."""
    assert [str(money.price_of(v)) for v in (0.1, "1e3", "2.0000005", "2.0000015")] == [
        "0.1", "1000", "2", "2.000002",
    ]  # fmt: skip
    for none in (0, -1.5, "4e-7"):
        with pytest.raises(ValidationError, match="above zero"):
            money.price_of(none)
    assert (money.cents(Decimal("0.125")), money.cents_up(Decimal("0.121"))) == (
        Decimal("0.12"), Decimal("0.13"),
    )  # fmt: skip
    assert [money.whole(Decimal(n)) for n in ("2.99", "3", "-0.5")] == [2, 3, 0]


ACTIONS = (
    Action(day(2), "split", Decimal(2)),
    Action(day(3), "dividend", Decimal("0.99")),
    Action(day(6), "dividend", Decimal("0.60")),
    Action(day(6), "dividend", Decimal("0.40")),
    Action(day(7), "split", Decimal("0.5")),
)


@pytest.mark.parametrize(
    ("on", "ratio", "paid"),
    [(1, "1", "0"), (2, "2", "0"), (3, "2", "0"), (6, "2", "2.00"), (7, "1", "2.00")],
)
def test_the_basis_of_a_day(on: int, ratio: str, paid: str) -> None:
    """Splits from the day after the plan's to the day itself; special dividends on new shares."""
    bars = [Bar(day(n), p, p, p, p) for n, p in ((1, 100.0), (2, 50.0), (3, 50.0), (6, 49.0))]
    special = order_basis.specials(bars, ACTIONS)
    assert [(a.ex_date, a.value) for a in special] == [
        (day(6), Decimal("0.60")), (day(6), Decimal("0.40")),
    ]  # fmt: skip
    basis = order_basis.basis_on(day(on), PLANS["A"], ACTIONS, special)
    assert basis == Basis(Decimal(ratio), Decimal(paid))
    assert basis.same == (on == 1)
    assert basis.price(Decimal(98)) == (Decimal(98) - Decimal(paid)) / Decimal(ratio)
    there = basis.bar(Bar(day(on), 48.0, 50.0, 46.0, 49.0))
    by, more = float(ratio), float(paid)
    assert there == Bar(day(on), *(p * by + more for p in (48.0, 50.0, 46.0, 49.0)))


def test_a_dividend_without_a_close_before_it_is_not_special() -> None:
    """It cannot be told of how much it is a part."""
    bars = [Bar(day(6), 50.0, 50.0, 50.0, 50.0)]
    assert order_basis.specials(bars, [Action(day(6), "dividend", Decimal(40))]) == []
