"""What plans post over bars: fills, gapped stops, splits, dividends, borrow costs; totals agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.domain.chain import GENESIS
from core.domain.gaps import backtest
from core.domain.gaps.bars import is_sound
from core.domain.trading import entries as make
from core.domain.trading import ledger
from core.domain.trading.costs import Costs
from core.domain.trading.money import price_of
from core.domain.trading.order_basis import Action
from core.domain.trading.plan_facts import facts
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build
from core.domain.trading.settlement import settle
from core.domain.trading.trades import Bar, OrderTicket, trades
from core.errors import ValidationError
from tests import stand_ins

DAY = date(2017, 3, 1)
FREE = Costs(Decimal(0), Decimal(0), Decimal(0))
AT = datetime(2017, 3, 1, tzinfo=UTC)


def plan_of(direction: str = "long", **changes: Any) -> Plan:
    setup = Setup("AAA", DAY, direction, "market", 100.0, 2.0, 1e7, expiry=DAY)
    plan = build(setup, Account(Decimal(100_000)), PlanRules(costs=FREE))
    return replace(plan, **changes)


def bar(n: int, o: float, h: float, low: float, c: float) -> Bar:
    return Bar(DAY + timedelta(days=n), o, h, low, c)


def settled(plan: Plan, bars: list[Bar], *actions: Action, costs: Costs = FREE, hold: int = 5):
    return settle(OrderTicket(plan, "P", costs), bars, actions, hold, Decimal(3))


def number_all(entries) -> list[ledger.Numbered]:
    journal: list[ledger.Numbered] = []
    for entry in entries:
        last = journal[-1] if journal else None
        after, head = (last.number, last.hash) if last else (0, GENESIS)
        journal.append(ledger.number(entry, after, head, AT))
    return journal


def result(plan: Plan, found: Any) -> Any:
    commitment = make.commitment("P", "AAA", plan.notional, DAY)
    journal = number_all([commitment, *found.entries])
    ledger.verify(journal)
    assert ledger.total(ledger.balances(journal), "commitments:") == 0
    made = trades(journal, {"P": plan})
    return made[0] if made else None


def test_a_stop_gapped_through_fills_at_the_open() -> None:
    """The loss beyond the stop is real: more than 1 R."""
    plan = plan_of()
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(1, 94, 95, 93, 94)])
    assert found.state == "stopped"
    assert result(plan, found).realised_r == pytest.approx(-2.0)


def test_stop_counts_before_target_in_one_bar() -> None:
    """Where a bar touches both, the worse is assumed."""
    plan = plan_of()
    found = settled(plan, [bar(0, 100, 110, 96, 109)])
    assert result(plan, found).realised_r == pytest.approx(-1.0)


def test_targets_are_taken_in_thirds() -> None:
    """1 R, 2 R and 3 R on a third each make 2 R in the mean."""
    plan = plan_of(shares=198)
    found = settled(plan, [bar(0, 100, 103.5, 99, 103), bar(1, 104, 110, 103.5, 109)])
    assert found.state == "targets"
    trade = result(plan, found)
    assert trade.realised_r == pytest.approx(2.0)
    assert trade.open_shares == 0


def test_an_open_beyond_the_stop_voids_the_plan() -> None:
    """No trade is made on a first print at or past the stop; the commitment is released."""
    plan = plan_of()
    found = settled(plan, [bar(0, 96, 97, 95, 96)])
    assert (found.state, [e.kind for e in found.entries]) == ("void", ["release"])


def test_a_break_that_never_trades_expires() -> None:
    """An opening range entry waits for its break and lapses without it."""
    plan = plan_of(entry_type="opening_range")
    found = settled(plan, [bar(0, 98.5, 99.5, 98, 99), bar(1, 99, 99.5, 98, 99)])
    assert found.state == "expired"


def test_a_split_keeps_money_and_scales_shares() -> None:
    """Two for one: twice the shares at the same cost; the stop moves with it."""
    plan = plan_of(shares=101)
    split = Action(DAY + timedelta(days=1), "split", Decimal(2))
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(1, 50, 50.5, 49.5, 50)], split)
    lot = make.lots(number_all(found.entries))["P"]
    assert (lot.shares, lot.cost) == (202, Decimal("10100.00"))
    later = [bar(0, 100, 101, 99, 100), bar(1, 50, 50.5, 49.5, 50), bar(2, 49, 49, 48, 48)]
    stopped = settled(plan, later, split)
    assert stopped.state == "stopped"
    assert result(plan, stopped).realised_r == pytest.approx(-1.0)


def test_a_reverse_split_pays_the_fraction() -> None:
    """One for ten of 101 shares leaves 10 and cash for a tenth."""
    plan = plan_of(shares=101)
    split = Action(DAY + timedelta(days=1), "split", Decimal("0.1"))
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(1, 1000, 1005, 995, 1000)], split)
    journal = number_all(found.entries)
    assert make.lots(journal)["P"].shares == 10
    cash = ledger.balances(journal)[make.CASH]
    assert cash == Decimal("-10100.00") + Decimal("100.00")


@pytest.mark.parametrize(("direction", "sign"), [("long", 1), ("short", -1)])
def test_dividends_and_borrow_costs(direction: str, sign: int) -> None:
    """A long is paid the dividend, a short pays it and the borrow."""
    plan = plan_of(direction)
    pays = Action(DAY + timedelta(days=1), "dividend", Decimal("0.5"))
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(1, 100, 101, 99, 100)], pays)
    balance = ledger.balances(number_all(found.entries))
    paid = -ledger.total(balance, make.DIVIDENDS, make.DIVIDENDS_PAID)
    assert paid == sign * plan.shares * Decimal("0.5")
    assert (balance.get(make.BORROW, 0) > 0) == (direction == "short")


def test_marks_add_up() -> None:
    """Equity after a mark is cash plus shares at the close."""
    plan = plan_of()
    found = settled(plan, [bar(0, 100, 102, 99, 101), bar(1, 101, 102.5, 100, 102)])
    balance = ledger.balances(number_all(found.entries))
    assert ledger.equity(balance) == plan.shares * Decimal(2)


def test_a_last_share_takes_what_is_left() -> None:
    """Costs of parts add up to the cost of the whole, to the cent."""
    lot = make.Lot("P", "AAA", Decimal(3), Decimal("10.00"))
    part, _ = make.relieved(lot, Decimal(1))
    rest, _ = make.relieved(replace(lot, shares=Decimal(2), cost=lot.cost - part), Decimal(2))
    assert part + rest == lot.cost
    with pytest.raises(ValidationError, match="cannot close"):
        make.relieved(lot, Decimal(4))


@pytest.fixture(scope="module")
def gapping(captures_or_none: Path | None) -> pl.DataFrame:
    """Bars of names that gap: seven captured ones, else twenty simulated ones."""
    bars = stand_ins.adjusted(captures_or_none).bars
    names = ["AAPL", "AMD", "NFLX", "XOM", "NVDA", "CMG", "VRTX"]
    if captures_or_none is None:
        names = bars["symbol"].unique().sort().head(20).to_list()
    return bars.filter(pl.col("symbol").is_in(names)).sort("symbol", "session")


@pytest.mark.thorough
def test_totals_equal_the_journal_over_many_gaps(gapping: pl.DataFrame) -> None:
    """A walk over gaps adds up to the same money, to the cent, as the journal it posts."""
    bars = gapping
    costs = Costs()
    rules = PlanRules(costs=costs)
    made, expected, journal_entries, plans = 0, Decimal(0), [], {}
    for (symbol,), frame in bars.group_by("symbol", maintain_order=True):
        gaps = (frame["open"] / frame["close"].shift(1) - 1).abs().fill_null(0.0)
        for row in [i for i in range(60, frame.height - 6) if gaps[i] > 0.03]:
            known = facts(frame.slice(row - 59, 60), frame["session"][row], None)
            if known.flags:
                continue
            direction = "long" if known.gap_pct > 0 else "short"
            day = frame["session"][row]
            setup = Setup(
                symbol,
                day,
                direction,
                "market",
                known.open,
                known.atr,
                known.mean_volume,
                expiry=day,
            )
            plan = build(setup, Account(Decimal(100_000)), rules)
            if plan.shares < 3:  # no thirds to take, so not what is reckoned by hand
                continue
            plan_id = f"{symbol}{row}"
            ahead = frame.slice(row, 6).filter(is_sound()).drop("symbol", "volume")
            path = [
                Bar(*values)
                for values in ahead.select("session", "open", "high", "low", "close").rows()
            ]
            found = settle(OrderTicket(plan, plan_id, costs), path, (), 5)
            journal_entries += [
                make.commitment(plan_id, symbol, plan.notional, day),
                *found.entries,
            ]
            plans[plan_id] = plan
            expected += _by_hand(plan, path, costs)
            made += 1
    journal = number_all(journal_entries)
    ledger.verify(journal)
    balance = ledger.balances(journal)
    assert made > 100
    assert sum((t.realised for t in trades(journal, plans)), Decimal(0)) == expected
    assert ledger.pnl(balance) == expected
    assert ledger.equity(balance) == expected
    assert not make.lots(journal)


def test_the_back_test_equals_the_journal_of_the_same_plans(gapping: pl.DataFrame) -> None:
    """The back-test's R, summed, is what the journal says of plans with its levels and costs."""
    bars = gapping.with_columns(split_factor=pl.lit(1.0))
    before = pl.col("close").shift(1).over("symbol")
    signals = bars.with_columns(
        gap_pct=(pl.col("open") / before - 1) * 100, atr=before * 0.02
    ).filter(pl.col("gap_pct").abs() > 3)
    rules = backtest.TradeRules(cost_bps=5.0)
    done = backtest.trades(signals, bars, rules).filter(pl.col("outcome") != "open")
    assert done.height > 100
    costs = Costs(Decimal(0), Decimal(0), Decimal(5))
    plans, posted = {}, []
    for row in done.iter_rows(named=True):
        plan = _plan_of(row)
        plan_id = f"{row['symbol']}-{row['signal_session']}"
        path = bars.filter(
            (pl.col("symbol") == row["symbol"]) & (pl.col("session") >= row["entry_session"])
        ).head(rules.hold_sessions)
        days = [Bar(*v) for v in path.select("session", "open", "high", "low", "close").rows()]
        plans[plan_id] = plan
        found = settle(OrderTicket(plan, plan_id, costs), days, (), rules.hold_sessions)
        posted += [
            make.commitment(plan_id, plan.symbol, plan.notional, plan.session),
            *found.entries,
        ]
    journal = number_all(posted)
    made = {t.plan_id: t for t in trades(journal, plans)}
    for row in done.iter_rows(named=True):
        trade = made[f"{row['symbol']}-{row['signal_session']}"]
        assert trade.exit_session == row["exit_session"]
        assert trade.realised_r == pytest.approx(row["r"], abs=1e-4)
    total = sum(t.realised_r for t in made.values())
    assert total == pytest.approx(done["r"].sum(), abs=0.01)
    money = sum((t.realised for t in made.values()), Decimal(0))
    assert money == ledger.pnl(ledger.balances(journal))


def _plan_of(row: dict) -> Plan:
    entry, stop, target = (price_of(row[name]) for name in ("entry", "stop", "target"))
    return plan_of(
        row["direction"],
        symbol=row["symbol"],
        session=row["entry_session"],
        expiry=row["entry_session"],
        entry=entry,
        stop=stop,
        r=abs(entry - stop),
        targets=(target,),
        shares=1_000_000,  # so that rounding to cents is nothing
        notional=Decimal(1),
    )


def _by_hand(plan: Plan, path: list[Bar], costs: Costs) -> Decimal:
    """The same trade reckoned independently: one pass, cash in less cash out."""
    opened = price_of(path[0].open)
    if (opened - plan.stop) * plan.sign <= 0:
        return Decimal(0)
    left = plan.shares
    away = abs(opened - plan.stop)
    left = min(left, int(plan.shares * plan.entry / opened), int(plan.shares * plan.r / away))
    cash = _traded(plan.sign * left, opened, costs)
    size = left // 3
    parts = [size, size, left - 2 * size]
    for n, today in enumerate(path[:5]):
        at_open = price_of(today.open)
        worst = today.low if plan.sign > 0 else today.high
        best = today.high if plan.sign > 0 else today.low
        while n and parts and (at_open - plan.targets[3 - len(parts)]) * plan.sign >= 0:
            count = parts.pop(0)
            cash += _traded(-plan.sign * count, at_open, costs)
            left -= count
        if left and (Decimal(str(worst)) - plan.stop) * plan.sign <= 0:
            gapped = n > 0 and (at_open - plan.stop) * plan.sign <= 0
            return cash + _traded(-plan.sign * left, at_open if gapped else plan.stop, costs)
        while parts and (Decimal(str(best)) - plan.targets[3 - len(parts)]) * plan.sign >= 0:
            target = plan.targets[3 - len(parts)]
            better = n > 0 and (at_open - target) * plan.sign > 0
            count = parts.pop(0)
            cash += _traded(-plan.sign * count, at_open if better else target, costs)
            left -= count
        if not left:
            return cash
    close = price_of(path[4].close)
    return cash + _traded(-plan.sign * left, close, costs)


def _traded(shares: int, price: Decimal, costs: Costs) -> Decimal:
    value = (shares * price).quantize(Decimal("0.01"))
    return -value - costs.fee(abs(shares)) - costs.slippage(abs(shares), price)
