"""Trade plans: from a candidate's levels to a sized plan, every number explained.

Prices are in the instrument's currency, `risk`, `notional` and budgets in the account's, converted
at the rate stated in the plan. R is the distance from entry to stop per share. Long and short are
mirror images: the distance is rounded to ticks first and then laid off on either side.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

from core.domain.trading import references
from core.domain.trading.costs import Costs
from core.domain.trading.money import ZERO, cents, price_of, tick_of, to_tick, whole
from core.domain.trading.references import Reference
from core.errors import ValidationError

Direction = Literal["long", "short"]
EntryType = Literal["market", "opening_range", "pullback", "vwap"]
NO_TRADE = "no trade"
_KEPT = {"entry", "reference", "stop", "gap_through_risk_r"}  # sentences that no size changes


@dataclass(frozen=True, slots=True)
class PlanRules:
    """How stops, targets and sizes are set. Percentages hold 1.0 for 1 %."""

    stop_atr_multiple: Decimal = Decimal("1.5")
    stop_pct: Decimal = Decimal("5")
    stop_choice: Literal["tighter", "wider"] = "tighter"
    target_multiples: tuple[int, ...] = (1, 2, 3)
    risk_per_trade_pct: Decimal = Decimal("1")
    position_pct: Decimal = Decimal("20")
    participation_pct: Decimal = Decimal("1")
    expiry_sessions: int = 1
    costs: Costs = field(default_factory=Costs)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is known of the name at the moment of planning; nothing later than that."""

    symbol: str
    session: date
    direction: Direction
    entry_type: EntryType
    entry: float
    atr: float | None  # Wilder, 14 sessions, up to the session before
    mean_volume: float | None  # shares a session, mean of the 20 sessions before
    gap_pct: float | None = None
    currency: str = "USD"
    entry_basis: str = ""  # one sentence: where the entry level comes from
    flags: tuple[str, ...] = ()
    gap_through_r: float | None = None
    gap_through_note: str = ""
    expiry: date | None = None
    reference: Reference | None = None  # made before the open: its entry is the last print


@dataclass(frozen=True, slots=True)
class Account:
    """Equity in the account's currency, and the stated rate: account per unit of instrument."""

    equity: Decimal
    currency: str = "USD"
    fx_rate: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A sized plan; frozen by `fingerprint` once approved."""

    symbol: str
    session: date
    direction: Direction
    entry_type: EntryType
    entry: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...]
    r: Decimal  # risk per share, instrument currency
    shares: int
    full_shares: int  # before any shrinking
    by_risk: int
    by_position: int
    by_liquidity: int | None  # None: no volume known
    risk: Decimal  # shares x R, account currency
    risk_budget: Decimal
    notional: Decimal
    costs: Decimal  # reserved for fees and slippage, both ways
    reward_risk: Decimal
    gap_through_risk_r: float | None
    currency: str
    account_currency: str
    fx_rate: Decimal
    gap_pct: float | None
    expiry: date | None
    invalidation: str
    notes: tuple[tuple[str, str], ...]  # (field, sentence)
    reference: Reference | None = None  # of a provisional plan: made before the open

    @property
    def provisional(self) -> bool:
        """Whether it was made before the open, from the last print."""
        return self.reference is not None

    @property
    def sign(self) -> int:
        """+1 long, -1 short."""
        return 1 if self.direction == "long" else -1

    @property
    def is_trade(self) -> bool:
        """False for 0 shares: no trade, never 1 to be kind."""
        return self.shares > 0


def build(setup: Setup, account: Account, rules: PlanRules) -> Plan:
    """The plan of a setup, sized; ValidationError on flagged prices or impossible levels."""
    if setup.flags:
        raise ValidationError(
            f"{setup.symbol} on {setup.session}: no plan on flagged prices "
            f"({', '.join(setup.flags)})",
            hint="see Data quality for the bar, or choose another session",
        )
    entry = price_of(setup.entry, f"entry of {setup.symbol}")
    if setup.entry_type != "market":  # a level of an order; the open is a print as it was
        entry = to_tick(entry)
    r, stop_note = stop_distance(entry, setup.atr, rules)
    sign = 1 if setup.direction == "long" else -1
    targets = tuple(level for n in rules.target_multiples if (level := entry + sign * n * r) > 0)
    by_risk, by_position, by_liquidity = size_caps(entry, r, setup.mean_volume, account, rules)
    shares = min(n for n in (by_risk, by_position, by_liquidity) if n is not None)
    draft = Plan(
        symbol=setup.symbol,
        session=setup.session,
        direction=setup.direction,
        entry_type=setup.entry_type,
        entry=entry,
        stop=entry - sign * r,
        targets=targets,
        r=r,
        shares=shares,
        full_shares=shares,
        by_risk=by_risk,
        by_position=by_position,
        by_liquidity=by_liquidity,
        risk=ZERO,
        risk_budget=cents(account.equity * rules.risk_per_trade_pct / 100),
        notional=ZERO,
        costs=ZERO,
        reward_risk=abs(targets[-1] - entry) / r if targets else ZERO,
        gap_through_risk_r=setup.gap_through_r,
        currency=setup.currency,
        account_currency=account.currency,
        fx_rate=account.fx_rate,
        gap_pct=setup.gap_pct,
        expiry=setup.expiry,
        invalidation="",
        notes=(
            ("entry", setup.entry_basis or f"Entry at the {setup.entry_type} level."),
            *(() if setup.reference is None else (("reference", setup.reference.sentence),)),
            ("stop", stop_note),
            ("gap_through_risk_r", setup.gap_through_note),
        ),
        reference=setup.reference,
    )
    return resize(draft, shares, rules)


def stop_distance(entry: Decimal, atr: float | None, rules: PlanRules) -> tuple[Decimal, str]:
    """R per share on ticks (rounded up) and the sentence that says where it comes from."""
    by_pct = entry * rules.stop_pct / 100
    options = {f"{rules.stop_pct:f} % of the entry": by_pct}
    if atr is not None and atr > 0:
        by_atr = rules.stop_atr_multiple * price_of(atr, "ATR")
        options[f"{rules.stop_atr_multiple:f} x ATR14 ({float(atr):.2f})"] = by_atr
    pick = min if rules.stop_choice == "tighter" else max
    name, distance = pick(options.items(), key=lambda item: item[1])
    tick = tick_of(entry)
    steps = (distance / tick).to_integral_value(ROUND_CEILING)
    r = max(steps, Decimal(1)) * tick
    if r >= entry:
        raise ValidationError(
            f"a stop {r} away from an entry of {entry} is not a stop",
            hint="lower stop_atr_multiple or stop_pct, or set stop_choice to tighter",
        )
    why = f", the {rules.stop_choice} of the two" if len(options) > 1 else "; ATR14 is not known"
    return r, f"Stop {r} from the entry: {name}{why}."


def size_caps(
    entry: Decimal, r: Decimal, mean_volume: float | None, account: Account, rules: PlanRules
) -> tuple[int, int, int | None]:
    """Whole shares by risk budget, position cap and liquidity (None: volume not known)."""
    if account.equity <= 0:
        return 0, 0, None
    budget = cents(account.equity * rules.risk_per_trade_pct / 100)
    cap = account.equity * rules.position_pct / 100
    liquidity = None
    if mean_volume is not None:
        liquidity = whole(Decimal(str(mean_volume)) * rules.participation_pct / 100)
    return (
        whole(budget / (r * account.fx_rate)),
        whole(cap / (entry * account.fx_rate)),
        liquidity,
    )


def resize(plan: Plan, shares: int, rules: PlanRules) -> Plan:
    """The same plan with another number of shares, its money and sentences made anew."""
    notional = cents(shares * plan.entry * plan.fx_rate)
    risk = cents(shares * plan.r * plan.fx_rate)
    sized = replace(
        plan,
        shares=shares,
        risk=risk,
        notional=notional,
        costs=rules.costs.reserve(shares, plan.entry, plan.stop, plan.fx_rate),
        invalidation=_invalidation(plan),
    )
    kept = tuple((k, v) for k, v in plan.notes if k in _KEPT)
    return replace(sized, notes=kept + tuple(_sentences(sized, rules)))


def _invalidation(plan: Plan) -> str:
    side = "below" if plan.direction == "long" else "above"
    until = f", or not filled by the close of {plan.expiry}" if plan.expiry else ""
    return f"Void if the first tradable print is at or {side} {plan.stop}{until}."


def _sentences(plan: Plan, rules: PlanRules) -> list[tuple[str, str]]:
    money = plan.account_currency
    caps = {
        "risk budget": plan.by_risk,
        "position cap": plan.by_position,
        "liquidity cap": plan.by_liquidity,
    }
    known = {name: n for name, n in caps.items() if n is not None}
    listed = ", ".join(f"{name} {n}" for name, n in known.items())
    binding = min(known, key=lambda name: known[name])
    shrunk = (
        f", shrunk by a limit from {plan.full_shares}" if plan.shares < plan.full_shares else ""
    )
    size = f"{plan.shares} shares: the least of {listed} (the {binding} binds){shrunk}."
    return [
        (
            "shares",
            size if plan.shares else f"0 shares, {NO_TRADE}: the least of {listed}{shrunk}.",
        ),
        (
            "risk",
            f"{plan.shares} x {plan.r} at a rate of {plan.fx_rate:f} = {plan.risk} {money}, "
            f"of a budget of {plan.risk_budget} ({rules.risk_per_trade_pct:f} % of equity).",
        ),
        (
            "notional",
            f"{plan.shares} x {plan.entry} at a rate of {plan.fx_rate:f} = "
            f"{plan.notional} {money}.",
        ),
        ("costs", f"{plan.costs} {money} kept for fees and slippage of one entry and its exits."),
        (
            "targets",
            "Targets at "
            + ", ".join(f"{n}R" for n in rules.target_multiples[: len(plan.targets)])
            + f" of {plan.r} from the entry.",
        ),
        ("reward_risk", f"The last target is {plan.reward_risk:.2f} R away, the stop 1 R."),
    ]


def fingerprint(plan: Plan) -> str:
    """SHA-256 of the plan's canonical JSON: what freezes it."""
    text = json.dumps(to_record(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_record(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values that round-trip exactly: money and prices as text.

    Without a reference there is no such key: plans of before have the fingerprint they had.
    """
    record = {item.name: _plain(getattr(plan, item.name)) for item in fields(plan)}
    if plan.reference is None:
        del record["reference"]
    return record


def from_record(record: dict[str, Any]) -> Plan:
    """The plan back from `to_record`."""
    values = dict(record)
    for name in ("entry", "stop", "r", "risk", "risk_budget", "notional", "costs", "reward_risk"):
        values[name] = Decimal(values[name])
    values["fx_rate"] = Decimal(values["fx_rate"])
    values["targets"] = tuple(Decimal(level) for level in values["targets"])
    values["notes"] = tuple((field, sentence) for field, sentence in values["notes"])
    values["session"] = date.fromisoformat(values["session"])
    values["expiry"] = date.fromisoformat(values["expiry"]) if values["expiry"] else None
    if values.get("reference"):
        values["reference"] = references.from_record(values["reference"])
    return Plan(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Reference):
        return references.to_record(value)
    return value
