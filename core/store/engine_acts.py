"""What the engine has done for desks, so that an ask which is delivered again is not done again."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.store.journal import Reader
from core.store.transaction import Transaction

KEPT = timedelta(days=7)  # longer than an ask lies in the queue


def done_at(reader: Reader, ask_id: str) -> datetime | None:
    """When an ask was done; None when it was not."""
    found: datetime | None = reader.read(
        "SELECT max(done_at) FROM engine_acts WHERE ask_id = ?", [ask_id]
    ).item()
    return found


def add(tx: Transaction, ask_id: str, act: str, at: datetime) -> None:
    """Keep that an ask is done, in the transaction that does it; old ones are forgotten."""
    tx.execute("DELETE FROM engine_acts WHERE done_at < ?", [at - KEPT])
    tx.execute("INSERT INTO engine_acts VALUES (?, ?, ?)", [ask_id, act, at])
