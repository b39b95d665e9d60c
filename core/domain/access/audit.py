"""Who did what: entries that are chained by hash, and where such a chain is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.domain.access.principals import Principal
from core.domain.chain import GENESIS, fault, sha256


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, before it has a number: `outcome` is done, refused or failed."""

    at: datetime
    issuer: str
    subject: str
    name: str
    role: str | None
    act: str
    outcome: str
    detail: str = ""
    correlation_id: str | None = None

    @classmethod
    def of(
        cls,
        at: datetime,
        who: Principal,
        act: str,
        outcome: str,
        detail: str = "",
        correlation_id: str | None = None,
    ) -> Act:
        """The act of a principal, with the role of this moment."""
        role = None if who.role is None else str(who.role)
        return cls(
            at, who.issuer, who.subject, who.name, role, act, outcome, detail, correlation_id
        )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An act in the chain."""

    number: int
    act: Act
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """The hash of what it says."""
        return _digest(self.number, self.act, self.previous_hash)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Where a chain ends: its last number and hash; 0 and GENESIS before there is any entry."""

    number: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first place at which a chain is not what was written."""

    entry: int
    fault: str


def following(act: Act, head: AuditHead) -> AuditEntry:
    """An act as the next entry of a chain."""
    number = head.number + 1
    return AuditEntry(number, act, head.hash, _digest(number, act, head.hash))


def first_fault(
    entries: Sequence[AuditEntry], head: AuditHead, marks: Sequence[AuditHead] = ()
) -> AuditFault | None:
    """Where a chain was changed, cut, or put in another order; None when it is whole.

    `marks` are places at which it stood once (checkpoints): a chain that was written anew from
    some entry on is whole in itself, and differs from those.
    """
    expected, previous = 1, GENESIS
    stood = {mark.number: mark.hash for mark in marks}
    for entry in entries:
        if wrong := fault(entry, expected, previous):
            return AuditFault(expected, f"entry {wrong}")
        if stood.get(expected, entry.hash) != entry.hash:
            return AuditFault(expected, f"entry {expected} is not the one of the checkpoint")
        expected, previous = expected + 1, entry.hash
    return _end_fault(expected - 1, previous, head, max(stood, default=0))


def _end_fault(last: int, last_hash: str, head: AuditHead, stood: int) -> AuditFault | None:
    if last < max(head.number, stood):
        return AuditFault(last + 1, f"entry {last + 1} is missing: the chain ends at {last}")
    if last > head.number:
        return AuditFault(head.number + 1, f"the chain should end at {head.number}")
    if last_hash != head.hash:
        return AuditFault(last, f"the end of the chain, {last}, was replaced")
    return None


def _digest(number: int, act: Act, previous_hash: str) -> str:
    return sha256(
        [
            number,
            act.at.astimezone(UTC).isoformat(),
            act.issuer,
            act.subject,
            act.name,
            act.role,
            act.act,
            act.outcome,
            act.detail,
            act.correlation_id,
            previous_hash,
        ]
    )
