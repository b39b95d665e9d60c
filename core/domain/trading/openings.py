"""A plan made before the open, at the open: confirmed, re-sized or not taken, and why.

The plan is frozen; what it becomes is said beside it. Never more shares than were approved, never
more risk: beyond the tolerance stop and targets move with the entry, at the same R a share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.domain.trading.plans import Account, Plan, PlanRules, resize, size_caps
from core.domain.trading.references import Reference, clock, shown
from core.domain.trading.trades import fillable
from core.errors import ValidationError

Outcome = Literal["confirmed", "resized", "not_taken"]
WORDS: dict[str, str] = {
    "confirmed": "confirmed",
    "resized": "re-sized",
    "not_taken": "not taken",
}


@dataclass(frozen=True, slots=True)
class Open:
    """An official open: its price, its instant and where it is from."""

    price: Decimal
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of a plan at the open; `plan` is what is traded (the frozen one if confirmed)."""

    outcome: Outcome
    opened: Open
    plan: Plan
    reason: str


def refused(plan: Plan, opened: Open, least_gap_pct: float) -> Opening | None:
    """Not taken where the open is at or beyond the stop, or the gap is gone; else None.

    A gap is gone once it turned, or is below the least of a candidate where it was not before.
    """
    if fillable(plan, opened.price) == 0:
        why = f"it opened at {shown(opened.price)}, at or beyond the stop {shown(plan.stop)}"
        return _not_taken(plan, opened, why)
    before, now = plan.gap_pct, gap_at(plan, opened.price)
    if before is None or now is None:
        return None
    turned = now == 0 or (now > 0) != (before > 0)
    small = abs(now) < least_gap_pct <= abs(before)
    if not (turned or small):
        return None
    why = (
        f"the gap is gone, {now:+.1f} % at the open of {shown(opened.price)} after {before:+.1f} %"
    )
    return _not_taken(plan, opened, why)


def gap_at(plan: Plan, price: Decimal) -> float | None:
    """The gap of a price in percent, on the base that the plan's own gap has."""
    if plan.gap_pct is None:
        return None
    return float(price / plan.entry) * (100 + plan.gap_pct) - 100


def is_within(reference: Reference, opened: Open) -> bool:
    """Whether the open is within the tolerance of the reference."""
    return abs(opened.price - reference.price) <= reference.tolerance


def confirmed(plan: Plan, reference: Reference, opened: Open) -> Opening:
    """The plan as approved, filled at the open."""
    reason = f"Confirmed: {_away(reference, opened)}, within the tolerance of "
    return Opening("confirmed", opened, plan, f"{reason}{reference.tolerance:f}.")


def moved(plan: Plan, opened: Open, account: Account, rules: PlanRules) -> Plan:
    """The plan laid off from the open at the same R; sized anew, never with more shares.

    ValidationError where R is no stop below the open.
    """
    entry, sign, r = opened.price, plan.sign, plan.r
    if r >= entry:
        raise ValidationError(f"a stop {r} away from an open of {entry} is not a stop")
    _, by_position, _ = size_caps(entry, r, None, account, rules)
    by_risk = min(plan.by_risk, int(plan.risk_budget // (r * plan.fx_rate)))
    caps = [plan.shares, by_risk, by_position]
    caps += [] if plan.by_liquidity is None else [plan.by_liquidity]
    targets = (entry + sign * n * r for n in rules.target_multiples)
    laid_off = replace(
        plan,
        entry=entry,
        stop=entry - sign * r,
        targets=tuple(level for level in targets if level > 0),
        by_risk=by_risk,
        by_position=by_position,
        gap_pct=gap_at(plan, opened.price),
        notes=_moved_notes(plan, opened),
    )
    return resize(laid_off, min(caps), rules)


def _moved_notes(plan: Plan, opened: Open) -> tuple[tuple[str, str], ...]:
    at = f"{shown(opened.price)} at {clock(opened.at)} New York"
    entry = f"Entry at the open, {at} ({opened.source})."
    return tuple((name, entry if name == "entry" else said) for name, said in plan.notes)


def judged(
    plan: Plan, reference: Reference, opened: Open, after: Plan, refusals: Sequence[str]
) -> Opening:
    """Re-sized to what the verdict at the open leaves of it, or not taken by its refusals."""
    if refusals or after.shares == 0:
        why = " ".join(refusals) or "no share is left at the open"
        return _not_taken(plan, opened, f"{_away(reference, opened)}, and the limits refuse: {why}")
    size = (
        f"the {plan.shares:,} shares stand"
        if after.shares == plan.shares
        else f"{after.shares:,} shares instead of {plan.shares:,}"
    )
    reason = (
        f"Re-sized: {_away(reference, opened)}, beyond the tolerance of "
        f"{reference.tolerance:f}; {size}, stop {shown(after.stop)}."
    )
    return Opening("resized", opened, after, reason)


def _away(reference: Reference, opened: Open) -> str:
    share = (opened.price / reference.price - 1) * 100
    return (
        f"it opened at {shown(opened.price)} at {clock(opened.at)} New York, {share:+.2f} % from "
        f"the reference {shown(reference.price)}"
    )


def _not_taken(plan: Plan, opened: Open, why: str) -> Opening:
    return Opening("not_taken", opened, plan, f"Not taken: {why.rstrip('.')}.")
