"""How tables of a lake are cut: bars by month, so that who reads some days opens few files.

Facts are not: their rows tell the filing by its number, and are read by company.
"""

from __future__ import annotations

from core.store.transaction import Transaction, quoted

BY_MONTH = {"bars_daily": "session", "bars_minute": "ts"}
_KIND = "SELECT type FROM duckdb_databases() WHERE database_name = current_database()"
_NAME = "SELECT current_database()"
_CUT = """
    SELECT t.table_name FROM {catalogue}.ducklake_partition_info p
    JOIN {catalogue}.ducklake_table t USING (table_id)
    WHERE p.end_snapshot IS NULL AND t.end_snapshot IS NULL
"""


def cut(tx: Transaction) -> list[str]:
    """Let what is written from here on be in files of a month; the tables that were not so yet.

    A store that is no lake is left as it is. Files from before stay until upkeep writes them anew.
    """
    if tx.read(_KIND).item() != "ducklake":
        return []
    catalogue = quoted(f"__ducklake_metadata_{tx.read(_NAME).item()}")
    done = set(tx.read(_CUT.format(catalogue=catalogue))["table_name"])
    todo = [name for name in BY_MONTH if name not in done and tx.columns(name)]
    for name in todo:
        column = quoted(BY_MONTH[name])
        tx.execute(
            f"ALTER TABLE {quoted(name)} SET PARTITIONED BY (year({column}), month({column}))"
        )
    return todo
