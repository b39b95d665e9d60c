"""Who did what, in the store: a chain to which entries are added, in the transaction of the change.

Nothing is updated or deleted. Beside the entries stands where they end, and signed checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from core.domain.access.audit import Act, AuditEntry, AuditFault, AuditHead, first_fault, following
from core.domain.access.checkpoints import Checkpoint
from core.observe.escaping import escape
from core.store.journal import Reader
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

LONGEST = 500  # letters of a detail
COLUMNS = (
    "entry",
    "happened_at",
    "name",
    "role",
    "act",
    "outcome",
    "detail",
    "correlation_id",
    "issuer",
    "subject",
    "previous_hash",
    "hash",
)
_ACT = (
    "happened_at", "issuer", "subject", "name", "role", "act", "outcome", "detail",
    "correlation_id",
)  # fmt: skip


def append(tx: Transaction, acts: Sequence[Act]) -> AuditHead:
    """Add acts to the chain; where it ends now."""
    end = head(tx)
    for act in acts:
        made = following(_bounded(act), end)
        _insert(tx, made)
        end = AuditHead(made.number, made.hash)
    if acts:
        tx.execute("DELETE FROM access_audit_head")
        tx.execute("INSERT INTO access_audit_head VALUES (?, ?)", [end.number, end.hash])
    return end


def _bounded(act: Act) -> Act:
    """An act whose texts are what the store gives back: no control characters, not too long."""
    detail = escape(act.detail)
    if len(detail) > LONGEST:
        detail = f"{detail[: LONGEST - 1]}…"
    return replace(act, detail=detail, name=escape(act.name))


def _insert(tx: Transaction, made: AuditEntry) -> None:
    act = made.act
    row = [
        made.number, act.at, act.issuer, act.subject, act.name, act.role, act.act, act.outcome,
        act.detail, act.correlation_id, made.previous_hash, made.hash,
    ]  # fmt: skip
    tx.execute(
        f"INSERT INTO access_audit (entry, {', '.join(_ACT)}, previous_hash, hash) "
        f"VALUES ({', '.join('?' * len(row))})",
        row,
    )


def head(reader: Reader) -> AuditHead:
    """Where the chain ends by its own word."""
    found = reader.read("SELECT entry, hash FROM access_audit_head ORDER BY entry")
    return AuditHead(*found.row(-1)) if found.height else AuditHead()


def first_of_others(reader: Reader, machine: str) -> datetime | None:
    """When somebody did something first whom another issuer than the machine vouches for."""
    found = reader.read(
        "SELECT min(happened_at) FROM access_audit WHERE issuer NOT IN (?, '')", [machine]
    )
    first: datetime | None = found.item()
    return first


def adopt(warehouse: Warehouse) -> int:
    """Take what was kept before there was a chain into it, in its order; how many lines."""
    old = warehouse.read_anew("SELECT * FROM access_log ORDER BY seq")
    if old.is_empty():
        return 0
    with warehouse.transaction() as tx:
        append(tx, [_act(row) for row in old.iter_rows(named=True)])
        tx.execute("DELETE FROM access_log")
    return old.height


def _act(row: Mapping[str, Any]) -> Act:
    told = {name: row.get(name) for name in _ACT if name != "happened_at"}
    return Act(at=row["happened_at"].astimezone(UTC), **told)  # type: ignore[arg-type]


def entries(reader: Reader) -> list[AuditEntry]:
    """The whole chain as it stands, in the order of its numbers."""
    rows = reader.read(f"SELECT {', '.join(COLUMNS)} FROM access_audit ORDER BY entry")
    return [
        AuditEntry(row["entry"], _act(row), row["previous_hash"], row["hash"])
        for row in rows.iter_rows(named=True)
    ]


def fault(reader: Reader, checkpoints: Sequence[Checkpoint] = ()) -> AuditFault | None:
    """Where the chain is not what was written, or not what checkpoints say; None: it is whole."""
    found = _fault(reader, checkpoints)
    if found is None or not isinstance(reader, Warehouse):
        return found
    with reader.moment() as now:  # somebody may have written between two of its queries
        return _fault(now, checkpoints)


def _fault(reader: Reader, checkpoints: Sequence[Checkpoint]) -> AuditFault | None:
    return first_fault(entries(reader), head(reader), [point.head for point in checkpoints])


def page(reader: Reader, limit: int, before: int | None = None) -> pl.DataFrame:
    """Entries newest first, older than the number `before`: the columns COLUMNS."""
    return reader.read(
        f"SELECT {', '.join(COLUMNS)} FROM access_audit WHERE ($before IS NULL OR entry < $before) "
        "ORDER BY entry DESC LIMIT $limit",
        {"limit": limit, "before": before},
    )


def names(reader: Reader) -> list[tuple[str, str, str]]:
    """Issuer, subject and name of everyone who has acted: a line for each name."""
    return reader.read("SELECT DISTINCT issuer, subject, name FROM access_audit").rows()


def who_did(
    reader: Reader, act: str, detail: str, but: str, since: datetime
) -> set[tuple[str, str, str]]:
    """Issuer, subject and name of those who have done that from an instant on, of every issuer
    `but` one.
    """
    found = reader.read(
        "SELECT DISTINCT issuer, subject, name FROM access_audit "
        "WHERE act = ? AND detail = ? AND outcome = 'done' AND issuer <> ? AND happened_at >= ?",
        [act, escape(detail), but, since],
    )
    return set(found.rows())


def add_checkpoint(tx: Transaction, point: Checkpoint) -> None:
    """Keep a checkpoint."""
    row = [point.entry, point.hash, point.at, point.public_key, point.signature]
    tx.execute("INSERT INTO access_checkpoints VALUES (?, ?, ?, ?, ?)", row)


def checkpoints(reader: Reader) -> list[Checkpoint]:
    """Every checkpoint that is kept, oldest first."""
    found = reader.read("SELECT * FROM access_checkpoints ORDER BY made_at, entry")
    return [
        Checkpoint(entry, digest, at.astimezone(UTC), key, signature)
        for entry, digest, at, key, signature in found.iter_rows()
    ]


def last_checkpoint(reader: Reader) -> datetime | None:
    """When the last one was made."""
    found: datetime | None = reader.read("SELECT max(made_at) FROM access_checkpoints").item()
    return found
