"""Writing inside one transaction: statements, inserts of frames, and MERGE by natural key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from core.domain.tables.datasets import Dataset
from core.errors import SchemaError


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """What a merge did to a table, in rows."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: MergeCounts) -> MergeCounts:
        return MergeCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )


class Transaction:
    """One open transaction of the warehouse; get it from `Warehouse.transaction()`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self.after_commit: list[Callable[[], None]] = []  # called once it stands

    def execute(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Run one statement; values go in as parameters."""
        self.cursor.execute(sql, params)

    def read(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> pl.DataFrame:
        """The rows of a query as this transaction sees them."""
        if not params:
            return self.cursor.sql(sql).pl()
        # sql() with parameters copies row by row
        return pl.DataFrame(self.cursor.execute(sql, params).to_arrow_table())

    def insert(self, table: str, frame: pl.DataFrame) -> int:
        """Append a frame by column name; the number of rows."""
        if frame.height:
            columns = ", ".join(quoted(name) for name in frame.columns)
            with self.registered(frame) as source:
                self.cursor.execute(
                    f"INSERT INTO {quoted(table)} ({columns}) SELECT {columns} FROM {source}"
                )
        return frame.height

    def merge(
        self, table: str, frame: pl.DataFrame, key: Sequence[str], pull_id: str
    ) -> MergeCounts:
        """Upsert a frame by its natural key (empty cells in a key match each other).

        Only rows that are new or differ are written; the row as it was goes to `row_history`.
        """
        _must_be_unique(table, frame, key)
        if not frame.height:
            return MergeCounts()
        with self.registered(frame) as source:
            self._find_delta(table, source, frame.columns, key)
            new, changed = self._delta_counts()
            if changed:
                self._keep_history(table, key, pull_id)
            if new or changed:
                self._apply_delta(table, frame.columns, key, pull_id)
            self.cursor.execute("DROP TABLE merge_delta")
        return MergeCounts(new, changed, frame.height - new - changed)

    def ensure_table(self, dataset: Dataset) -> list[str]:
        """Make the dataset's own table when it is missing; the columns added to an older one."""
        existing = self.columns(dataset.table)
        wanted = {name: kind.duckdb for name, kind in dataset.schema.items()}
        if not existing:
            body = ", ".join(f"{quoted(name)} {kind}" for name, kind in wanted.items())
            self.execute(f"CREATE TABLE {quoted(dataset.table)} ({body}, pull_id VARCHAR NOT NULL)")
            return []
        added = [name for name in wanted if name not in existing]
        for name in added:
            self.execute(
                f"ALTER TABLE {quoted(dataset.table)} ADD COLUMN {quoted(name)} {wanted[name]}"
            )
        self._widen(dataset.table, existing, wanted)
        _must_keep_types(dataset, self.columns(dataset.table), wanted)
        return added

    def _widen(self, table: str, existing: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        """Whole numbers become floats where the catalogue now says so; no value changes."""
        for name, kind in wanted.items():
            if (existing.get(name), kind) != ("BIGINT", "DOUBLE"):
                continue
            place, column, wide = quoted(table), quoted(name), quoted(f"{name}_wide")
            self.execute(f"ALTER TABLE {place} ADD COLUMN {wide} DOUBLE")
            self.execute(f"UPDATE {place} SET {wide} = {column}")
            self.execute(f"ALTER TABLE {place} DROP COLUMN {column}")
            self.execute(f"ALTER TABLE {place} RENAME COLUMN {wide} TO {column}")

    def columns(self, table: str) -> dict[str, str]:
        """Column names and DuckDB types of a table; empty when there is no such table."""
        rows = self.cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name = ? ORDER BY ordinal_position",
            [table],
        ).fetchall()
        return {str(name): str(kind) for name, kind in rows}

    @contextmanager
    def registered(self, frame: pl.DataFrame) -> Iterator[str]:
        """The name under which statements see a frame, as long as the block lasts."""
        # texts stay in the views that both sides know: no copy on the way
        arrow = frame.to_arrow(compat_level=pl.CompatLevel.newest())
        self.cursor.register("incoming_rows", arrow)
        try:
            yield "incoming_rows"
        finally:
            self.cursor.unregister("incoming_rows")

    @contextmanager
    def named(self, name: str, frame: pl.DataFrame) -> Iterator[str]:
        """A frame under a name, so that there can be several, and every filter goes through."""
        self.cursor.register(name, frame.to_arrow())
        try:
            yield name
        finally:
            self.cursor.unregister(name)

    def _find_delta(
        self, table: str, source: str, columns: Sequence[str], key: Sequence[str]
    ) -> None:
        values = [name for name in columns if name not in key]
        differs = " OR ".join(f"s.{quoted(c)} IS DISTINCT FROM t.{quoted(c)}" for c in values)
        self.cursor.execute(
            f"CREATE TEMP TABLE merge_delta AS SELECT s.*, t.pull_id IS NULL AS is_new_row "
            f"FROM {source} s LEFT JOIN {quoted(table)} t ON {_matches(key)} "
            f"WHERE t.pull_id IS NULL OR ({differs or 'FALSE'})"
        )

    def _delta_counts(self) -> tuple[int, int]:
        row = self.cursor.execute(
            "SELECT count(*) FILTER (is_new_row), count(*) FILTER (NOT is_new_row) FROM merge_delta"
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def _keep_history(self, table: str, key: Sequence[str], pull_id: str) -> None:
        self.cursor.execute(
            f"INSERT INTO row_history SELECT $table, to_json(t), t.pull_id, "
            f"transaction_timestamp(), $pull FROM {quoted(table)} t "
            f"JOIN merge_delta s ON {_matches(key)} WHERE NOT s.is_new_row",
            {"table": table, "pull": pull_id},
        )

    def _apply_delta(
        self, table: str, columns: Sequence[str], key: Sequence[str], pull_id: str
    ) -> None:
        names = ", ".join(quoted(c) for c in columns)
        taken = ", ".join(f"s.{quoted(c)}" for c in columns)
        values = [f"{quoted(c)} = s.{quoted(c)}" for c in columns if c not in key]
        updates = ", ".join([*values, "pull_id = $pull"])
        self.cursor.execute(
            f"MERGE INTO {quoted(table)} t USING merge_delta s ON {_matches(key)} "
            f"WHEN MATCHED THEN UPDATE SET {updates} "
            f"WHEN NOT MATCHED THEN INSERT ({names}, pull_id) VALUES ({taken}, $pull)",
            {"pull": pull_id},
        )


def quoted(identifier: str) -> str:
    """An identifier for SQL text; names come from the catalogue and are checked there as well."""
    return '"' + identifier.replace('"', '""') + '"'


def _matches(key: Sequence[str]) -> str:
    return " AND ".join(f"s.{quoted(c)} IS NOT DISTINCT FROM t.{quoted(c)}" for c in key)


def _must_be_unique(table: str, frame: pl.DataFrame, key: Sequence[str]) -> None:
    if frame.select(pl.struct(list(key)).n_unique()).item() != frame.height:
        raise SchemaError(f"{table}: the rows to merge repeat a key ({', '.join(key)})")


def _must_keep_types(
    dataset: Dataset, existing: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    for name, kind in wanted.items():
        have = existing.get(name, kind).replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
        if have not in (kind, "INTEGER"):
            raise SchemaError(
                f"dataset {dataset.name!r}: column {name} is {have} in table {dataset.table}, "
                f"the catalogue now says {kind}",
                hint="give the dataset another table, or put the type back",
            )
