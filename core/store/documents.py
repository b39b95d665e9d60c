"""What upstream documents looked like when they were last stored: validators and hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

_COLUMNS = {
    "url": pl.String,
    "dataset": pl.String,
    "etag": pl.String,
    "last_modified": pl.String,
    "sha256": pl.String,
    "bytes": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document whose content is in the store."""

    url: str
    dataset: str
    etag: str | None
    last_modified: str | None
    sha256: str
    bytes: int


def stored_documents(warehouse: Warehouse, dataset: str) -> dict[str, StoredDocument]:
    """The documents of a dataset, by address."""
    rows = warehouse.read(
        f"SELECT {', '.join(_COLUMNS)} FROM source_documents WHERE dataset = ?", [dataset]
    )
    return {row[0]: StoredDocument(*row) for row in rows.iter_rows()}


def remember(
    tx: Transaction, documents: Sequence[StoredDocument], pull_id: str, now: datetime
) -> None:
    """Note documents in the transaction that stores their content."""
    rows = [[getattr(d, name) for name in _COLUMNS] for d in documents]
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    tx.execute(
        "DELETE FROM source_documents WHERE url IN (SELECT unnest(?))", [frame["url"].to_list()]
    )
    stamp = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    tx.insert("source_documents", frame.with_columns(fetched_at=stamp, pull_id=pl.lit(pull_id)))
