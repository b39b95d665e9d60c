"""Paper trades: how a plan fills on stored bars, and what the journal says became of it.

A stop gapped through fills at the open, and so does a target opened beyond; where one bar touches
both later on the stop counts; a limit or break entry takes no target on its own bar, as the order
of prints within it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from core.domain.trading.costs import MAX_EXITS, Costs
from core.domain.trading.entries import FEES, SLIPPAGE, Fill
from core.domain.trading.ledger import Numbered, live
from core.domain.trading.money import ZERO, price_of, whole
from core.domain.trading.plans import Plan


@dataclass(frozen=True, slots=True)
class Bar:
    """One tradable daily bar."""

    session: date
    open: float
    high: float
    low: float
    close: float


def fillable(plan: Plan, price: Decimal) -> int:
    """Shares that may fill at a price: neither notional nor risk may exceed the plan's."""
    away = (price - plan.stop) * plan.sign
    if away <= 0 or plan.shares == 0:
        return 0
    by_notional = whole(plan.shares * plan.entry / price)
    by_risk = whole(plan.shares * plan.r / away)
    return min(plan.shares, by_notional, by_risk)


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """The orders of one approved plan."""

    plan: Plan
    plan_id: str
    costs: Costs
    committed: Decimal | None = None  # reserved at approval; None: the plan's notional
    because: str = "filled"  # why its commitment is released when it fills

    def enter(self, shares: int, price: Decimal, session: date) -> Fill:
        """The entry order filled."""
        return self._fill(self.plan.sign * shares, price, session, "entry")

    def leave(self, shares: int, price: Decimal, session: date, why: str) -> Fill:
        """An exit order filled; `why` is stop, target, close or a word of the user's."""
        return self._fill(-self.plan.sign * shares, price, session, why)

    def _fill(self, shares: int, price: Decimal, session: date, why: str) -> Fill:
        count, rate = abs(shares), self.plan.fx_rate
        fee, slippage = self.costs.fee(count), self.costs.slippage(count, price, rate)
        name = self.plan.symbol
        return Fill(self.plan_id, name, session, shares, price, fee, slippage, rate, why)


def walk(ticket: OrderTicket, bars: Sequence[Bar], hold: int) -> tuple[list[Fill], str]:
    """Fills of a plan over the bars of its symbol from its session on, and what became of it.

    `hold` is the most sessions held, closed at the last close. The second value is one of: waiting,
    void, expired, open, stopped, targets, closed.
    """
    plan = ticket.plan
    for position, bar in enumerate(bars):
        if plan.expiry and bar.session > plan.expiry:
            return [], "expired"
        price = entry_price(plan, bar, first=position == 0)
        if price is None:
            continue
        shares = fillable(plan, price)
        if shares == 0:
            return [], "void"
        exits, end = exits_of(ticket, shares, bars[position : position + hold], hold)
        return [ticket.enter(shares, price, bar.session), *exits], end
    over = plan.expiry and bars and bars[-1].session >= plan.expiry
    return [], "expired" if over else "waiting"


def entry_price(plan: Plan, bar: Bar, first: bool) -> Decimal | None:
    """Where the entry fills on a bar; None when it does not. At or past the stop: still a price."""
    opened = price_of(bar.open)
    if plan.entry_type == "market":
        return opened if first else None
    long = plan.direction == "long"
    through = (opened - plan.stop) * plan.sign <= 0
    if through:
        return opened if first else None
    reached_up, reached_down = bar.high >= float(plan.entry), bar.low <= float(plan.entry)
    if plan.entry_type == "opening_range":  # a stop order: the break must trade
        if not (reached_up if long else reached_down):
            return None
        return max(opened, plan.entry) if long else min(opened, plan.entry)
    if not (reached_down if long else reached_up):  # a limit order at a better price
        return None
    return min(opened, plan.entry) if long else max(opened, plan.entry)


def exits_of(
    ticket: OrderTicket, shares: int, bars: Sequence[Bar], hold: int
) -> tuple[list[Fill], str]:
    """Exit fills of `shares` entered on the first of the bars; thirds at the targets."""
    plan, left, fills = ticket.plan, shares, list[Fill]()
    parts = _parts(shares, len(plan.targets))
    for position, bar in enumerate(bars):
        first = position == 0
        at_open = Bar(bar.session, bar.open, bar.open, bar.open, bar.open)
        for part in (bar,) if first else (at_open, bar):  # the open is the first print
            stopped = stop_price(plan, part, first) if left else None
            if stopped is not None:
                fills.append(ticket.leave(left, stopped, bar.session, "stop"))
                return fills, "stopped"
            for size, price in _targets(plan, part, parts, len(fills), first):
                fills.append(ticket.leave(size, price, bar.session, "target"))
                left -= size
        if left == 0:
            return fills, "targets"
    if len(bars) < hold:
        return fills, "open"
    last = bars[-1]
    closing = ticket.leave(left, price_of(last.close), last.session, "close")
    return [*fills, closing], "closed"


def _targets(
    plan: Plan, bar: Bar, parts: Sequence[int], done: int, first: bool
) -> list[tuple[int, Decimal]]:
    """Targets from the `done`-th on that a bar reaches, with their shares and prices."""
    if first and plan.entry_type != "market":
        return []
    reached = []
    for size, target in list(zip(parts, plan.targets, strict=False))[done:]:
        price = target_price(plan, bar, target, first)
        if price is None:
            break
        reached.append((size, price))
    return reached


def _parts(shares: int, targets: int) -> list[int]:
    """Shares per target, the last one taking the rest; never more orders than reserved for."""
    count = min(shares, targets, MAX_EXITS)
    if count == 0:
        return []
    size = shares // count
    return [size] * (count - 1) + [shares - size * (count - 1)]


def stop_price(plan: Plan, bar: Bar, first: bool) -> Decimal | None:
    """Where the stop fills on a bar: at the stop, or at the open when that is beyond it."""
    long = plan.direction == "long"
    touched = bar.low <= float(plan.stop) if long else bar.high >= float(plan.stop)
    if not touched:
        return None
    opened = price_of(bar.open)
    if first or (opened - plan.stop) * plan.sign > 0:
        return plan.stop
    return opened


def target_price(plan: Plan, bar: Bar, target: Decimal, first: bool) -> Decimal | None:
    """Where a target fills on a bar: at the target, or at a better open."""
    long = plan.direction == "long"
    touched = bar.high >= float(target) if long else bar.low <= float(target)
    if not touched:
        return None
    opened = price_of(bar.open)
    better = (opened - target) * plan.sign > 0 and not first
    return opened if better else target


@dataclass(frozen=True, slots=True)
class Trade:
    """What became of a plan, by its postings. Money in the account's currency, after costs."""

    plan_id: str
    symbol: str
    direction: str
    shares: int
    entry: Decimal
    entry_session: date
    exit: Decimal | None  # mean price of what is closed
    exit_session: date | None  # None: still open
    open_shares: int
    realised: Decimal
    fees: Decimal
    slippage: Decimal
    risk: Decimal  # shares filled x planned R
    planned_r: Decimal  # the plan's reward:risk
    realised_r: float
    exit_reason: str


def trades(
    journal: Iterable[Numbered],
    plans: Mapping[str, Plan],
    ratios: Mapping[str, Decimal] = MappingProxyType({}),
) -> list[Trade]:
    """One trade per filled plan, in order of entry; reversed entries do not count.

    `ratios`: new shares per share of the plan's session at the entry, where it waited over a split.
    """
    by_plan: dict[str, list[Numbered]] = {}
    for item in live(journal):
        if item.entry.plan_id in plans and item.entry.plan_id is not None:
            by_plan.setdefault(item.entry.plan_id, []).append(item)
    found = (
        _trade(plan_id, plans[plan_id], items, ratios.get(plan_id, Decimal(1)))
        for plan_id, items in by_plan.items()
    )
    return sorted((t for t in found if t), key=lambda t: (t.entry_session, t.plan_id))


def _trade(plan_id: str, plan: Plan, items: Sequence[Numbered], ratio: Decimal) -> Trade | None:
    entries = [i for i in items if i.entry.kind == "entry_fill"]
    exits = [i for i in items if i.entry.kind == "exit_fill"]
    ends = [i for i in items if i.entry.kind in {"exit_fill", "split"}]
    if not entries:
        return None
    bought, price = _filled(entries)
    sold, exit_price = _filled(exits)
    shares = abs(int(bought))
    left = abs(int(sum((p.quantity for i in items for p in i.entry.postings), Decimal(0))))
    realised = profit(items)
    risk = shares * plan.r / ratio * plan.fx_rate
    return Trade(
        plan_id,
        plan.symbol,
        plan.direction,
        shares,
        price or plan.entry,
        entries[0].entry.effective,
        exit_price if sold else None,
        ends[-1].entry.effective if ends and left == 0 else None,
        left,
        realised,
        _sum(items, FEES),
        _sum(items, SLIPPAGE),
        risk,
        plan.reward_risk,
        float(realised / risk) if risk else 0.0,
        _reason(exits, gone=left == 0),
    )


def _reason(exits: Sequence[Numbered], *, gone: bool) -> str:
    """Why a trade ended; a split can leave less than a share, which is paid out."""
    if not exits:
        return "split" if gone else ""
    return exits[-1].entry.memo.rpartition("(")[2].rstrip(")")


def profit(items: Iterable[Numbered]) -> Decimal:
    """Realised profit after all costs of some entries: income less expenses without marks."""
    gained = ZERO
    for item in items:
        for p in item.entry.postings:
            if p.account.startswith(("income:", "expenses:")) and p.account != "income:unrealised":
                gained -= p.amount
    return gained


def _filled(items: Sequence[Numbered]) -> tuple[Decimal, Decimal | None]:
    lines = [p for i in items for p in i.entry.postings if p.price is not None]
    moved = sum((p.quantity for p in lines), Decimal(0))
    if not moved:
        return Decimal(0), None
    value = sum((p.quantity * p.price for p in lines if p.price is not None), Decimal(0))
    return moved, value / moved


def _sum(items: Iterable[Numbered], account: str) -> Decimal:
    return sum((p.amount for i in items for p in i.entry.postings if p.account == account), ZERO)
