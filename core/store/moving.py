"""Every table of one store in another, whatever engines they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from core.errors import IntegrityError
from core.store.migrate import migrate
from core.store.transaction import Transaction, quoted

BATCH_ROWS = 100_000
MARKED = "migrations"  # the table that says which a store has had
TABLES = """
    SELECT DISTINCT table_name FROM duckdb_columns()
    WHERE NOT internal AND database_name = current_database() AND table_name NOT IN (
        SELECT view_name FROM duckdb_views()
        WHERE NOT internal AND database_name = current_database())
    ORDER BY table_name
"""
_COLUMNS = """
    SELECT table_name, column_name, data_type || if(is_nullable, '', ' NOT NULL')
    FROM duckdb_columns() WHERE database_name = current_database() ORDER BY column_index
"""


Columns = Sequence[tuple[str, str]]  # names and types


@dataclass(frozen=True, slots=True)
class TableDigest:
    """How many rows a table has, and what they come to in whatever order."""

    rows: int
    digest: str


def tables_of(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of the store that a cursor is on."""
    return [name for (name,) in cursor.execute(TABLES).fetchall()]


def columns_of(cursor: duckdb.DuckDBPyConnection) -> Mapping[str, Columns]:
    """Names and types of the columns of each table, in order.

    Of all at once: the engine looks through those of all tables for those of one.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in cursor.execute(_COLUMNS).fetchall():
        found.setdefault(table, []).append((name, kind))
    return found


def copy_all(
    source: duckdb.DuckDBPyConnection,
    target: Transaction,
    tell: Callable[[str, TableDigest], None] = lambda *_: None,
) -> dict[str, TableDigest]:
    """Copy all tables into an empty store and compare each; IntegrityError when one differs.

    The target gets its tables from the migrations that the source has had, for an older store
    comes over as it is, and those of the user's datasets from the source. Memory is bounded by
    BATCH_ROWS.
    """
    tables = tables_of(source)
    had = source.execute("SELECT number FROM migrations").fetchall() if MARKED in tables else []
    migrate(target, only={number for (number,) in had})
    columns_by_table, there = columns_of(source), columns_of(target.cursor)
    done = {}
    for name in tables:
        columns = columns_by_table[name]
        make_table(target, name, columns, there.get(name, ()))
        _copy(source, target, name, [column for column, _ in columns])
        done[name] = digest(target.cursor, name)
        told = digest(source, name)
        if done[name] != told:
            raise IntegrityError(f"{name} came over as {done[name]}, and was {told}")
        tell(name, told)
    return done


def digest(cursor: duckdb.DuckDBPyConnection, table: str) -> TableDigest:
    """Rows and digest of a table; equal only between the same version of DuckDB."""
    columns = cursor.execute(f"SELECT * FROM {quoted(table)} LIMIT 0").description or ()
    row = ", ".join(quoted(name) for name in sorted(str(column[0]) for column in columns))
    found = cursor.execute(
        f"SELECT count(*), coalesce(bit_xor(hash({row})), 0)::VARCHAR, "
        f"coalesce(sum(hash({row})::HUGEINT), 0)::VARCHAR FROM {quoted(table)}"
    ).fetchone()
    assert found is not None
    return TableDigest(int(found[0]), f"{found[1]}:{found[2]}")


def make_table(target: Transaction, name: str, columns: Columns, there: Columns) -> None:
    """Make an empty table, or give one of the migrations the columns that the source has beyond.

    `there`: the columns that it has, none where it is not there.
    """
    known = {column for column, _ in there}
    if not known:
        body = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns)
        target.execute(f"CREATE TABLE {quoted(name)} ({body})")
        return
    target.execute(f"DELETE FROM {quoted(name)}")
    for column, kind in columns:
        if column not in known:
            target.execute(f"ALTER TABLE {quoted(name)} ADD COLUMN {quoted(column)} {kind}")


def _copy(
    source: duckdb.DuckDBPyConnection, target: Transaction, name: str, columns: list[str]
) -> None:
    names = ", ".join(quoted(column) for column in columns)
    read = source.execute(f"SELECT {names} FROM {quoted(name)}")
    for batch in read.to_arrow_reader(BATCH_ROWS):
        target.cursor.register("moving_rows", batch)
        target.execute(f"INSERT INTO {quoted(name)} ({names}) SELECT {names} FROM moving_rows")
        target.cursor.unregister("moving_rows")
