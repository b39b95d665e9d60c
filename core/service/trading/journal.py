"""The journal as use cases: postings, fills, settlement, reversal, proof and results.

Every use case writes all or nothing. Entries are checked at the command's edge, here by the domain,
by the store when they are appended, and again whenever the journal is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from core.domain.access.principals import Role
from core.domain.risk.positions import book_of, check_exit, check_reversal
from core.domain.risk.verdict import breaches
from core.domain.timetable import sessions
from core.domain.trading import entries as make
from core.domain.trading import ledger
from core.domain.trading.ledger import JournalEntry, Numbered, Posting
from core.domain.trading.money import ZERO, cents, decimal_of, price_of, to_tick
from core.domain.trading.order_basis import UNMOVED
from core.domain.trading.references import shown
from core.domain.trading.share_counts import scaled
from core.domain.trading.trades import OrderTicket, fillable
from core.errors import ValidationError
from core.service.gaps import market_view
from core.service.kernel.access import needs
from core.service.trading import four_eyes, limit_events
from core.service.trading.current_book import approved_plans
from core.service.trading.limits import costs_of, limits_of
from core.service.trading.moved_orders import moves_of
from core.service.trading.plans import stored
from core.store import journal as store
from core.store import plans as plan_store
from core.store.plans import StoredPlan
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

HANDS_OFF = ("assets:positions", "assets:marks", "commitments")


class Line(BaseModel):
    """One posting as a user writes it."""

    model_config = ConfigDict(extra="forbid")

    account: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO


def entries(desk: Desk) -> list[Numbered]:
    """The whole journal, proven on the way."""
    return store.read(desk.warehouse)


@needs(Role.TRADER)
def post(desk: Desk, lines: Sequence[Line], memo: str, on: date) -> Numbered:
    """Post an entry by hand; refused unless it balances and leaves positions alone."""
    postings = tuple(Posting(line.account, line.debit, line.credit) for line in lines)
    entry = ledger.validated(JournalEntry("manual", on, memo, postings))
    touched = [p.account for p in postings if p.account.startswith(HANDS_OFF)]
    if touched:
        raise ValidationError(
            f"{touched[0]} moves with plans only", hint="use journal fill, close or reverse"
        )
    return _append_guarded(desk, entry, on)


@needs(Role.TRADER)
def deposit(desk: Desk, amount: Decimal, on: date, memo: str = "Deposit") -> Numbered:
    """Put cash in."""
    return _append_guarded(desk, make.deposit(_money(amount), on, memo), on)


@needs(Role.TRADER)
def withdraw(desk: Desk, amount: Decimal, on: date, memo: str = "Withdrawal") -> Numbered:
    """Take cash out; refused when the book would be over a limit then."""
    return _append_guarded(desk, make.withdrawal(_money(amount), on, memo), on)


def _money(amount: Decimal) -> Decimal:
    if decimal_of(amount, "amount") != cents(amount):
        raise ValidationError(f"{amount} is not in whole cents")
    return amount


def _append_guarded(desk: Desk, entry: JournalEntry, session: date) -> Numbered:
    with desk.warehouse.transaction() as tx:
        before = _opened(desk, tx, session)
        made = store.append(tx, [entry], desk.now())[0]
        _within_limits(desk, tx, before, session)
        _tell_limits(desk, tx, session)
    return made


def _opened(desk: Desk, tx: Transaction, session: date) -> list[Numbered]:
    """The journal, with the opening balance posted when it is empty."""
    journal = store.read(tx)
    if journal:
        return journal
    return store.append(tx, [make.opening(desk.settings.account_equity, session)], desk.now())


def _within_limits(desk: Desk, tx: Transaction, before: Sequence[Numbered], session: date) -> None:
    """Refuse (and so roll back) a change that breaks or strains a limit of the book."""
    approved, costs = approved_plans(desk, tx), costs_of(desk.settings)
    was = book_of(before, approved, session, costs)
    now = book_of(store.read(tx), approved, session, costs)
    over = breaches(now, was, limits_of(desk.settings))
    if over:
        raise ValidationError(
            f"a limit would be exceeded: {over[0].sentence}", hint="nothing was written"
        )


@needs(Role.TRADER)
def reverse(desk: Desk, entry_no: int, reason: str) -> Numbered:
    """Take an entry back by posting its mirror; marks that rest on it go first."""
    if not reason.strip():
        raise ValidationError("a reversal needs a reason")
    with desk.warehouse.transaction() as tx:
        before = store.read(tx)
        found = _reversible(before, entry_no)
        undone = [ledger.reversal(item, reason.strip()) for item in found]
        made = store.append(tx, undone, desk.now())
        _follow_reversal(desk, tx, found[-1])
        _within_limits(desk, tx, before, found[-1].entry.effective)
        _tell_limits(desk, tx, found[-1].entry.effective)
    return made[-1]


def _tell_limits(desk: Desk, tx: Transaction, effective: date) -> None:
    """Tell of limits as they stand now: what they allow goes with the equity."""
    limit_events.tell(desk, tx, max(effective, sessions.latest_open(desk.now())))


def _reversible(journal: Sequence[Numbered], entry_no: int) -> list[Numbered]:
    """The marks after the entry, latest first, and the entry itself."""
    standing = ledger.live(journal)
    chosen = next((i for i in standing if i.number == entry_no), None)
    plan_id = chosen.entry.plan_id if chosen else None
    later = [i for i in standing if plan_id and i.entry.plan_id == plan_id and i.number > entry_no]
    if later and all(i.entry.kind == "mark" for i in later):
        return [*reversed(later), standing[standing.index(chosen)]] if chosen else []
    if chosen and chosen.entry.kind == "opening":
        raise ValidationError("the opening balance stays", hint="post a deposit or withdrawal")
    return [check_reversal(journal, entry_no)]


def _follow_reversal(desk: Desk, tx: Transaction, undone: Numbered) -> None:
    plan_id, kind = undone.entry.plan_id, undone.entry.kind
    states = {
        "commitment": "cancelled",
        "release": plan_store.WAITING,
        "entry_fill": "cancelled",
        "exit_fill": plan_store.OPEN,
    }
    if plan_id and kind in states:
        _judged_again(desk, tx, stored(desk, plan_id, tx), states[kind])
        reason = f"entry {undone.number} was reversed"
        plan_store.add_event(tx, plan_id, states[kind], reason, desk.now())


def _judged_again(desk: Desk, tx: Transaction, item: StoredPlan, state: str) -> None:
    """A plan that comes back by a reversal needs two as one that is approved does."""
    live = (plan_store.WAITING, plan_store.OPEN)
    if state in live and item.state not in live:
        four_eyes.must_hold(desk, tx, item.plan)


@needs(Role.TRADER)
def fill(desk: Desk, plan_id: str, price: Decimal, on: date | None = None) -> list[Numbered]:
    """Fill an approved plan at a price by hand: no more shares than its notional and risk allow."""
    with desk.warehouse.transaction() as tx:
        item = stored(desk, plan_id, tx)
        plan, day = item.plan, on or item.plan.session
        if item.state != plan_store.WAITING:
            raise ValidationError(f"plan {plan_id} is {item.state}: it cannot be filled")
        _tradable(tx, item, day, price)
        now = moves_of(desk, tx, {plan_id: (plan, day)}).get(plan_id, UNMOVED).on(day, plan)
        of_plan = to_tick(price_of(price)) * now.ratio + now.paid
        shares = scaled(fillable(plan, of_plan), now.ratio)
        if shares == 0:
            raise ValidationError(
                f"{price} is at or beyond the stop {shown(now.price(plan.stop))}: the plan is void"
            )
        ticket = OrderTicket(plan, plan_id, costs_of(desk.settings))
        released = make.release(plan_id, plan.symbol, plan.notional, day, "filled")
        bought = make.entry_fill(ticket.enter(shares, to_tick(price_of(price)), day))
        made = store.append(tx, [released, bought], desk.now())
        plan_store.add_event(
            tx, plan_id, plan_store.OPEN, "filled by hand", desk.now(), detail=bought.memo
        )
        limit_events.tell(desk, tx, day)
    return made


@needs(Role.TRADER)
def close(
    desk: Desk, plan_id: str, price: Decimal, shares: int | None = None, on: date | None = None
) -> list[Numbered]:
    """Close (part of) a position at a price by hand."""
    with desk.warehouse.transaction() as tx:
        item = stored(desk, plan_id, tx)
        journal = store.read(tx)
        lot = make.lots(ledger.live(journal)).get(plan_id)
        count = shares if shares is not None else int(abs(lot.shares)) if lot else 0
        lot = check_exit(lot, count, journal, plan_id)
        day = on or market_view.latest_session(tx, desk.now())
        _tradable(tx, item, day, price)
        ticket = OrderTicket(item.plan, plan_id, costs_of(desk.settings))
        sold = make.exit_fill(ticket.leave(count, to_tick(price_of(price)), day, "by hand"), lot)
        made = store.append(tx, [sold], desk.now())
        whole = count == abs(lot.shares)
        state = "closed" if whole else item.state
        reason = "closed by hand" if whole else "closed in part by hand"
        plan_store.add_event(
            tx, plan_id, state, reason, desk.now(), same=not whole, detail=sold.memo
        )
        limit_events.tell(desk, tx, day)
    return made


def _tradable(tx: Transaction, item: StoredPlan, day: date, price: Decimal) -> None:
    """Refuse a price outside the day's range, or a day before the plan's."""
    if day < item.plan.session:
        raise ValidationError(f"{day} is before the plan's session {item.plan.session}")
    bars = market_view.tradable_bars(tx, item.plan.symbol, day, day)
    if not bars:
        raise ValidationError(f"{item.plan.symbol} has no sound bar on {day}: nothing traded")
    if not bars[0].low <= float(price) <= bars[0].high:
        raise ValidationError(
            f"{price} did not trade on {day}: the range was {bars[0].low} to {bars[0].high}"
        )


def prove(desk: Desk) -> dict[str, Any]:
    """Recompute every balance from the postings, two ways, and report any difference."""
    with desk.warehouse.moment() as now:
        journal = store.read(now)
        added = dict(store.trial_balance(now).select("account", "balance").rows())
    balance = ledger.balances(journal)
    held = make.lots(journal)
    values = sum((lot.cost + lot.marked for lot in held.values()), ZERO)
    claims: list[tuple[str, Decimal, Decimal]] = [
        *(
            (account, balance.get(account, ZERO), added.get(account, ZERO))
            for account in sorted({*balance, *added})
        ),
        ("all debits less all credits", ZERO, sum(balance.values(), ZERO)),
        ("commitments", ZERO, ledger.total(balance, "commitments:")),
        (
            "positions and marks by plan",
            ledger.total(balance, "assets:positions", "assets:marks"),
            values,
        ),
        (
            "equity = contributed + profit",
            ledger.equity(balance),
            ledger.contributed(balance) + ledger.pnl(balance),
        ),
    ]
    differences = [
        {"what": what, "expected": expected, "actual": actual, "difference": actual - expected}
        for what, expected, actual in claims
        if expected != actual
    ]
    return {"entries": len(journal), "checked": len(claims), "differences": differences}


def trial_balance(desk: Desk) -> pl.DataFrame:
    """account, debit, credit and balance of every account; the journal is proven on the way."""
    entries(desk)
    return store.trial_balance(desk.warehouse)


def fills_of(desk: Desk, plan_id: str) -> list[dict[str, Any]]:
    """The standing fills of a plan: session, price, shares, what (entry, or why it was left)."""
    found = []
    for item in ledger.live(entries(desk)):
        if item.entry.plan_id == plan_id and item.entry.kind in {"entry_fill", "exit_fill"}:
            line = next(p for p in item.entry.postings if p.price is not None)
            what = item.entry.memo.rpartition("(")[2].rstrip(")")
            found.append(
                {
                    "session": item.entry.effective,
                    "price": line.price,
                    "shares": abs(line.quantity),
                    "what": what,
                }
            )
    return found


def summary(desk: Desk) -> dict[str, Any]:
    """Figures of the account: equity, cash, profit, costs."""
    balance = ledger.balances(entries(desk))
    return {
        "currency": desk.settings.account_currency,
        "equity": ledger.equity(balance),
        "cash": balance.get(make.CASH, ZERO),
        "contributed": ledger.contributed(balance),
        "realised": ledger.pnl(balance) + balance.get(make.UNREALISED, ZERO),
        "unrealised": -balance.get(make.UNREALISED, ZERO),
        "fees": balance.get(make.FEES, ZERO),
        "slippage": balance.get(make.SLIPPAGE, ZERO),
        "committed": -balance.get(make.OUTSTANDING, ZERO),
    }
