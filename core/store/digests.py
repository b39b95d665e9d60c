"""Digests of what matters in a store: the same rows give the same, in whatever order they lie."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from core.store.moving import TABLES
from core.store.transaction import quoted

DIGESTED = (
    "access_audit",
    "bars_daily",
    "events",
    "facts",
    "filings",
    "findings",
    "grades",
    "journal_entries",
    "journal_postings",
    "plan_events",
    "plans",
    "watchlist",
)


def digests(read: Callable[[str], pl.DataFrame]) -> dict[str, str]:
    """Rows and digest of each of these tables and views that is there, as `rows:xor:sum`.

    `read` answers a query; equal only between the same version of DuckDB.
    """
    there = set(read("SELECT table_name FROM duckdb_columns()")["table_name"])
    return {name: _digest(read, name) for name in DIGESTED if name in there}


def read_all(read: Callable[[str], pl.DataFrame]) -> int:
    """Read every row of every table; the number of rows. StoreError when one cannot be."""
    rows = 0
    for name in read(TABLES)["table_name"]:
        rows += read(f"SELECT count(*), bit_xor(hash(t)) FROM {quoted(name)} t").row(0)[0]
    return rows


def _digest(read: Callable[[str], pl.DataFrame], table: str) -> str:
    rows, xor, total = read(
        "SELECT count(*), coalesce(bit_xor(hash(t)), 0)::VARCHAR, "
        f"coalesce(sum(hash(t)::HUGEINT), 0)::VARCHAR FROM {quoted(table)} t"
    ).row(0)
    return f"{rows}:{xor}:{total}"
