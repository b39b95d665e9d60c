"""Plans, risk and entries as documents whose money is exact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from core.domain.risk.types import LimitCheck
from core.domain.tables.frames import INSTANT
from core.domain.trading.money import cents, decimal_of
from core.domain.trading.plans import Plan
from core.service.desk import Desk
from core.service.trading import proposals
from core.service.trading.plan_documents import plan_document
from core.service.trading.plans import Stored
from core.service.trading.risk import RiskReport, risk_document
from core.store.proposals import StoredProposal

SIX, MONEY = pl.Decimal(18, 6), pl.Decimal(18, 2)
PLAN_ROW: dict[str, Any] = {
    "plan_id": pl.String, "state": pl.String, "symbol": pl.String, "session": pl.Date,
    "direction": pl.String, "entry_type": pl.String, "entry": SIX, "stop": SIX,
    "shares": pl.Int64, "risk": MONEY, "notional": MONEY, "grade": pl.String, "status": pl.String,
    "tag": pl.String, "provisional": pl.Boolean, "proposed_by": pl.String, "decided_by": pl.String,
    "reason": pl.String, "created_at": INSTANT,
}  # fmt: skip
ENTRY_ROW: dict[str, Any] = {
    "entry_no": pl.Int64, "at": INSTANT, "effective": pl.Date, "kind": pl.String,
    "memo": pl.String, "plan_id": pl.String, "reverses": pl.Int64,
    "postings": pl.List(pl.Struct({"account": pl.String, "debit": MONEY, "credit": MONEY,
                                   "quantity": SIX})),
}  # fmt: skip
_PRICES = ("entry", "stop", "r")
_AMOUNTS = ("risk", "risk_budget", "notional", "costs")
_IN_RISK = ("value", "risk", "long", "short", "gross", "net")


def plans_frame(desk: Desk, state: str | None = None, symbol: str | None = None) -> pl.DataFrame:
    """Plans that wait for a decision and those decided on (`PLAN_ROW`), newest first."""
    rows = [_proposed_row(item) for item in proposals.waiting(desk)]
    rows += [_decided_row(item) for item in proposals.decided(desk)]
    frame = pl.DataFrame(rows, schema=PLAN_ROW, orient="row")
    if state is not None:
        frame = frame.filter(pl.col("state") == state)
    if symbol is not None:
        frame = frame.filter(pl.col("symbol") == symbol.strip().upper())
    return frame.sort("created_at", "plan_id", descending=[True, False])


def _proposed_row(item: StoredProposal) -> dict[str, Any]:
    """A proposal as a row of `/plans`."""
    shown = item.document["plan"]
    return {
        "plan_id": item.plan_id,
        "state": proposals.PROPOSED,
        "symbol": shown["symbol"],
        "session": date.fromisoformat(shown["session"]),
        "direction": shown["direction"],
        "entry_type": shown["entry_type"],
        "entry": _exact(shown["entry"]),
        "stop": _exact(shown["stop"]),
        "shares": shown["shares"],
        "risk": _cents(shown["risk"]),
        "notional": _cents(shown["notional"]),
        "grade": shown["grade"],
        "status": shown.get("status"),  # proposals of before it was told have none
        "tag": shown["tag"],
        "provisional": shown["provisional"],
        "proposed_by": item.name,
        "decided_by": None,
        "reason": None,
        "created_at": item.proposed_at,
    }


def _decided_row(item: Stored) -> dict[str, Any]:
    """A plan decided on as a row of `/plans`."""
    plan = item.plan
    return {
        "plan_id": item.plan_id,
        "state": item.state,
        "symbol": plan.symbol,
        "session": plan.session,
        "direction": plan.direction,
        "entry_type": plan.entry_type,
        "entry": plan.entry,
        "stop": plan.stop,
        "shares": plan.shares,
        "risk": plan.risk,
        "notional": plan.notional,
        "grade": item.grade,
        "status": item.status,
        "tag": item.tag,
        "provisional": plan.provisional,
        "proposed_by": None,
        "decided_by": item.decided_by,
        "reason": item.reason,
        "created_at": item.created_at,
    }


def proposed(item: StoredProposal) -> dict[str, Any]:
    """A proposal with the verdict of risk, as it was shown."""
    shown = item.document["plan"]
    return {
        "plan_id": item.plan_id,
        "state": proposals.PROPOSED,
        **_money_in(shown),
        "proposed_by": item.name,
        "proposed_at": item.proposed_at,
        "verdict": _verdict(item.document["verdict"]),
    }


def decided(item: Stored) -> dict[str, Any]:
    """A plan decided on with the verdict of then, and who decided why."""
    return {
        "plan_id": item.plan_id,
        "state": item.state,
        **exact_plan(item.plan),
        "sector": item.sector,
        "grade": item.grade,
        "status": item.status,
        "tag": item.tag,
        "decision": item.decision,
        "reason": item.reason,
        "decided_by": item.decided_by,
        "decided_at": item.decided_at,
        "outcome": item.outcome,
        "created_at": item.created_at,
        "limits": item.limits,  # those of the decision; plans of before they were kept have none
        "verdict": _verdict(item.verdict),
    }


def exact_plan(plan: Plan) -> dict[str, Any]:
    """A plan whose prices and amounts are as exact as it has them."""
    shown = plan_document(plan)
    exact = {name: getattr(plan, name) for name in (*_PRICES, *_AMOUNTS)}
    return {**shown, **exact, "targets": list(plan.targets), "fx_rate": plan.fx_rate}


def _money_in(shown: Mapping[str, Any]) -> dict[str, Any]:
    prices = {name: _exact(shown[name]) for name in _PRICES}
    amounts = {name: _cents(shown[name]) for name in _AMOUNTS}
    targets = [_exact(level) for level in shown["targets"]]
    return {**shown, **prices, **amounts, "targets": targets, "fx_rate": _exact(shown["fx_rate"])}


def _verdict(found: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: [_check(check) for check in found.get(name, ())] for name in ("checks", "before")}
    return {**found, **made}


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    if check["unit"] != "money":
        return dict(check)
    return {**check, **{name: _cents(check[name]) for name in ("used", "allowed", "headroom")}}


def risk_of(desk: Desk, found: RiskReport) -> dict[str, Any]:
    """The risk of the book: amounts in the account's currency, exact."""
    shown = risk_document(desk, found)
    rows = {
        name: [
            {key: _cents(value) if key in _IN_RISK else value for key, value in row.items()}
            for row in shown[name]
        ]
        for name in ("holdings", "exposure")
    }
    return {**shown, **rows, "checks": [_limit(check) for check in found.checks]}


def _limit(check: LimitCheck) -> dict[str, Any]:
    money = check.unit == "money"
    values = {name: getattr(check, name) for name in ("used", "allowed", "headroom")}
    return {
        "limit": check.limit,
        **{name: cents(value) if money else float(value) for name, value in values.items()},
        "ok": check.ok,
        "unit": check.unit,
        "warning": check.warning,
        "sentence": check.sentence,
    }


def _exact(value: float) -> Decimal:
    return decimal_of(value)


def _cents(value: float) -> Decimal:
    return cents(decimal_of(value))
