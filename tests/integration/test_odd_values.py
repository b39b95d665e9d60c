"""Odd values and rules of columns survive a move to a lake and back, bit by bit."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from core.service.care.moving_house import migrate_store
from core.store.warehouse import Warehouse
from tests import lakes

COLUMNS = """(i BIGINT, d DOUBLE, t VARCHAR, day DATE, moment TIMESTAMPTZ, b BOOLEAN,
k DECIMAL(18,6), h DECIMAL(38,10), "odd ""näme" VARCHAR, n INTEGER, pull_id VARCHAR NOT NULL)"""
ROWS = (
    "(1, 'NaN', '', '0001-01-01', '0001-01-01 00:00:00+00', true, 0.000001, "
    "1234567890123456789012345678.1234567890, 'x', NULL, 'p')",
    "(2, '-0.0', NULL, '9999-12-31', '9999-12-31 23:59:59.999999+00', false, -0.1, NULL, '', "
    "2147483647, 'p')",
    "(3, 'Infinity', '🚀e\u0301', NULL, NULL, NULL, NULL, NULL, NULL, -2147483648, '')",
    "(-9223372036854775808, '-Infinity', ' \t\n''\"\\ ', '1582-10-10', "
    "'1900-01-01 00:00:00.000001+00', NULL, NULL, NULL, NULL, 0, 'p')",
    "(9223372036854775807, '5e-324', 'a' || chr(0) || 'b', '2026-11-28', "
    "'1969-12-31 23:59:59.999999+00', NULL, 999999999999.999999, -0.0000000001, NULL, 0, 'p')",
    "(0, '1.7976931348623157e308', 'NULL', 'infinity', 'infinity', NULL, NULL, NULL, NULL, 0, 'p')",
    "(0, '0.30000000000000004', '\\N', '-infinity', '-infinity', NULL, NULL, NULL, NULL, 0, 'p')",
)
MANY = "SELECT range, range / 3, 't' || range, '2020-01-01', '2020-01-01', true, 1, 1, '', 1, 'p'"
BITS = """
SELECT i, d::VARCHAR, signbit(d), encode(t)::VARCHAR, * EXCLUDE (i, d, t) FROM {} ORDER BY ALL
"""
LAYOUT = """
SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
WHERE NOT internal ORDER BY table_name, column_index
"""
TABLES = ("own_few", "own_many")  # few rows stay in the catalogue, many go into a file


def _fill(file: Path) -> None:
    with Warehouse.open(file) as store, store.transaction() as tx:
        for table in TABLES:
            tx.execute(f"CREATE TABLE {table} {COLUMNS}")
            for row in ROWS:
                tx.execute(f"INSERT INTO {table} VALUES {row}")
        tx.execute(f"INSERT INTO own_many {MANY} FROM range(3000)")


def _told(file: Path) -> dict[str, object]:
    with duckdb.connect(str(file), read_only=True) as store:
        store.execute("SET TimeZone = 'UTC'")
        told: dict[str, object] = {
            table: [repr(row) for row in store.execute(_texts(table)).fetchall()]
            for table in TABLES
        }
        return told | {"layout": store.execute(LAYOUT).fetchall()}


def _texts(table: str) -> str:
    """Every cell as text: Python knows no year 10000 and no infinite day."""
    return f"SELECT COLUMNS(*)::VARCHAR FROM ({BITS.format(table)})"


def test_a_column_stays_one_that_must_be_filled(tmp_path: Path) -> None:
    """Of the user's own tables too, which no migration makes."""
    _fill(tmp_path / "old.duckdb")
    old, new = (f"duckdb:///{tmp_path}/{name}.duckdb" for name in ("old", "new"))
    migrate_store(old, new, tmp_path, lambda *_: None)
    assert _told(tmp_path / "new.duckdb") == _told(tmp_path / "old.duckdb")


@pytest.mark.thorough
def test_odd_values_come_back_from_a_lake_bit_by_bit(tmp_path: Path) -> None:
    """Not-a-number, the minus of zero, the first and the last year, NUL, emoji, decimals."""
    _fill(tmp_path / "old.duckdb")
    with lakes.server() as server:
        lake = lakes.empty(server, tmp_path / "lake")
        for source, target in (
            (f"duckdb:///{tmp_path}/old.duckdb", lake),
            (lake, f"duckdb:///{tmp_path}/new.duckdb"),
        ):
            migrate_store(source, target, tmp_path, lambda *_: None)
    assert _told(tmp_path / "new.duckdb") == _told(tmp_path / "old.duckdb")
