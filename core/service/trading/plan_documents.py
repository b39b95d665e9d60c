"""Plans and checks as JSON-able documents: names as in docs/plans-and-risk.md, money as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.domain.risk.types import LimitCheck
from core.domain.trading.plans import Plan


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan: prices in the instrument's currency, money in the account's."""
    return {
        "symbol": plan.symbol,
        "session": plan.session,
        "direction": plan.direction,
        "entry_type": plan.entry_type,
        "entry": float(plan.entry),
        "stop": float(plan.stop),
        "targets": [float(level) for level in plan.targets],
        "r": float(plan.r),
        "shares": plan.shares,
        "full_shares": plan.full_shares,
        "shares_by_risk": plan.by_risk,
        "shares_by_position": plan.by_position,
        "shares_by_liquidity": plan.by_liquidity,
        "risk": float(plan.risk),
        "risk_r": 1.0 if plan.shares else 0.0,
        "risk_budget": float(plan.risk_budget),
        "reward_risk": float(plan.reward_risk),
        "notional": float(plan.notional),
        "costs": float(plan.costs),
        "gap_pct": plan.gap_pct,
        "gap_through_risk_r": plan.gap_through_risk_r,
        "currency": plan.currency,
        "account_currency": plan.account_currency,
        "fx_rate": float(plan.fx_rate),
        "expiry": plan.expiry,
        "invalidation": plan.invalidation,
        "provisional": plan.provisional,
        "reference": _reference(plan),
        "explained": dict(plan.notes),
    }


def _reference(plan: Plan) -> dict[str, Any] | None:
    """The last print that a provisional plan stands on; None once the open was known."""
    found = plan.reference
    if found is None:
        return None
    return {
        "price": float(found.price),
        "at": found.at,
        "prints": found.prints,
        "source": found.source,
        "tolerance": float(found.tolerance),
    }


def checks_document(checks: Sequence[LimitCheck]) -> list[dict[str, Any]]:
    """Checks in order: limit, used, allowed, headroom, ok, and the sentence."""
    return [
        {
            "limit": check.limit,
            "used": float(check.used),
            "allowed": float(check.allowed),
            "headroom": float(check.headroom),
            "ok": check.ok,
            "unit": check.unit,
            "warning": check.warning,
            "sentence": check.sentence,
        }
        for check in checks
    ]
