"""Numbers for what many facts share: looked up in the store's small tables, added where new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from core.domain.filings.facts import CODES, FactTable
from core.store.transaction import Transaction

_TABLES = {"measure": "fact_measures", "source": "fact_sources", "calendar": "fact_calendars"}


def append_rows(tx: Transaction, table: FactTable, pull_id: str, now: datetime) -> int:
    """Append facts that the store does not hold; the number of rows."""
    if not table.height:
        return 0
    rows, last = table.rows, _last_numbers(tx)
    for code, small in table.tables().items():
        numbers = _numbers(tx, code, small, last[code])
        rows = rows.with_columns(numbers.gather(rows[code]).alias(code))
    return tx.insert("fact_rows", rows.with_columns(batch=pl.lit(_batch(tx, pull_id, now))))


def _last_numbers(tx: Transaction) -> dict[str, int]:
    """The highest number of each small table, 0 where it is empty."""
    highest = [f"(SELECT coalesce(max({c}), 0) FROM {t}) AS {c}" for c, t in _TABLES.items()]
    return tx.read(f"SELECT {', '.join(highest)}").row(0, named=True)


def _numbers(tx: Transaction, code: str, small: pl.DataFrame, last: int) -> pl.Series:
    """The store's number of every row of a small table; rows not seen before get the next ones."""
    names = list(CODES[code])
    new = wanted = small.unique(maintain_order=True)
    known = pl.DataFrame(schema={code: pl.Int32, **wanted.schema})
    if last:
        known = _known(tx, code, wanted)
        new = wanted.join(known, on=names, how="anti", nulls_equal=True, maintain_order="left")
    if new.height:
        added = pl.int_range(last + 1, last + 1 + new.height, dtype=pl.Int32, eager=True)
        new = new.select(added.alias(code), *names)
        tx.insert(_TABLES[code], new)
        known = pl.concat([known, new])
    return small.join(known, on=names, how="left", nulls_equal=True, maintain_order="left")[code]


def _known(tx: Transaction, code: str, wanted: pl.DataFrame) -> pl.DataFrame:
    match = " AND ".join(f"t.{name} IS NOT DISTINCT FROM s.{name}" for name in CODES[code])
    with tx.registered(wanted) as source:
        return tx.read(f"SELECT t.* FROM {_TABLES[code]} t SEMI JOIN {source} s ON {match}")


def _batch(tx: Transaction, pull_id: str, now: datetime) -> int:
    """The number of what this pull stated at this instant."""
    same: Sequence[int] = tx.read(
        "SELECT batch FROM fact_batches WHERE pull_id = ? AND known_from = ?", [pull_id, now]
    )["batch"].to_list()
    if same:
        return same[0]
    number: int = tx.read("SELECT coalesce(max(batch), 0) + 1 FROM fact_batches").item()
    tx.execute("INSERT INTO fact_batches VALUES (?, ?, ?)", [number, pull_id, now])
    return number
