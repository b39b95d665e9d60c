"""Proposals: plans that are kept as they were shown until somebody decides on them."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from core.domain.access.principals import Role
from core.errors import ConflictError, NotFoundError, RoleError
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.trading import plans
from core.service.trading.plans import Ask, Proposal, Stored
from core.store import plans as plan_store
from core.store import proposals as store
from core.store.proposals import StoredProposal

if TYPE_CHECKING:
    from core.service.desk import Desk

PROPOSED = "proposed"
_DECIMALS = ("risk_pct", "stop_atr_multiple", "stop_pct")


@needs(Role.ANALYST)
def propose(desk: Desk, ask: Ask) -> StoredProposal:
    """Keep a plan as it is now, for somebody to decide on.

    ConflictError when just this plan has been decided on already.
    """
    with desk.warehouse.transaction() as tx:
        made = plans.propose(desk, ask, tx)
        plan_id = plan_store.identifier(made.plan)
        if plan_store.load(tx, plan_id):
            raise ConflictError(f"plan {plan_id} has been decided on already")
        shown = orjson.dumps(plans.document(made), default=_plain).decode()
        who = access.principal(desk)
        store.add(tx, plan_id, made.fingerprint, _record(made), shown, who, desk.now())
        return store.load(tx, plan_id)[0]


def waiting(desk: Desk, plan_id: str | None = None) -> list[StoredProposal]:
    """Proposals that nobody has decided on, oldest first: of each plan the first."""
    found: dict[str, StoredProposal] = {}
    for item in store.load(desk.warehouse, plan_id, waiting=True):
        found.setdefault(item.plan_id, item)
    return list(found.values())


def one(desk: Desk, plan_id: str) -> StoredProposal:
    """The proposal of that plan; NotFoundError without one."""
    found = waiting(desk, plan_id)
    if not found:
        raise NotFoundError(f"no plan {plan_id[:60]!r} waits for a decision", hint="propose it")
    return found[0]


def undecided(desk: Desk, plan_id: str) -> StoredProposal:
    """The proposal of that plan; ConflictError when it has been decided on, else NotFoundError."""
    found = waiting(desk, plan_id)
    if not found and (known := plan_store.load(desk.warehouse, plan_id)):
        raise ConflictError(f"plan {plan_id} has been decided on: it is {known[0].state}")
    return found[0] if found else one(desk, plan_id)


def decided(desk: Desk) -> list[Stored]:
    """Plans that were decided on, oldest first."""
    return plan_store.load(desk.warehouse)


@needs(Role.TRADER)
def approve(desk: Desk, plan_id: str, reason: str) -> Stored:
    """Approve a proposal as it was proposed; ValidationError when it would be another by now."""
    item = undecided(desk, plan_id)
    return plans.approve(desk, ask_of(item), reason, item.fingerprint)


@needs(Role.TRADER)
def reject(desk: Desk, plan_id: str, reason: str) -> Stored:
    """Turn a proposal down, whatever the plan would be by now; a reason is needed."""
    item = undecided(desk, plan_id)
    made = plans.reject(desk, ask_of(item), reason)
    if made.plan_id != plan_id:
        with desk.warehouse.transaction() as tx:
            store.drop(tx, plan_id)
    return made


@needs(Role.ANALYST)
def withdraw(desk: Desk, plan_id: str) -> None:
    """Take a proposal back; only who made it, or a trader, may."""
    item, who = one(desk, plan_id), access.principal(desk)
    if item.key != who.key and not who.may(Role.TRADER):
        raise RoleError("a proposal is withdrawn by who made it, or by a trader")
    with desk.warehouse.transaction() as tx:
        store.drop(tx, plan_id)


def ask_of(item: StoredProposal) -> Ask:
    """What a proposal asked for."""
    given: dict[str, Any] = {name: item.ask.get(name) for name in (f.name for f in fields(Ask))}
    given["date"] = date.fromisoformat(given["date"]) if given["date"] else None
    for name in _DECIMALS:
        given[name] = None if given[name] is None else Decimal(given[name])
    return Ask(**given)


def _record(made: Proposal) -> dict[str, Any]:
    """What was asked for, with the session that it meant."""
    given = asdict(made.ask) | {"date": made.plan.session.isoformat()}
    return {
        name: format(value, "f") if isinstance(value, Decimal) else value
        for name, value in given.items()
    }


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
