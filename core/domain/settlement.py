"""What a plan posts over the bars that follow: fills, marks, splits, dividends, borrow costs.

The same entries come out for the same bars each time, so settling again posts only what is new.
Bars and actions are of the plan's symbol, raw, from its session on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from core.domain import ledger_entries as make
from core.domain.ledger import Entry
from core.domain.ledger_entries import Fill, Lot
from core.domain.money import ZERO, cents, price_of
from core.domain.trades import Bar, Ticket, walk

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Action:
    """A split (new shares per old) or a cash dividend per share, on its ex-date."""

    ex_date: date
    kind: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """The entries of a plan in order, and what became of it (see `trades.walk`)."""

    entries: tuple[Entry, ...]
    state: str


def settle(
    ticket: Ticket,
    bars: Sequence[Bar],
    actions: Sequence[Action],
    hold: int,
    borrow_pct: Decimal = ZERO,
) -> Settled:
    """Everything the plan posts after its approval, up to the last of the bars."""
    plan = ticket.plan
    fills, state = walk(ticket, _on_plan_basis(bars, actions), hold)
    if not fills:
        lapsed = state in {"void", "expired"}
        day = min(plan.expiry or bars[-1].session, bars[-1].session) if bars else plan.session
        return Settled((_release(ticket, day, state),) if lapsed else (), state)
    entry, exits = fills[0], fills[1:]
    posted = [_release(ticket, entry.session, "filled"), make.entry_fill(entry)]
    lot = make.lot_after(None, posted[-1])
    held = [bar for bar in bars if bar.session >= entry.session]
    for previous, bar in zip([None, *held], held, strict=False):
        todays = [fill for fill in exits if fill.session == bar.session]
        night = (bar.session - previous.session).days if previous else 0
        for made in _day(ticket, lot, bar, todays, actions, night, borrow_pct):
            posted.append(made)
            lot = make.lot_after(lot, made)
        if lot is None or not lot.shares:
            break
    return Settled(tuple(posted), state)


def _release(ticket: Ticket, day: date, why: str) -> Entry:
    plan = ticket.plan
    return make.release(ticket.plan_id, plan.symbol, plan.notional, day, why)


def _day(
    ticket: Ticket,
    lot: Lot | None,
    bar: Bar,
    exits: Sequence[Fill],
    actions: Sequence[Action],
    night: int,
    borrow_pct: Decimal,
) -> Iterator[Entry]:
    """One session of a lot: what the night brought, exits, and the mark at the close."""
    rate = ticket.plan.fx_rate
    if lot is None:
        return
    if night:
        for made in _overnight(ticket, lot, bar, actions, night, borrow_pct):
            yield made
            lot = make.lot_after(lot, made) or lot
    ratio = _ratio(actions, ticket.plan.session, bar.session)
    for fill in exits:
        made = make.exit_fill(_rebased(fill, lot, ratio, ticket), lot)
        yield made
        lot = make.lot_after(lot, made) or lot
    if lot.shares:
        value = cents(lot.shares * price_of(bar.close) * rate)
        if (mark := make.mark(lot, value, bar.session)) is not None:
            yield mark


def _overnight(
    ticket: Ticket,
    lot: Lot,
    bar: Bar,
    actions: Sequence[Action],
    night: int,
    borrow_pct: Decimal,
) -> Iterator[Entry]:
    if lot.shares < 0:
        cost = cents(abs(lot.cost) * borrow_pct / 100 * night / DAYS_A_YEAR)
        if cost > 0:
            yield make.borrow(lot, cost, bar.session)
    rate = ticket.plan.fx_rate
    for action in actions:
        if action.ex_date != bar.session:
            continue
        if action.kind == "split":
            made = make.split(lot, action.value, price_of(bar.close) * rate, bar.session)
            yield made
            lot = make.lot_after(lot, made) or lot
        elif cents(lot.shares * action.value * rate):
            yield make.dividend(lot, action.value, bar.session, rate)


def _rebased(fill: Fill, lot: Lot, ratio: Decimal, ticket: Ticket) -> Fill:
    """A fill of the walk (on the plan's share basis) in the shares of its day."""
    if ratio == 1:
        return fill
    price = (fill.price / ratio).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    last = fill.reason in {"stop", "close"}
    moved = int((fill.shares * ratio).to_integral_value(ROUND_HALF_EVEN))
    shares = -int(lot.shares) if last or abs(moved) > abs(lot.shares) else moved
    count = abs(shares)
    return replace(
        fill,
        shares=shares,
        price=price,
        fee=ticket.costs.fee(count),
        slippage=ticket.costs.slippage(count, price, ticket.plan.fx_rate),
    )


def _ratio(actions: Sequence[Action], after: date, until: date) -> Decimal:
    ratio = Decimal(1)
    for action in actions:
        if action.kind == "split" and after < action.ex_date <= until:
            ratio *= action.value
    return ratio


def _on_plan_basis(bars: Sequence[Bar], actions: Sequence[Action]) -> list[Bar]:
    """Bars with prices in the shares of the first of them."""
    if not bars:
        return []
    first = bars[0].session
    return [_scaled(bar, float(_ratio(actions, first, bar.session))) for bar in bars]


def _scaled(bar: Bar, by: float) -> Bar:
    if by == 1:
        return bar
    return Bar(bar.session, bar.open * by, bar.high * by, bar.low * by, bar.close * by)
