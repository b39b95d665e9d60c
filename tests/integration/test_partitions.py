"""Bars of a lake lie in files of a month, and who reads some days opens no other files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from core.addresses import LakeAddress
from core.store.lake import LakeEngine
from core.store.partitions import BY_MONTH
from core.store.warehouse import Warehouse
from tests import lakes

pytestmark = pytest.mark.thorough
MINUTES = """
    INSERT INTO bars_minute
    SELECT 'S' || (range % 5), TIMESTAMPTZ '2025-01-01 12:00:00+00' + INTERVAL 1 HOUR * range,
        1, 1, 1, 1, 1, 'regular', 'p' FROM range(8760)
"""
DAILY = """
    INSERT INTO bars_daily
    SELECT 'S' || day, DATE '2025-01-01' + day::INTEGER, 1, 1, 1, 1, 1, 'p' FROM range(365) t(day)
"""
ASKED = {
    "bars_minute": "ts >= TIMESTAMPTZ '2025-03-05' AND ts < TIMESTAMPTZ '2025-03-07'",
    "bars_daily": "session BETWEEN '2025-03-05' AND '2025-04-07'",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with lakes.server() as address:
        yield address


def _files(store: Warehouse, table: str, where: str) -> tuple[int, int]:
    """How many files a query of these rows reads, and how many rows it finds."""
    query = f"SELECT count(*), sum(close) FROM {table} WHERE {where}"
    plan = store.read_anew(f"EXPLAIN ANALYZE {query}").row(0)[1]
    found = re.search(r"Total Files Read:\s*(\d+)", plan)
    assert found, plan
    return int(found[1]), store.read_anew(query).row(0)[0]


def test_a_scan_opens_the_files_of_its_months(server: str, tmp_path: Path) -> None:
    """A year of bars in twelve files; two days of it are in one, five weeks in two."""
    engine = LakeEngine(LakeAddress(lakes.empty(server, tmp_path / "lake")), tmp_path / "x.duckdb")
    with Warehouse.open(engine) as store:
        for rows in (MINUTES, DAILY):
            with store.transaction() as tx:
                tx.execute(rows)
        assert _files(store, "bars_minute", ASKED["bars_minute"]) == (1, 48)
        assert _files(store, "bars_daily", ASKED["bars_daily"]) == (2, 34)
        assert _files(store, "bars_daily", "symbol LIKE 'S%'") == (12, 365)


def test_a_lake_that_was_made_before_is_cut_from_its_next_opening_on(
    server: str, tmp_path: Path
) -> None:
    """Once; what it holds already stays as it lies, and is read as ever."""
    address = LakeAddress(lakes.empty(server, tmp_path / "lake"))
    engine = LakeEngine(address, tmp_path / "x.duckdb")
    with Warehouse.open(engine) as store:
        for table in BY_MONTH:
            with store.transaction() as tx:
                tx.execute(f"ALTER TABLE {table} RESET PARTITIONED BY")
        with store.transaction() as tx:
            tx.execute(DAILY)
        assert _files(store, "bars_daily", "true") == (1, 365)
    for _ in range(2):
        with Warehouse.open(LakeEngine(address, tmp_path / "x.duckdb")) as store:
            cut = store.read_anew(
                "SELECT count(*) FROM __ducklake_metadata_lake.ducklake_partition_info "
                "WHERE end_snapshot IS NULL"
            ).item()
            assert cut == len(BY_MONTH)
            with store.transaction() as tx:
                tx.execute(DAILY)
    assert _rows(address, tmp_path) == 3 * 365


def _rows(address: LakeAddress, folder: Path) -> int:
    connection: duckdb.DuckDBPyConnection = LakeEngine(address, folder / "y.duckdb").connect()
    with connection:
        found = connection.execute("SELECT count(*) FROM bars_daily").fetchone()
    assert found is not None
    return int(found[0])
