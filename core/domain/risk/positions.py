"""The book as it stands, from the journal and the approved plans: what limits are measured on.

A plan that waits counts in full; a position counts at cost, with the risk that is left to its stop.
Equity is that before the session plus the session's deposits; reversed entries never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.risk.types import Book, Holding
from core.domain.trading.costs import MAX_EXITS, Costs
from core.domain.trading.entries import UNREALISED, Lot, lots
from core.domain.trading.ledger import JournalEntry, Numbered, live
from core.domain.trading.money import ZERO, cents
from core.domain.trading.order_basis import UNMOVED, Moves
from core.domain.trading.plans import Plan
from core.domain.trading.trades import profit
from core.errors import ValidationError


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved plan; `waiting` until it is filled or lapses. `moves` moved its orders since."""

    plan_id: str
    plan: Plan
    sector: str
    waiting: bool
    moves: Moves = UNMOVED


def book_of(
    journal: Sequence[Numbered],
    approved: Mapping[str, Approved],
    session: date,
    costs: Costs,
    correlations: Mapping[frozenset[str], float] | None = None,
) -> Book:
    """The book at the start of a session, with what has happened in it since."""
    standing = live(journal)
    put_in = sum((_flow(i) for i in standing if _counts(i.entry, session)), ZERO)
    gains = gains_by_day(standing, session)
    best = max((total for _, total in gains), default=ZERO)
    held = lots(standing)
    today = [i for i in standing if i.entry.effective == session]
    return Book(
        equity=put_in + (gains[-1][1] if gains else ZERO),
        peak=put_in + max(ZERO, best),
        realised=profit(today),
        unrealised=-sum((_marked(i) for i in today), ZERO),
        holdings=tuple(_holdings(approved, held, standing, costs)),
        correlations=correlations or {},
    )


def gains_by_day(standing: Iterable[Numbered], before: date) -> list[tuple[date, Decimal]]:
    """Profit so far, marks included, after each day with entries before a session."""
    days: dict[date, Decimal] = {}
    for item in standing:
        if item.entry.effective < before:
            moved = sum((p.amount for p in item.entry.postings if _is_pnl(p.account)), ZERO)
            days[item.entry.effective] = days.get(item.entry.effective, ZERO) - moved
    running, out = ZERO, []
    for day in sorted(days):
        running += days[day]
        out.append((day, running))
    return out


def _counts(entry: JournalEntry, session: date) -> bool:
    """The opening balance counts for every session, so that an old one can be replayed."""
    return entry.kind == "opening" or entry.effective <= session


def _is_pnl(account: str) -> bool:
    return account.startswith(("income:", "expenses:"))


def _marked(item: Numbered) -> Decimal:
    return sum((p.amount for p in item.entry.postings if p.account == UNREALISED), ZERO)


def _flow(item: Numbered) -> Decimal:
    return -sum((p.amount for p in item.entry.postings if p.account.startswith("equity:")), ZERO)


def _holdings(
    approved: Mapping[str, Approved],
    held: Mapping[str, Lot],
    standing: Sequence[Numbered],
    costs: Costs,
) -> Iterable[Holding]:
    splits = _split_ratios(standing)
    orders = _exit_orders(standing)
    for plan_id, item in approved.items():
        lot = held.get(plan_id)
        if lot is not None:
            left = MAX_EXITS - orders.get(plan_id, 0)
            stops = _stops(item, standing, splits.get(plan_id, Decimal(1)))
            yield _position(item, lot, stops, costs, left)
        elif item.waiting:
            yield _waiting(item)


def _waiting(item: Approved) -> Holding:
    plan = item.plan
    return Holding(
        plan.symbol,
        item.sector,
        plan.direction,
        plan.shares,
        plan.notional,
        plan.risk,
        plan.costs,
        plan_id=item.plan_id,
    )


def _stops(
    item: Approved, standing: Sequence[Numbered], posted: Decimal
) -> tuple[Decimal, Decimal]:
    """The stop on the shares of the lot, beside its cost and beside its last mark.

    An entry may have waited over splits and special dividends. A dividend that came after it was
    received, so that it lowers the stop beside the mark alone. `posted` are the splits since.
    """
    days = [i.entry.effective for i in standing if i.entry.plan_id == item.plan_id]
    filled = [i for i in standing if i.entry.kind == "entry_fill"]
    entered = [i.entry.effective for i in filled if i.entry.plan_id == item.plan_id]
    first, last = item.moves.on(min(entered), item.plan), item.moves.on(max(days), item.plan)
    ratio, stop = first.ratio * posted, item.plan.stop
    return (stop - first.paid) / ratio, (stop - last.paid) / ratio


def _position(
    item: Approved, lot: Lot, stops: tuple[Decimal, Decimal], costs: Costs, orders: int
) -> Holding:
    plan, (of_cost, stop) = item.plan, stops
    shares = abs(int(lot.shares))
    entry = abs(lot.cost / lot.shares) / plan.fx_rate
    return Holding(
        plan.symbol,
        item.sector,
        plan.direction,
        shares,
        abs(lot.cost),
        # a cent of rounding is in the reserve, not in the risk
        min(plan.risk, max(ZERO, cents(lot.cost - lot.shares * of_cost * plan.fx_rate))),
        costs.exit_reserve(shares, entry, stop, orders, plan.fx_rate),
        max(ZERO, cents(lot.cost + lot.marked - lot.shares * stop * plan.fx_rate)),
        item.plan_id,
    )


def _split_ratios(standing: Iterable[Numbered]) -> dict[str, Decimal]:
    ratios: dict[str, Decimal] = {}
    for item in standing:
        if item.entry.kind == "split" and item.entry.plan_id:
            ratio = next(p.price for p in item.entry.postings if p.price is not None)
            ratios[item.entry.plan_id] = ratios.get(item.entry.plan_id, Decimal(1)) * ratio
    return ratios


def _exit_orders(standing: Iterable[Numbered]) -> dict[str, int]:
    orders: dict[str, int] = {}
    for item in standing:
        if item.entry.kind == "exit_fill" and item.entry.plan_id:
            orders[item.entry.plan_id] = orders.get(item.entry.plan_id, 0) + 1
    return orders


def check_exit(lot: Lot | None, shares: int, journal: Iterable[Numbered], plan_id: str) -> Lot:
    """The lot an exit order closes; ValidationError when it cannot, or as the last one must."""
    if lot is None:
        raise ValidationError(f"plan {plan_id} holds nothing to close")
    if not 0 < shares <= abs(lot.shares):
        raise ValidationError(f"{shares} shares to close, {abs(lot.shares)} are held")
    left = MAX_EXITS - _exit_orders(live(journal)).get(plan_id, 0)
    if left <= 1 and shares != abs(lot.shares):
        raise ValidationError(
            f"the last of {MAX_EXITS} exit orders closes the whole position",
            hint=f"close {abs(lot.shares)} shares; fees are reserved for {MAX_EXITS} orders",
        )
    return lot


def check_reversal(journal: Sequence[Numbered], number: int) -> Numbered:
    """The entry to reverse; ValidationError unless it stands and is the last of its plan."""
    standing = live(journal)
    found = next((i for i in standing if i.number == number), None)
    if found is None:
        known = any(i.number == number for i in journal)
        raise ValidationError(
            f"journal entry {number} "
            + ("is reversed already, or a reversal" if known else "does not exist")
        )
    plan_id = found.entry.plan_id
    later = [i for i in standing if plan_id and i.entry.plan_id == plan_id and i.number > number]
    if later:
        raise ValidationError(
            f"entry {number} of plan {plan_id} has later entries that rest on it",
            hint=f"reverse entry {later[-1].number} first",
        )
    return found
