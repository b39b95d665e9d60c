"""Answers to calls that carried an Idempotency-Key: kept a week, so that a repeat gets the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.store.journal import Reader
from core.store.transaction import Transaction

KEPT = timedelta(days=7)
Caller = tuple[str, str]  # issuer and subject


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a call with a key got; without a status it is under way, or was when the desk ended."""

    request: str  # digest of method, path and body
    began_at: datetime
    status: int | None
    media: str | None
    location: str | None
    body: bytes | None


def find(reader: Reader, caller: Caller, key: str) -> KeptAnswer | None:
    """What is kept of a caller's key."""
    found = reader.read(
        "SELECT request, began_at, status, media, location, body FROM access_answers "
        "WHERE issuer = ? AND subject = ? AND idempotency_key = ?",
        [*caller, key],
    )
    return KeptAnswer(**found.row(0, named=True)) if found.height else None


def begin(tx: Transaction, caller: Caller, key: str, request: str, at: datetime) -> None:
    """Note that a call is under way; those kept for long enough are forgotten."""
    tx.execute("DELETE FROM access_answers WHERE began_at < ?", [at - KEPT])
    tx.execute(
        "INSERT INTO access_answers (issuer, subject, idempotency_key, request, began_at) "
        "VALUES (?, ?, ?, ?, ?)",
        [*caller, key, request, at],
    )


def finish(
    tx: Transaction,
    caller: Caller,
    key: str,
    *,
    status: int,
    media: str | None,
    location: str | None,
    body: bytes,
) -> None:
    """Keep what the call got."""
    tx.execute(
        "UPDATE access_answers SET status = ?, media = ?, location = ?, body = ? "
        "WHERE issuer = ? AND subject = ? AND idempotency_key = ?",
        [status, media, location, body, *caller, key],
    )


def forget(tx: Transaction, caller: Caller, key: str) -> None:
    """Forget a call that came to nothing, so that it can be made again."""
    tx.execute(
        "DELETE FROM access_answers WHERE issuer = ? AND subject = ? AND idempotency_key = ?",
        [*caller, key],
    )
