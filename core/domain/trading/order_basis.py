"""Orders through corporate actions: what a plan's prices are worth on a later day.

The orders of a plan stand on the shares of its session. A split scales them. A special dividend
lowers entry, stop and targets by its amount, as brokers lower resting orders on the ex-date; an
ordinary dividend moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from core.domain.gaps import bars as bar_rules
from core.domain.trading.money import price_of
from core.domain.trading.plans import Plan
from core.domain.trading.trades import Bar

SPECIAL_SHARE = Decimal(str(bar_rules.SPECIAL_SHARE))
SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Action:
    """A split (new shares per old) or a cash dividend per share, on its ex-date."""

    ex_date: date
    kind: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Basis:
    """New shares per share of the plan's session, and special dividends per such share."""

    ratio: Decimal = Decimal(1)
    paid: Decimal = Decimal(0)

    @property
    def same(self) -> bool:
        """Whether nothing happened since the plan's session."""
        return self.ratio == 1 and not self.paid

    def price(self, on_plan: Decimal) -> Decimal:
        """A price of the plan's shares as it trades on this basis."""
        return ((on_plan - self.paid) / self.ratio).quantize(SIX_PLACES, ROUND_HALF_EVEN)

    def bar(self, bar: Bar) -> Bar:
        """A bar of this basis in the prices of the plan."""
        if self.same:
            return bar
        by, more = float(self.ratio), float(self.paid)
        prices = (price * by + more for price in (bar.open, bar.high, bar.low, bar.close))
        return Bar(bar.session, *prices)


@dataclass(frozen=True, slots=True)
class Moves:
    """What moves the orders of a plan after its session: actions, and the special dividends."""

    actions: tuple[Action, ...] = ()
    special: tuple[Action, ...] = ()

    @classmethod
    def over(cls, bars: Sequence[Bar], actions: Sequence[Action]) -> Moves:
        """Those that bars and actions tell."""
        return cls(tuple(actions), tuple(specials(bars, actions)))

    def on(self, day: date, plan: Plan) -> Basis:
        """The basis of a day for the orders of the plan."""
        return basis_on(day, plan, self.actions, self.special)


UNMOVED = Moves()


def specials(bars: Sequence[Bar], actions: Sequence[Action]) -> list[Action]:
    """The dividends of the days that pay at least 2 % of the last close before them."""
    found = []
    for day in sorted({action.ex_date for action in actions if action.kind == "dividend"}):
        before = [bar.close for bar in bars if bar.session < day]
        paid = [a for a in actions if a.kind == "dividend" and a.ex_date == day]
        if before:
            on_day = price_of(before[-1]) / ratio(actions, bars[0].session, day)
            earlier = ratio(actions, bars[0].session, _last_before(bars, day))
            if sum(a.value for a in paid) >= SPECIAL_SHARE * on_day * earlier:
                found += paid
    return found


def _last_before(bars: Sequence[Bar], day: date) -> date:
    return max(bar.session for bar in bars if bar.session < day)


def basis_on(
    day: date, plan: Plan, actions: Sequence[Action], special: Sequence[Action] = ()
) -> Basis:
    """The basis of a day later than the plan's session."""
    after = plan.session
    paid = sum(
        (a.value * ratio(actions, after, a.ex_date) for a in special if after < a.ex_date <= day),
        Decimal(0),
    )
    return Basis(ratio(actions, after, day), paid)


def ratio(actions: Sequence[Action], after: date, until: date) -> Decimal:
    """New shares on `until` per share held on `after`."""
    whole = Decimal(1)
    for action in actions:
        if action.kind == "split" and after < action.ex_date <= until:
            whole *= action.value
    return whole


def on_plan_basis(
    plan: Plan, bars: Sequence[Bar], actions: Sequence[Action], special: Sequence[Action] = ()
) -> list[Bar]:
    """Raw bars in the prices of the plan."""
    return [basis_on(bar.session, plan, actions, special).bar(bar) for bar in bars]


def notes(plan: Plan, bars: Sequence[Bar], actions: Sequence[Action]) -> tuple[str, ...]:
    """A sentence for each day whose actions moved the orders of the plan, before → after."""
    special = specials(bars, actions)
    moving = [action for action in actions if action.kind == "split" or action in special]
    told, before = [], Basis()
    for day in sorted({action.ex_date for action in moving}):
        now = basis_on(day, plan, actions, special)
        what = " and ".join(_said(action) for action in moving if action.ex_date == day)
        told.append(
            f"{day}: {what}: "
            f"entry {_moved(before, now, plan.entry)}, stop {_moved(before, now, plan.stop)}, "
            f"targets {_moved(before, now, *plan.targets)}"
        )
        before = now
    return tuple(told)


def _said(action: Action) -> str:
    if action.kind == "split":
        return f"split of {action.value.normalize():f}"
    cash = action.value.quantize(SIX_PLACES, ROUND_HALF_EVEN)  # a converted one has a long tail
    return f"special dividend of {cash.normalize():f}"


def _moved(before: Basis, now: Basis, *levels: Decimal) -> str:
    """Levels of the plan as they were and as they are."""
    if not levels:
        return "none"
    then, since = (", ".join(f"{b.price(level):.2f}" for level in levels) for b in (before, now))
    return f"{then} → {since}"
