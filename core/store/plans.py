"""Plans and their events in the store: added, never changed. The state is the last event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from core.domain.frames import INSTANT
from core.domain.plans import Plan, fingerprint, from_record, to_record
from core.errors import IntegrityError
from core.store.journal import MONEY, SIX, Reader
from core.store.transaction import Transaction

WAITING, OPEN, OVER = "approved", "filled", ("rejected", "void", "expired", "cancelled", "closed")
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "plan_id": pl.String,
    "created_at": INSTANT,
    "session": pl.Date,
    "symbol": pl.String,
    "direction": pl.String,
    "entry_type": pl.String,
    "entry": SIX,
    "stop": SIX,
    "shares": pl.Int64,
    "risk": MONEY,
    "notional": MONEY,
    "sector": pl.String,
    "grade": pl.String,
    "tag": pl.String,
    "body": pl.String,
    "fingerprint": pl.String,
    "verdict": pl.String,
    "simulated": pl.Boolean,
}
_WITH_STATE = """
SELECT p.*, s.state, s.reason, s.changed_at FROM plans p JOIN (
    SELECT plan_id, arg_max(kind, seq) AS state, arg_max(reason, seq) AS reason,
           max(happened_at) AS changed_at
    FROM plan_events GROUP BY plan_id
) s USING (plan_id)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A plan as it was decided on, with its state: the kind of its last event."""

    plan_id: str
    plan: Plan
    created_at: datetime
    sector: str
    grade: str | None
    tag: str | None
    verdict: dict[str, Any]
    state: str
    reason: str


def identifier(plan: Plan) -> str:
    """Name of a plan: the same plan always has the same."""
    return f"{plan.symbol}-{plan.session:%Y%m%d}-{fingerprint(plan)[:8]}"


def insert(
    tx: Transaction,
    plan: Plan,
    at: datetime,
    *,
    sector: str,
    grade: str | None,
    tag: str | None,
    verdict: dict[str, Any],
    simulated: bool,
) -> str:
    """Store a plan frozen by its fingerprint; its identifier."""
    plan_id = identifier(plan)
    row = (
        plan_id,
        at,
        plan.session,
        plan.symbol,
        plan.direction,
        plan.entry_type,
        plan.entry,
        plan.stop,
        plan.shares,
        plan.risk,
        plan.notional,
        sector,
        grade,
        tag,
        json.dumps(to_record(plan), sort_keys=True),
        fingerprint(plan),
        json.dumps(verdict),
        simulated,
    )
    tx.insert("plans", pl.DataFrame([row], schema=_SCHEMA, orient="row"))
    return plan_id


def add_event(tx: Transaction, plan_id: str, kind: str, reason: str, at: datetime) -> None:
    """Record what became of a plan."""
    tx.execute(
        "INSERT INTO plan_events SELECT $plan, coalesce(max(seq), 0) + 1, $at, $kind, $reason "
        "FROM plan_events WHERE plan_id = $plan",
        {"plan": plan_id, "at": at, "kind": kind, "reason": reason},
    )


def load(reader: Reader, plan_id: str | None = None) -> list[Stored]:
    """Plans with their state, oldest first; IntegrityError when one was changed since."""
    frame = reader.read(
        _WITH_STATE + " WHERE $plan IS NULL OR p.plan_id = $plan ORDER BY created_at, p.plan_id",
        {"plan": plan_id},
    )
    return [_stored(row) for row in frame.iter_rows(named=True)]


def overview(reader: Reader) -> pl.DataFrame:
    """One row a plan without its body: what tables and the export show."""
    return reader.read(_WITH_STATE + " ORDER BY created_at, plan_id").drop("body", "verdict")


def _stored(row: dict[str, Any]) -> Stored:
    plan = from_record(json.loads(row["body"]))
    if fingerprint(plan) != row["fingerprint"]:
        raise IntegrityError(
            f"plan {row['plan_id']} was changed after it was decided on",
            hint="restore the last verified backup",
        )
    return Stored(
        row["plan_id"],
        plan,
        row["created_at"],
        row["sector"],
        row["grade"],
        row["tag"],
        json.loads(row["verdict"]),
        row["state"],
        row["reason"],
    )
