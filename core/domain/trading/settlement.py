"""What a plan posts over the bars that follow: fills, marks, splits, dividends, borrow costs.

The same entries come out for the same bars each time, so settling again posts only what is new.
Bars and actions are of the plan's symbol, raw, from its session on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core.domain.trading import entries as make
from core.domain.trading import order_basis
from core.domain.trading.entries import Fill, Lot
from core.domain.trading.ledger import JournalEntry
from core.domain.trading.money import ZERO, cents, price_of
from core.domain.trading.order_basis import Action, Basis
from core.domain.trading.share_counts import scaled
from core.domain.trading.trades import Bar, OrderTicket, walk

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Settled:
    """The entries of a plan in order, what became of it (see `trades.walk`), and what moved it."""

    entries: tuple[JournalEntry, ...]
    state: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Night:
    """What lies between two bars: days, and the actions that went ex since the first of them."""

    since: date
    until: date
    actions: Sequence[Action]
    special: Sequence[Action]

    @property
    def days(self) -> int:
        """Calendar days; none before the first bar of a lot."""
        return (self.until - self.since).days

    @property
    def went_ex(self) -> list[Action]:
        """Actions since the bar before, those of days without a bar included."""
        return [a for a in self.actions if self.since < a.ex_date <= self.until]


def settle(
    ticket: OrderTicket,
    bars: Sequence[Bar],
    actions: Sequence[Action],
    hold: int,
    borrow_pct: Decimal = ZERO,
) -> Settled:
    """Everything the plan posts after its approval, up to the last of the bars."""
    plan, special = ticket.plan, order_basis.specials(bars, actions)
    told = order_basis.notes(plan, bars, actions)
    fills, state = walk(ticket, order_basis.on_plan_basis(plan, bars, actions, special), hold)
    if fills:
        now = order_basis.basis_on(fills[0].session, plan, actions, special)
        fills[0] = _rebased(fills[0], now, ticket, None)
        if not fills[0].shares:  # less than one share of today's
            fills, state = [], "void"
    if not fills:
        lapsed = state in {"void", "expired"}
        day = min(plan.expiry or bars[-1].session, bars[-1].session) if bars else plan.session
        return Settled((_release(ticket, day, state),) if lapsed else (), state, told)
    entry, exits = fills[0], fills[1:]
    told = (*_otherwise(ticket, entry, now), *told)
    posted = entering(ticket, entry)
    lot = make.lot_after(None, posted[-1])
    final = exits[-1] if exits and state != "open" else None
    held = [bar for bar in bars if bar.session >= entry.session]
    for previous, bar in zip([None, *held], held, strict=False):
        todays = [fill for fill in exits if fill.session == bar.session]
        night = Night(previous.session if previous else bar.session, bar.session, actions, special)
        for made in _day(ticket, lot, bar, todays, night, borrow_pct, final):
            posted.append(made)
            lot = make.lot_after(lot, made)
        if lot is None or not lot.shares:
            return Settled(tuple(posted), "closed" if state == "open" else state, told)
    return Settled(tuple(posted), state, told)


def _otherwise(ticket: OrderTicket, entry: Fill, now: Basis) -> Iterator[str]:
    """How an entry differs from the plan that was approved: price and shares, before → after.

    A market that opens further from the stop takes fewer shares for the same risk.
    """
    plan = ticket.plan
    price, shares = now.price(plan.entry), scaled(plan.shares, now.ratio)
    moved = []
    if f"{price:.2f}" != f"{entry.price:.2f}":
        moved.append(f"price {price:.2f} → {entry.price:.2f}")
    if shares != abs(entry.shares):
        moved.append(f"shares {shares} → {abs(entry.shares)}")
    if moved:
        yield f"{entry.session}: entered at other figures than approved: {', '.join(moved)}"


def entering(ticket: OrderTicket, entry: Fill) -> list[JournalEntry]:
    """What the fill of an entry posts."""
    return [_release(ticket, entry.session, ticket.because), make.entry_fill(entry)]


def _release(ticket: OrderTicket, day: date, why: str) -> JournalEntry:
    amount = ticket.plan.notional if ticket.committed is None else ticket.committed
    return make.release(ticket.plan_id, ticket.plan.symbol, amount, day, why)


def _day(
    ticket: OrderTicket,
    lot: Lot | None,
    bar: Bar,
    exits: Sequence[Fill],
    night: Night,
    borrow_pct: Decimal,
    final: Fill | None,
) -> Iterator[JournalEntry]:
    """One session of a lot: what the night brought, exits, and the mark at the close.

    The `final` exit takes all that is left: after a split thirds need not add up to the lot.
    """
    if lot is None:
        return
    for made in _overnight(ticket, lot, bar, night, borrow_pct):
        yield made
        lot = make.lot_after(lot, made) or lot
    now = order_basis.basis_on(bar.session, ticket.plan, night.actions, night.special)
    for fill in exits:
        todays = _rebased(fill, now, ticket, lot, whole=fill is final)
        if todays.shares:  # a third of a few old shares may be less than one of today's
            made = make.exit_fill(todays, lot)
            yield made
            lot = make.lot_after(lot, made) or lot
    value = cents(lot.shares * price_of(bar.close) * ticket.plan.fx_rate)
    if (mark := make.mark(lot, value, bar.session)) is not None:
        yield mark


def _overnight(
    ticket: OrderTicket, lot: Lot, bar: Bar, night: Night, borrow_pct: Decimal
) -> Iterator[JournalEntry]:
    if lot.shares < 0:
        cost = cents(abs(lot.cost) * borrow_pct / 100 * night.days / DAYS_A_YEAR)
        if cost > 0:
            yield make.borrow(lot, cost, bar.session)
    rate = ticket.plan.fx_rate
    for action in night.went_ex:
        if not lot.shares:  # a split left less than one, which was paid out
            return
        if action.kind == "split":
            made = make.split(lot, action.value, price_of(bar.close) * rate, bar.session)
            yield made
            lot = make.lot_after(lot, made) or lot
        elif cents(lot.shares * action.value * rate):
            yield make.dividend(lot, action.value, bar.session, rate)


def _rebased(
    fill: Fill, now: Basis, ticket: OrderTicket, lot: Lot | None, *, whole: bool = False
) -> Fill:
    """A fill of the walk (in the plan's shares and prices) in those of its day."""
    moved = scaled(fill.shares, now.ratio)
    if lot and (whole or abs(moved) > abs(lot.shares)):
        moved = -int(lot.shares)
    if now.same and moved == fill.shares:
        return fill
    price, count = fill.price if now.same else now.price(fill.price), abs(moved)
    return replace(
        fill,
        shares=moved,
        price=price,
        fee=ticket.costs.fee(count),
        slippage=ticket.costs.slippage(count, price, ticket.plan.fx_rate),
    )
