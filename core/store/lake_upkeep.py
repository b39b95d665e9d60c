"""Upkeep of a lake: every commit adds small files and a snapshot, which somebody must take away.

Each table is a transaction of its own under the lease: others write in between, and whoever is
killed leaves a whole lake, with which the next run goes on. Readers of the newest snapshot are not
disturbed: files go only long after the last snapshot that knows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core.errors import StoreError
from core.store.lake import NAME
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

MOST_FILES = 500  # of a table; beyond it somebody should look
FEW_FILES = 8  # of a table, which are left as they are
MERGED_FILES = 200  # of a table in one run: DuckLake takes very long for very many
FEW_ROWS = 10_000  # of a table that may stay in the catalogue, where small commits put them
DELETED = 0.1  # of a file's rows; beyond it the file is written anew without them
PATIENCE_SECONDS = 60.0
FILE_AGE = timedelta(hours=1)  # longer than any query reads
ORPHAN_AGE = timedelta(days=1)  # younger ones may be of a transaction that is under way
_INFO = (
    "SELECT table_name, file_count, file_size_bytes, delete_file_count "
    f"FROM ducklake_table_info('{NAME}') ORDER BY file_count DESC, table_name"
)
_CATALOGUE = f"__ducklake_metadata_{NAME}"
_INLINED = f"""
    SELECT t.table_name, i.table_name AS kept_in
    FROM {_CATALOGUE}.ducklake_inlined_data_tables i
    JOIN {_CATALOGUE}.ducklake_table t ON t.table_id = i.table_id AND t.end_snapshot IS NULL
    ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What one run did: counts of tables, files and snapshots."""

    tables: int
    files_before: int
    files: int
    most_files: int
    most_files_in: str
    snapshots_expired: int
    files_removed: int
    orphans_removed: int


def files_of(warehouse: Warehouse) -> pl.DataFrame:
    """Data files by table, most first.

    Columns: table_name, file_count, file_size_bytes, delete_file_count.
    """
    return warehouse.read_anew(_INFO)


def keep_up(warehouse: Warehouse, now: datetime, keep: timedelta) -> Upkeep:
    """Merge small files, forget snapshots older than `keep`, delete files that none knows.

    StoreError when another writer is at work for PATIENCE_SECONDS.
    """
    before = files_of(warehouse)
    tables = _flush(warehouse) | _merge(warehouse, files_of(warehouse))
    expired = _until(warehouse, "expire_snapshots", now - keep)
    removed = _until(warehouse, "cleanup_old_files", now - FILE_AGE)
    orphans = _until(warehouse, "delete_orphaned_files", now - ORPHAN_AGE)
    left = files_of(warehouse)
    most = left.row(0) if left.height else ("", 0)
    return Upkeep(
        tables=len(tables),
        files_before=int(before["file_count"].sum()),
        files=int(left["file_count"].sum()),
        most_files=most[1],
        most_files_in=most[0],
        snapshots_expired=expired,
        files_removed=removed,
        orphans_removed=orphans,
    )


def _flush(warehouse: Warehouse) -> set[str]:
    """Write the rows of small commits as files, where they have become many; which tables."""
    kept: dict[str, int] = {}
    for table, kept_in in warehouse.read_anew(_INLINED).iter_rows():
        count = f"SELECT count(*) FROM {_CATALOGUE}.{quoted(kept_in)}"
        kept[table] = kept.get(table, 0) + warehouse.read_anew(count).item()
    many = {table for table, rows in kept.items() if rows > FEW_ROWS}
    for table in sorted(many):
        _call(warehouse, f"ducklake_flush_inlined_data('{NAME}', table_name => {_text(table)})")
    return many


def _merge(warehouse: Warehouse, files: pl.DataFrame) -> set[str]:
    """Write files anew that lack rows, and small ones as one; the tables that had any."""
    touched = set()
    for table, count, _, deletes in files.iter_rows():
        named = f"'{NAME}', {_text(table)}"
        if deletes:
            _call(warehouse, f"ducklake_rewrite_data_files({named}, delete_threshold => {DELETED})")
        if count > FEW_FILES:
            most = f"max_compacted_files => {MERGED_FILES}"
            _call(warehouse, f"ducklake_merge_adjacent_files({named}, {most})")
        if deletes or count > FEW_FILES:
            touched.add(table)
    return touched


def _until(warehouse: Warehouse, what: str, until: datetime) -> int:
    """Do away with what is older; how many there were."""
    older = f"older_than => TIMESTAMPTZ '{until.isoformat()}'"
    return _call(warehouse, f"ducklake_{what}('{NAME}', {older})")


def _call(warehouse: Warehouse, function: str) -> int:
    """The rows that a function of DuckLake tells of."""
    with warehouse.scratch(PATIENCE_SECONDS) as tx:
        if tx is None:
            raise StoreError("another writer is at work", hint="upkeep goes on tomorrow")
        return len(tx.cursor.execute(f"CALL {function}").fetchall())


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
