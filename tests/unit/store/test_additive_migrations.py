"""A version only adds to the layout: desks of the version before go on working while it is rolled.

What nothing needs any longer is taken away by the version after that, in a migration named
`NNNN_prune_….sql` (docs/operations.md, *Many desks*).
"""

from __future__ import annotations

import duckdb
import pytest

from core.store import migrate
from core.store.migrate import Migration

PRUNES = "prune_"
BEFORE_ROLLING = {31, 60, 72, 75, 78}  # of layouts that no version was ever rolled from
Layout = dict[tuple[str, str], tuple[str, bool]]
_LAYOUT = """
SELECT table_name, column_name, data_type, is_nullable OR column_default IS NOT NULL
FROM duckdb_columns() WHERE NOT internal
"""


def layout(connection: duckdb.DuckDBPyConnection) -> Layout:
    """Type of each column by table and name, and whether a row may be written without it."""
    found = connection.execute(_LAYOUT).fetchall()
    return {(table, column): (kind, free) for table, column, kind, free in found}


def disturbs(connection: duckdb.DuckDBPyConnection, migration: Migration) -> list[str]:
    """What a migration does that a desk of the version before would meet; it is applied."""
    before = layout(connection)
    kinds = [statement.type for statement in duckdb.extract_statements(migration.sql)]
    connection.execute(migration.sql)
    after = layout(connection)
    told = {table for table, _ in before}
    gone = [f"{t}.{c} is gone" for t, c in before.keys() - after.keys()]
    other = [
        f"{t}.{c} changed" for t, c in before.keys() & after.keys() if before[t, c] != after[t, c]
    ]
    needed = [
        f"{t}.{c} must be written"
        for t, c in after.keys() - before.keys()
        if t in told and not after[t, c][1]
    ]
    taken = {duckdb.StatementType.DELETE: "rows are deleted", duckdb.StatementType.DROP: "a drop"}
    return sorted(gone + other + needed + [taken[kind] for kind in kinds if kind in taken])


@pytest.mark.parametrize(
    ("sql", "met"),
    [
        ("ALTER TABLE t DROP COLUMN b", ["t.b is gone"]),
        ("ALTER TABLE t RENAME COLUMN b TO c", ["t.b is gone"]),
        ("ALTER TABLE t ALTER b TYPE BIGINT", ["t.b changed"]),
        ("DROP TABLE t", ["a drop", "t.a is gone", "t.b is gone"]),
        ("DELETE FROM t WHERE a = 'x'", ["rows are deleted"]),
        ("ALTER TABLE t ADD COLUMN c INTEGER", []),
        ("CREATE TABLE u (c INTEGER NOT NULL)", []),
    ],
)
def test_what_a_desk_of_the_version_before_would_meet_is_told(sql: str, met: list[str]) -> None:
    """Taken away, renamed, of another type: each by name; what only adds is nothing to it."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a VARCHAR, b INTEGER)")
        assert disturbs(connection, Migration(1, "tried", sql)) == met


def test_every_migration_since_versions_are_rolled_only_adds() -> None:
    """One that takes away must be a prune by its name, a version after its last reader."""
    with duckdb.connect() as connection:
        found = {
            known.number: (known, disturbs(connection, known)) for known in migrate.available()
        }
    met = {
        number: told
        for number, (known, told) in found.items()
        if told and not known.name.startswith(PRUNES)
    }
    assert {number: told for number, told in met.items() if number not in BEFORE_ROLLING} == {}
    assert met.keys() >= BEFORE_ROLLING  # an exception that is none any longer goes from the list
