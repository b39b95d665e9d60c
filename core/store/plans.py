"""Plans and their events in the store: added, never changed. The state is the last event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from core.domain.tables.frames import INSTANT
from core.domain.trading.plans import Plan, fingerprint, from_record, to_record
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
    "status": pl.String,
}
_WITH_STATE = """
SELECT p.*, s.state, s.reason, s.changed_at, s.decision, s.decided_at, s.decided_by, s.limits,
    s.outcome FROM plans p JOIN (
    SELECT plan_id, arg_max(kind, seq) AS state, max(happened_at) AS changed_at,
        arg_min(kind, seq) AS decision, arg_min(reason, seq) AS reason,
        min(happened_at) AS decided_at, first(who ORDER BY seq) AS decided_by,
        first(limits ORDER BY seq) AS limits,
        CASE WHEN count(*) > 1 THEN arg_max(reason, seq) END AS outcome
    FROM plan_events GROUP BY plan_id
) s USING (plan_id)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A plan as it was decided on, with its state: the kind of its last event.

    `reason`, `decision`, `decided_by`, `decided_at` and `limits` (as they were then) are those of
    the decision and stay; `outcome` is why it came to its state since.
    """

    plan_id: str
    plan: Plan
    created_at: datetime
    sector: str
    grade: str | None
    status: str | None  # of the graded report, as known then
    tag: str | None
    verdict: dict[str, Any]
    state: str
    reason: str
    decision: str
    decided_at: datetime
    decided_by: str | None
    limits: dict[str, Any] | None
    outcome: str | None


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
    status: str | None,
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
        status,
    )
    tx.insert("plans", pl.DataFrame([row], schema=_SCHEMA, orient="row"))
    return plan_id


def add_event(
    tx: Transaction,
    plan_id: str,
    kind: str,
    reason: str,
    at: datetime,
    *,
    who: str | None = None,
    limits: dict[str, Any] | None = None,
) -> None:
    """Record what became of a plan; with a decision, who made it and under which limits."""
    tx.execute(
        "INSERT INTO plan_events (plan_id, seq, happened_at, kind, reason, who, limits) "
        "SELECT $plan, coalesce(max(seq), 0) + 1, $at, $kind, $reason, $who, $limits "
        "FROM plan_events WHERE plan_id = $plan",
        {
            "plan": plan_id,
            "at": at,
            "kind": kind,
            "reason": reason,
            "who": who,
            "limits": None if limits is None else json.dumps(limits, sort_keys=True),
        },
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
        row["status"],
        row["tag"],
        json.loads(row["verdict"]),
        row["state"],
        row["reason"],
        row["decision"],
        row["decided_at"],
        row["decided_by"],
        json.loads(row["limits"]) if row["limits"] else None,
        row["outcome"],
    )
