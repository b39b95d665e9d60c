"""Rows of a dataset's table a page at a time, in the order of its key, from the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from core.domain.tables.datasets import Dataset
from core.domain.timetable.reach import date_column
from core.errors import UsageError
from core.store.facts import STORED_AS
from core.store.transaction import quoted
from core.store.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: conditions as SQL with `$` parameters, and their values."""

    conditions: Sequence[str]
    values: dict[str, Any]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        *,
        symbol: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> Wanted:
        """Rows of a symbol and a span (both ends in it); UsageError where there is no such column.

        An instant without a zone is UTC; of a column of days its day counts.
        """
        conditions: list[str] = []
        values: dict[str, Any] = {}
        if symbol is not None:
            if "symbol" not in dataset.schema:
                raise UsageError(f"{dataset.name} has no column symbol")
            conditions.append("symbol = $symbol")
            values["symbol"] = symbol
        column = date_column(dataset)
        for name, sign, instant in (("since", ">=", since), ("until", "<=", until)):
            if instant is None:
                continue
            if column is None:
                raise UsageError(f"{dataset.name} has no column of days or instants")
            aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
            days = dataset.schema[column].kind == "date"
            conditions.append(f"{quoted(column)} {sign} ${name}")
            values[name] = aware.date() if days else aware
        return cls(conditions, values)


def page(
    warehouse: Warehouse, dataset: Dataset, wanted: Wanted, after: Any, limit: int
) -> tuple[pl.DataFrame, list[Any] | None]:
    """Rows after the key `after` (None: from the last key on), and the key the next page follows.

    Empty before any pull. UsageError for what is no key of the dataset.
    """
    if not _is_there(warehouse, dataset.table):
        return pl.DataFrame(schema=dataset.polars_schema), None
    values = {**wanted.values, "rows": limit + 1}
    conditions = list(wanted.conditions)
    if after is not None:
        _must_be_a_key(warehouse, dataset, after)
        conditions.append(_follows(dataset, after, values))
    order = ", ".join(f"{quoted(column)} DESC NULLS LAST" for column in _order(dataset))
    where = f"WHERE {' AND '.join(f'({c})' for c in conditions)}" if conditions else ""
    columns = ", ".join(quoted(name) for name in dataset.schema)
    found = warehouse.read(
        f"SELECT {columns} FROM {quoted(dataset.table)} {where} ORDER BY {order} LIMIT $rows",
        values,
    )
    if found.height <= limit:
        return found, None
    rows = found.head(limit)
    last = rows.row(limit - 1, named=True)
    return rows, [_text(last[column]) for column in _order(dataset)]


def _order(dataset: Dataset) -> list[str]:
    """The key from its last column on: days before symbols."""
    return list(reversed(dataset.key))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _must_be_a_key(warehouse: Warehouse, dataset: Dataset, after: Any) -> None:
    """UsageError unless each cell is empty or a text that its column takes."""
    order = _order(dataset)
    if not isinstance(after, list) or len(after) != len(order):
        raise UsageError("the cursor is none of this list")
    if not all(isinstance(cell, str | None) and "\0" not in (cell or "") for cell in after):
        raise UsageError("the cursor is none of this list")
    kinds = [dataset.schema[column].duckdb for column in order]
    taken = [f"(? IS NULL OR TRY_CAST(? AS {kind}) IS NOT NULL)" for kind in kinds]
    cells = [cell for cell in after for _ in range(2)]
    if not warehouse.read(f"SELECT {' AND '.join(taken)}", cells).item():
        raise UsageError("the cursor is none of this list")


def _follows(dataset: Dataset, after: Sequence[str | None], values: dict[str, Any]) -> str:
    """The condition that a row comes after that key; empty cells are last."""
    order = _order(dataset)
    ways: list[str] = []
    same: list[str] = []
    for place, (column, held) in enumerate(zip(order, after, strict=True)):
        name = quoted(column)
        value = f"$after{place}::{dataset.schema[column].duckdb}"
        if held is None:  # nothing of its own comes after it, and no value is asked for
            same.append(f"{name} IS NULL")
            continue
        values[f"after{place}"] = held
        ways.append(" AND ".join([*same, f"({name} < {value} OR {name} IS NULL)"]))
        same.append(f"{name} = {value}")
    return " OR ".join(f"({way})" for way in ways) or "FALSE"


def _is_there(warehouse: Warehouse, table: str) -> bool:
    stored = STORED_AS.get(table, table)
    found = warehouse.read(
        "SELECT count(*) FROM duckdb_columns() WHERE table_name = ?", [stored]
    ).item()
    return bool(found)
