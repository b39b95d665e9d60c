"""No sequence of approvals, fills, exits, reversals, restarts and flows exceeds a limit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from core.domain.chain import GENESIS
from core.domain.risk.checks import book_checks
from core.domain.risk.positions import Approved, book_of, check_exit, check_reversal
from core.domain.risk.types import Limits, Name
from core.domain.risk.verdict import breaches, judge
from core.domain.trading import entries as ledger_entries
from core.domain.trading import ledger, plans
from core.domain.trading.costs import Costs
from core.domain.trading.money import ZERO, cents
from core.domain.trading.plans import Account, PlanRules, Setup, build
from core.domain.trading.trades import OrderTicket, fillable
from core.errors import ValidationError
from tests import depth

NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE")
SECTORS = {"AAA": "tech", "BBB": "tech", "CCC": "health", "DDD": "energy", "EEE": "energy"}
CORRELATIONS = {
    frozenset({"AAA", "BBB"}): 0.9,
    frozenset({"AAA", "CCC"}): 0.1,
    frozenset({"BBB", "CCC"}): -0.8,
    frozenset({"CCC", "DDD"}): 0.75,
    frozenset({"DDD", "EEE"}): 0.5,
}
SESSION = date(2017, 3, 1)
AT = datetime(2017, 3, 1, 14, 0, tzinfo=UTC)

limits_drawn = st.builds(
    Limits,
    daily_loss_pct=st.sampled_from([Decimal(n) for n in ("0.5", "1", "2", "3")]),
    position_pct=st.sampled_from([Decimal(n) for n in ("5", "20", "60")]),
    gross_pct=st.sampled_from([Decimal(n) for n in ("30", "80", "150")]),
    net_pct=st.sampled_from([Decimal(n) for n in ("20", "60", "100")]),
    max_positions=st.integers(1, 6),
    sector_pct=st.sampled_from([Decimal(n) for n in ("10", "40", "90")]),
    correlated_pct=st.sampled_from([Decimal(n) for n in ("10", "40", "90")]),
    drawdown_pct=st.sampled_from([Decimal(n) for n in ("1", "3", "10")]),
    exclusions=st.sampled_from([frozenset(), frozenset({"EEE"})]),
    grade_rule=st.sampled_from(["warn", "half", "reject"]),
)
costs_drawn = st.builds(
    Costs,
    fee_per_share=st.sampled_from([Decimal(0), Decimal("0.0035"), Decimal("0.02")]),
    fee_minimum=st.sampled_from([Decimal(0), Decimal("0.35"), Decimal(1), Decimal("7.5")]),
    slippage_bps=st.sampled_from([Decimal(0), Decimal(5), Decimal("33.3")]),
)


class Desk(RuleBasedStateMachine):
    """A paper account under arbitrary use within one session, every stop honoured."""

    @initialize(limits=limits_drawn, costs=costs_drawn, equity=st.integers(20_000, 300_000))
    def start(self, limits: Limits, costs: Costs, equity: int) -> None:
        self.limits = limits
        self.planning = PlanRules(costs=costs)
        self.plans_made = 0
        self.journal: list[ledger.Numbered] = []
        self.approved: dict[str, Approved] = {}
        self.post(ledger_entries.opening(Decimal(equity), SESSION - timedelta(days=1)))

    def post(self, entry: ledger.JournalEntry) -> None:
        last = self.journal[-1] if self.journal else None
        after, head = (last.number, last.hash) if last else (0, GENESIS)
        self.journal.append(ledger.number(entry, after, head, AT))

    def book(self, journal=None, approved=None):
        return book_of(
            self.journal if journal is None else journal,
            self.approved if approved is None else approved,
            SESSION,
            self.planning.costs,
            CORRELATIONS,
        )

    @rule(
        symbol=st.sampled_from(NAMES),
        direction=st.sampled_from(["long", "short"]),
        entry=st.floats(0.6, 300),
        atr_pct=st.floats(0.2, 6),
        volume=st.sampled_from([9e6, 9e6, 9e6, 80_000.0, 5_000.0, None]),
        grade=st.sampled_from(["A", "D", "F", None]),
        fx=st.sampled_from([Decimal(1), Decimal("1.0837"), Decimal("0.0067")]),
    )
    def approve(self, symbol, direction, entry, atr_pct, volume, grade, fx) -> None:
        setup = Setup(symbol, SESSION, direction, "market", entry, entry * atr_pct / 100, volume)
        book = self.book()
        plan = build(setup, Account(book.equity, fx_rate=fx), self.planning)
        name = Name(SECTORS[symbol], volume, grade)
        verdict = judge(plan, book, name, self.limits, self.planning)
        assert len(verdict.checks) == 12
        if verdict.decision == "reject":
            return
        assert verdict.plan.shares > 0
        assert all(check.ok for check in verdict.checks)
        self.plans_made += 1
        plan_id = f"P{self.plans_made}"
        notional = verdict.plan.notional
        if notional == 0:
            return
        self.approved[plan_id] = Approved(plan_id, verdict.plan, SECTORS[symbol], True)
        self.post(ledger_entries.commitment(plan_id, symbol, notional, SESSION))

    def waiting(self) -> list[Approved]:
        return [a for a in self.approved.values() if a.waiting]

    def lots(self) -> list[ledger_entries.Lot]:
        return list(ledger_entries.lots(ledger.live(self.journal)).values())

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), share=st.floats(-0.9, 1.2))
    def fill(self, data, share) -> None:
        item = data.draw(st.sampled_from(self.waiting()))
        plan = item.plan
        price = max(Decimal("0.01"), plan.entry + plan.sign * cents(Decimal(share) * plan.r))
        shares = fillable(plan, price)
        self.approved[item.plan_id] = Approved(item.plan_id, plan, item.sector, False)
        why = "filled" if shares else "void"
        self.post(ledger_entries.release(item.plan_id, plan.symbol, plan.notional, SESSION, why))
        if shares:
            ticket = OrderTicket(plan, item.plan_id, self.planning.costs)
            self.post(ledger_entries.entry_fill(ticket.enter(shares, price, SESSION)))

    @precondition(lambda self: self.lots())
    @rule(data=st.data(), share=st.floats(0, 4), part=st.sampled_from([0.3, 0.5, 1.0, 1.0]))
    def leave(self, data, share, part) -> None:
        lot = data.draw(st.sampled_from(self.lots()))
        plan = self.approved[lot.plan_id].plan
        price = plan.stop + plan.sign * (Decimal(share) * plan.r).quantize(Decimal("0.0001"))
        shares = max(1, int(abs(lot.shares) * Decimal(part)))
        if price <= 0:
            return
        try:
            lot = check_exit(lot, shares, self.journal, lot.plan_id)
        except ValidationError:
            return
        ticket = OrderTicket(plan, lot.plan_id, self.planning.costs)
        self.post(ledger_entries.exit_fill(ticket.leave(shares, price, SESSION, "exit"), lot))

    @precondition(lambda self: self.lots())
    @rule(data=st.data(), share=st.floats(0.01, 5))
    def mark(self, data, share) -> None:
        lot = data.draw(st.sampled_from(self.lots()))
        plan = self.approved[lot.plan_id].plan
        price = plan.stop + plan.sign * Decimal(share) * plan.r
        entry = ledger_entries.mark(lot, cents(lot.shares * price * plan.fx_rate), SESSION)
        if entry and price > 0:
            self.post(entry)

    @rule(data=st.data())
    def reverse(self, data) -> None:
        number = data.draw(st.integers(max(1, len(self.journal) - 5), len(self.journal)))
        try:
            found = check_reversal(self.journal, number)
        except ValidationError:
            return
        undone = ledger.reversal(found, "a slip")
        last = self.journal[-1]
        after = [*self.journal, ledger.number(undone, last.number, last.hash, AT)]
        approved = dict(self.approved)
        plan_id = found.entry.plan_id
        if found.entry.kind == "commitment":
            del approved[plan_id]
        elif found.entry.kind == "release":
            item = approved[plan_id]
            approved[plan_id] = Approved(plan_id, item.plan, item.sector, True)
        if not breaches(self.book(after, approved), self.book(), self.limits):
            self.journal, self.approved = after, approved

    @rule(amount=st.integers(-50_000, 50_000).filter(bool))
    def flow(self, amount) -> None:
        money = Decimal(abs(amount))
        make = ledger_entries.deposit if amount > 0 else ledger_entries.withdrawal
        last = self.journal[-1]
        after = [
            *self.journal,
            ledger.number(make(money, SESSION), last.number, last.hash, AT),
        ]
        if not breaches(self.book(after), self.book(), self.limits):
            self.journal = after

    @rule()
    def restart(self) -> None:
        """Plans come back from their records exactly; the book is made of what is stored."""
        before = self.book()
        self.approved = {
            plan_id: Approved(
                plan_id, plans.from_record(plans.to_record(a.plan)), a.sector, a.waiting
            )
            for plan_id, a in self.approved.items()
        }
        assert self.book() == before

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        if hasattr(self, "limits"):
            over = [c for c in book_checks(self.book(), self.limits) if not c.ok]
            assert not over, over

    @invariant()
    def the_journal_is_whole(self) -> None:
        if not hasattr(self, "limits"):
            return
        ledger.verify(self.journal)
        balance = ledger.balances(self.journal)
        assert sum(balance.values(), ZERO) == 0
        assert ledger.equity(balance) == ledger.contributed(balance) + ledger.pnl(balance)
        lots = ledger_entries.lots(self.journal)
        held = sum((lot.cost + lot.marked for lot in lots.values()), ZERO)
        assert ledger.total(balance, "assets:positions", "assets:marks") == held
        assert ledger.total(balance, "commitments:") == 0


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=depth.pick(
        60, 200, depth.PROFILES[depth.LONG]
    ),  # a case is a whole session of use
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
