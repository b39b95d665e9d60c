"""The commands and the export of plans: what a user gives, and the answer as a document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from core.domain.access.principals import Role
from core.errors import ValidationError
from core.service.kernel import access
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.trading import plans
from core.store import plans as plan_store

if TYPE_CHECKING:
    from core.service.desk import Desk


@command("plan", needs=Role.VIEWER)
def plan_command(
    desk: Desk,
    *,
    symbol: str,
    date: date | None = None,
    direction: Literal["long", "short"] | None = None,
    entry_type: Literal["market", "opening_range", "pullback", "vwap"] = "market",
    risk_pct: Decimal | None = None,
    stop_atr_multiple: Decimal | None = None,
    stop_pct: Decimal | None = None,
    stop_choice: plans.StopChoice | None = None,
    tag: str | None = None,
    approve_because: str | None = None,
    reject_because: str | None = None,
) -> dict[str, Any]:
    """A trade plan for a symbol with the verdict of risk; approved or rejected when told so."""
    ask = plans.Ask(
        symbol, date, direction, entry_type, risk_pct, stop_atr_multiple, stop_pct, stop_choice, tag
    )
    if approve_because is not None and reject_because is not None:
        raise ValidationError("a plan is approved or rejected, not both")
    if approve_because is not None or reject_because is not None:
        access.require(desk, Role.TRADER, "deciding on a plan")  # before anything is worked out
    shown = plans.document(plans.propose(desk, ask))
    if approve_because is not None:
        item = plans.approve(desk, ask, approve_because, shown["plan"]["fingerprint"])
    elif reject_because is not None:
        item = plans.reject(desk, ask, reject_because)
    else:
        return shown
    return shown | {"stored": {"plan_id": item.plan_id, "state": item.state, "reason": item.reason}}


@command("plan_cancel", needs=Role.TRADER)
def cancel_command(desk: Desk, *, plan_id: str, reason: str = "") -> dict[str, Any]:
    """Take back an approved plan that is not filled."""
    item = plans.cancel(desk, plan_id, reason)
    return {"plan_id": item.plan_id, "state": item.state, "reason": item.reason}


@command("plans", needs=Role.VIEWER)
def plans_command(desk: Desk) -> dict[str, Any]:
    """Every plan decided on, with its state."""
    return {"plans": plan_store.overview(desk.warehouse).to_dicts()}


@export("plans", needs=Role.VIEWER)
def plans_export(desk: Desk) -> pl.DataFrame:
    """Every plan decided on, one row each."""
    return plan_store.overview(desk.warehouse)
