"""Calls from outside that were taken, as long as one of them could come again."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.store.journal import Reader
from core.store.transaction import Transaction

KEPT = timedelta(days=1)  # a signature counts for minutes


def known(reader: Reader, message_id: str, dataset: str) -> str | None:
    """The job that a call has queued before; None when it is new."""
    found: str | None = reader.read(
        "SELECT max(job_id) FROM hook_receipts WHERE message_id = ? AND dataset = ?",
        [message_id, dataset],
    ).item()
    return found


def add(tx: Transaction, message_id: str, dataset: str, at: datetime, job_id: str) -> None:
    """Keep that a call was taken; old ones are forgotten."""
    tx.execute("DELETE FROM hook_receipts WHERE received_at < ?", [at - KEPT])
    tx.execute("INSERT INTO hook_receipts VALUES (?, ?, ?, ?)", [message_id, dataset, at, job_id])
