"""Plans that were proposed and wait for a decision, in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.access.principals import Principal
from core.store.journal import Reader
from core.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """One proposal: what was asked for, what was shown for it, and who proposed it."""

    plan_id: str
    fingerprint: str
    ask: dict[str, Any]
    document: dict[str, Any]
    issuer: str
    subject: str
    name: str
    proposed_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Who proposed it."""
        return self.issuer, self.subject


def add(
    tx: Transaction,
    plan_id: str,
    fingerprint: str,
    ask: dict[str, Any],
    document: str,
    who: Principal,
    at: datetime,
) -> None:
    """Keep a proposal; the same one of the same person is kept once."""
    if any(item.key == who.key for item in load(tx, plan_id)):
        return
    tx.execute(
        "INSERT INTO plan_proposals (plan_id, fingerprint, ask, document, issuer, subject, name, "
        "proposed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [plan_id, fingerprint, json.dumps(ask), document, who.issuer, who.subject, who.name, at],
    )


def load(
    reader: Reader, plan_id: str | None = None, *, waiting: bool = False
) -> list[StoredProposal]:
    """Proposals, oldest first; of one plan, or of all; `waiting`: of those not decided on."""
    found = reader.read(
        "SELECT plan_id, fingerprint, ask, document, issuer, subject, name, proposed_at "
        "FROM plan_proposals WHERE ($plan IS NULL OR plan_id = $plan) "
        "AND (NOT $waiting OR plan_id NOT IN (SELECT plan_id FROM plans)) "
        "ORDER BY proposed_at, plan_id, issuer, subject",
        {"plan": plan_id, "waiting": waiting},
    )
    return [
        StoredProposal(
            **{**row, "ask": json.loads(row["ask"]), "document": json.loads(row["document"])}
        )
        for row in found.iter_rows(named=True)
    ]


def drop(tx: Transaction, plan_id: str) -> None:
    """Forget the proposals of a plan."""
    tx.execute("DELETE FROM plan_proposals WHERE plan_id = ?", [plan_id])
