"""What differs between a plan as it was shown and the plan as it would be now, in words."""

from __future__ import annotations

from core.domain.trading.plans import Plan, to_record

_NAMES = {
    "by_risk": "shares by risk",
    "by_position": "shares by position",
    "by_liquidity": "shares by liquidity",
    "full_shares": "full size",
    "r": "R",
    "fx_rate": "rate",
    "gap_pct": "gap, %",
    "gap_through_risk_r": "gap-through risk, R",
}
_FIRST = ("direction", "shares", "entry", "stop", "risk", "notional")


def changes(shown: Plan, now: Plan) -> list[str]:
    """Each figure that changed with both values, size and prices first; sentences only last."""
    before, after = to_record(shown), to_record(now)
    names = [*_FIRST, *(name for name in before if name not in _FIRST and name != "notes")]
    found = [
        f"{_NAMES.get(name, name.replace('_', ' '))} {_said(before[name])} → {_said(after[name])}"
        for name in names
        if before[name] != after[name]
    ]
    if found or before["notes"] == after["notes"]:
        return found
    old, new = dict(before["notes"]), dict(after["notes"])
    return [f"{key}: {text}" for key, text in new.items() if old.get(key) != text]


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)
