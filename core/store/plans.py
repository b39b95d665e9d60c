"""Plans and their events in the store: added, never changed. The state is the last event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from core.domain.tables.frames import INSTANT
from core.domain.trading.money import price_of
from core.domain.trading.openings import Open, Opening
from core.domain.trading.plans import Plan, fingerprint, from_record, to_record
from core.errors import IntegrityError
from core.observe.events import PLAN_KINDS, Event
from core.store import events
from core.store.journal import MONEY, SIX, Reader
from core.store.tickers import normal
from core.store.transaction import Transaction

WAITING, OPEN, NOT_TAKEN = "approved", "filled", "not taken"
OVER = ("rejected", "void", "expired", "cancelled", "closed", NOT_TAKEN)
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
    "provisional": pl.Boolean,
}
_OPENINGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "plan_id": pl.String,
    "session": pl.Date,
    "outcome": pl.String,
    "opened": SIX,
    "opened_at": INSTANT,
    "source": pl.String,
    "reason": pl.String,
    "body": pl.String,
    "fingerprint": pl.String,
    "decided_at": INSTANT,
}
_STATES = """
SELECT p.*, s.state, s.reason, s.changed_at, s.decision, s.decided_at, s.decided_by, s.limits,
    s.outcome, o.outcome AS at_open, o.opened, o.opened_at, o.source AS open_source,
    o.reason AS at_open_because, o.body AS opened_body, o.fingerprint AS opened_fingerprint
FROM plans p LEFT JOIN {openings} o USING (plan_id) JOIN (
    SELECT plan_id, arg_max(kind, seq) AS state, max(happened_at) AS changed_at,
        arg_min(kind, seq) AS decision, arg_min(reason, seq) AS reason,
        min(happened_at) AS decided_at, first(who ORDER BY seq) AS decided_by,
        first(limits ORDER BY seq) AS limits,
        CASE WHEN count(*) > 1 THEN arg_max(reason, seq) END AS outcome
    FROM {events} GROUP BY plan_id
) s USING (plan_id)
"""
_WITH_STATE = _STATES.format(openings="plan_openings", events="plan_events")
_AS_OF = _STATES.format(
    openings="(SELECT * FROM plan_openings WHERE decided_at <= $until)",
    events="(SELECT * FROM plan_events WHERE happened_at <= $until)",
)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it was decided on, with its state: the kind of its last event.

    `reason`, `decision`, `decided_by`, `decided_at` and `limits` (as they were then) are those of
    the decision and stay; `outcome` is why it came to its state since. `plan` is what is traded:
    the frozen one, unless the open re-sized it.
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
    frozen: Plan  # as approved
    opening: Opening | None  # what became of a provisional plan at the open


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
        plan.provisional,
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
    same: bool = False,
    detail: str = "",
) -> None:
    """Record what became of a plan; with a decision, who made it and under which limits.

    `same`: its state is what it was, and only what moved it is new. `detail`: its fills, if any.
    """
    was = tx.read("SELECT arg_max(kind, seq) FROM plan_events WHERE plan_id = ?", [plan_id]).item()
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
    known = (not same or detail) and f"plan.{kind}" in PLAN_KINDS
    name = f"plan.{kind}" if known else "plan.changed"
    why = "; ".join(filter(None, [reason, detail]))
    told = Event.of(
        name,
        plan_id,
        f"{plan_id} {kind}: {why}" if why else f"{plan_id} {kind}",
        who=who,
        before={"state": was} if was else None,
        after={"state": kind, "reason": reason},
    )
    events.add(tx, [told], at)


def open_plan(tx: Transaction, plan_id: str, found: Opening, at: datetime) -> None:
    """Keep what became of a provisional plan at the open."""
    body = json.dumps(to_record(found.plan), sort_keys=True)
    opened = found.opened
    row = (
        plan_id,
        found.plan.session,
        found.outcome,
        opened.price,
        opened.at,
        opened.source,
        found.reason,
        body,
        fingerprint(found.plan),
        at,
    )
    tx.insert("plan_openings", pl.DataFrame([row], schema=_OPENINGS, orient="row"))


def load(
    reader: Reader, plan_id: str | None = None, until: datetime | None = None
) -> list[StoredPlan]:
    """Plans with their state, now or as it was at `until`, oldest first; IntegrityError when one
    was changed since.
    """
    given: dict[str, object] = {"plan": plan_id} | ({} if until is None else {"until": until})
    frame = reader.read(
        (_WITH_STATE if until is None else _AS_OF)
        + " WHERE $plan IS NULL OR p.plan_id = $plan ORDER BY created_at, p.plan_id",
        given,
    )
    return [_stored(row) for row in frame.iter_rows(named=True)]


def of_session(reader: Reader, symbol: str, session: date) -> list[StoredPlan]:
    """The plans of a name and session with their state, in no order."""
    frame = reader.read(
        _WITH_STATE + " WHERE p.symbol = $symbol AND p.session = $session",
        {"symbol": symbol, "session": session},
    )
    return [_stored(row) for row in frame.iter_rows(named=True)]


def live_of(reader: Reader, symbol: str) -> list[StoredPlan]:
    """The plans of a symbol, in whatever spelling, that are approved or filled, in no order."""
    frame = reader.read(
        _WITH_STATE
        + f" WHERE {normal('p.symbol')} = {normal('$symbol')} AND s.state IN ($waiting, $open)",
        {"symbol": symbol, "waiting": WAITING, "open": OPEN},
    )
    return [_stored(row) for row in frame.iter_rows(named=True)]


def overview(reader: Reader) -> pl.DataFrame:
    """One row a plan without its body: what tables and the export show."""
    return reader.read(_WITH_STATE + " ORDER BY created_at, plan_id").drop(
        "body", "verdict", "opened_body", "opened_fingerprint"
    )


def _stored(row: dict[str, Any]) -> StoredPlan:
    frozen = _unchanged(row, "body", "fingerprint")
    opening = _opening(row)
    return StoredPlan(
        row["plan_id"],
        opening.plan if opening else frozen,
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
        frozen,
        opening,
    )


def _opening(row: dict[str, Any]) -> Opening | None:
    if row["at_open"] is None:
        return None
    plan = _unchanged(row, "opened_body", "opened_fingerprint")
    opened = Open(price_of(row["opened"]), row["opened_at"], row["open_source"])
    return Opening(row["at_open"], opened, plan, row["at_open_because"])


def _unchanged(row: dict[str, Any], body: str, mark: str) -> Plan:
    plan = from_record(json.loads(row[body]))
    if fingerprint(plan) != row[mark]:
        raise IntegrityError(
            f"plan {row['plan_id']} was changed after it was decided on",
            hint="restore the last verified backup",
        )
    return plan
