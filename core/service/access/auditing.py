"""The chain of who did what: read, proved, signed, and exported. For admins."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from core import atomic
from core.domain.access import checkpoints
from core.domain.access.audit import AuditFault
from core.domain.access.checkpoints import Checkpoint
from core.domain.access.principals import Role
from core.errors import IntegrityError, UsageError
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.kernel.exports import export
from core.store import audit as store

if TYPE_CHECKING:
    from core.service.desk import Desk

KEY = "audit.key"  # of checkpoints; in the data folder, never in the store or a backup
SHOWN = 500
MOST = 1000
_making = threading.Lock()  # of the key: what a first one has signed, a second would disown


def acts(desk: Desk, limit: int = SHOWN, before: int | None = None) -> pl.DataFrame:
    """What was done, refused and changed by whom, newest first: `core.store.audit.COLUMNS`."""
    access.require(desk, Role.ADMIN, "who did what")
    return store.page(desk.warehouse, limit, before)


def proof(desk: Desk, given: Sequence[Checkpoint] = ()) -> dict[str, Any]:
    """Whether the chain is what was written, and what checkpoints say of it.

    `entries`, `intact`, `first_fault` (its entry and what is wrong there, or None), `checkpoints`
    that were compared. `given` are checkpoints that were kept elsewhere.
    """
    access.require(desk, Role.ADMIN, "the proof of who did what")
    kept = store.checkpoints(desk.warehouse)
    fault = _forged(desk, kept, given) or store.fault(desk.warehouse, [*kept, *given])
    return {
        "entries": store.head(desk.warehouse).number,
        "intact": fault is None,
        "first_fault": fault and {"entry": fault.entry, "fault": fault.fault},
        "checkpoints": len(kept) + len(given),
    }


def _forged(
    desk: Desk, kept: Sequence[Checkpoint], given: Sequence[Checkpoint]
) -> AuditFault | None:
    """The first checkpoint that nobody signed; those in the store must bear the desk's own key.

    A desk that lost its key has a new one: what the old one signed is then told by its text.
    """
    for point in (*kept, *given):
        if not checkpoints.is_signed(point):
            return AuditFault(point.entry, f"the checkpoint at entry {point.entry} is not signed")
    secret = _key(desk.settings.data_dir) if kept else None
    for point in kept:
        if secret and not checkpoints.is_signed_by(point, secret):
            told = f"the checkpoint at entry {point.entry} was signed by another key than {KEY}"
            return AuditFault(point.entry, told)
    return None


@needs(Role.ADMIN)
def signed(desk: Desk) -> Checkpoint:
    """Sign where the chain ends now, and keep that; store it elsewhere, too."""
    secret = _key(desk.settings.data_dir)
    fault = store.fault(desk.warehouse, store.checkpoints(desk.warehouse))
    if fault:
        raise IntegrityError(
            f"the chain of who did what is broken and was not signed: {fault.fault}",
            hint="compare with a backup; python -m app audit --verify says where",
        )
    with desk.warehouse.transaction() as tx:
        point = checkpoints.sign(store.head(tx), desk.now(), secret)
        store.add_checkpoint(tx, point)
    return point


def _key(data_dir: Path) -> bytes:
    """The desk's key, made when there is none; IntegrityError when it cannot be used."""
    path = data_dir / KEY
    with _making:
        if not path.exists():
            secret = secrets.token_bytes(checkpoints.SECRET_BYTES)
            atomic.write(path, secret.hex().encode(), alone=True)
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if len(found) != checkpoints.SECRET_BYTES:
            raise ValueError("too short")
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"the key of the audit chain cannot be used: {error}",
            where=str(path),
            hint="put it back from where it is kept, or remove it: a new one is made",
        ) from error
    return found


def document(point: Checkpoint) -> dict[str, Any]:
    """A checkpoint as it is stored elsewhere."""
    return {name: getattr(point, name) for name in Checkpoint.__slots__}


@command("audit", needs=Role.ADMIN)
def audit_command(
    desk: Desk,
    *,
    verify: bool = False,
    checkpoint: bool = False,
    against: dict[str, Any] | None = None,
    before: int | None = None,
    limit: int = 100,
) -> CommandResult:
    """Who did what, newest first; `verify` proves the chain, `checkpoint` signs where it ends.

    `against` is a checkpoint that was kept elsewhere. Exit code 3 where the chain is broken.
    """
    if verify or against is not None:
        found = proof(desk, [Checkpoint.of(against)] if against is not None else [])
        return CommandResult(found, 0 if found["intact"] else FOUND_ERRORS)
    if checkpoint:
        return CommandResult({"checkpoint": document(signed(desk))})
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit must lie between 1 and {MOST:,}")
    rows = acts(desk, limit, before)
    full = rows.height == limit
    return CommandResult(
        {
            "acts": [_row(row) for row in rows.to_dicts()],
            "next": rows["entry"][-1] if full else None,
        }
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "at": row["happened_at"]}


@export("audit", needs=Role.ADMIN)
def audit_export(desk: Desk) -> pl.DataFrame:
    """What was done, refused and changed by whom, with the hashes of the chain."""
    return acts(desk, 10**9)
