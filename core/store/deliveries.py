"""Deliveries of alerts in the store: what goes to which place, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import polars as pl

from core.store.journal import Reader
from core.store.transaction import Transaction

State = Literal["queued", "held", "gathered", "sent", "merged", "dropped"]
COLUMNS = (
    "delivery_id", "alert_id", "reader", "sink", "state", "due_at", "made_at", "tries", "sent_at",
    "error", "gathered_in", "body",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert (or a digest, which has a body instead) on its way to one place."""

    delivery_id: str
    alert_id: str | None
    reader: str
    sink: str
    state: State
    due_at: datetime | None
    made_at: datetime
    tries: int = 0
    sent_at: datetime | None = None
    error: str | None = None
    gathered_in: str | None = None
    body: str | None = None

    @property
    def content(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = orjson.loads(self.body) if self.body else {}
        return found


def add(tx: Transaction, made: Delivery) -> None:
    """Keep a delivery."""
    values = [getattr(made, name) for name in COLUMNS]
    tx.execute(f"INSERT INTO alert_deliveries VALUES ({', '.join('?' * len(values))})", values)


def get(reader: Reader, delivery_id: str) -> Delivery | None:
    """The delivery of an id; None without one."""
    found = _where(reader, "delivery_id = ?", [delivery_id])
    return found[0] if found else None


def of_alert(reader: Reader, alert_ids: Sequence[str]) -> list[Delivery]:
    """Where some alerts go."""
    return _where(reader, "alert_id IN (SELECT unnest(?::VARCHAR[]))", [list(alert_ids)])


def held(reader: Reader, who: str, sink: str, now: datetime) -> list[Delivery]:
    """What waited for a digest of a place, and waits no longer, in the order it was made."""
    where = "reader = ? AND sink = ? AND state = 'held' AND due_at <= ?"
    return _where(reader, where, [who, sink, now])


def stranded(reader: Reader, before: datetime) -> list[Delivery]:
    """What should be on its way by an instant: its job may have been lost."""
    where = "(state = 'queued' AND made_at < ?) OR (state = 'held' AND due_at < ?)"
    return _where(reader, where, [before, before])


def _where(reader: Reader, where: str, values: list[Any]) -> list[Delivery]:
    rows: pl.DataFrame = reader.read(
        f"SELECT {', '.join(COLUMNS)} FROM alert_deliveries WHERE {where} "
        "ORDER BY made_at, alert_id, delivery_id",
        values,
    )
    return [Delivery(**row) for row in rows.iter_rows(named=True)]


def told_since(reader: Reader, who: str, sink: str, since: datetime) -> int:
    """How many alerts a place was told one by one since an instant."""
    found: int = reader.read(
        "SELECT count(*) FROM alert_deliveries WHERE reader = ? AND sink = ? AND made_at >= ? "
        "AND alert_id IS NOT NULL AND state IN ('queued', 'sent', 'merged')",
        [who, sink, since],
    ).item()
    return found


def change(tx: Transaction, delivery_ids: Sequence[str], **values: Any) -> None:
    """Set columns (names of ours) of some deliveries."""
    columns = ", ".join(f"{name} = ?" for name in values if name in COLUMNS)
    tx.execute(
        f"UPDATE alert_deliveries SET {columns} WHERE delivery_id IN (SELECT unnest(?::VARCHAR[]))",
        [*values.values(), list(delivery_ids)],
    )


def body(content: Mapping[str, Any]) -> str:
    """A body as it is kept."""
    return orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z).decode()
