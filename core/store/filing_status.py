"""What became of filings, in the store: statuses day by day and the headlines told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from core.domain.quality.status.effect import capped_sql
from core.domain.quality.status.timeline import CHANGES, STATUS, Statuses
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

GRADE, SCORE = capped_sql("g.grade", "g.score", "s.status")


def known(day: str) -> str:
    """SQL: the status of each filing as known on a day (an SQL expression of ours, never a text).

    Columns: cik, accession, status, status_reason, status_since, status_by.
    """
    return (
        "SELECT cik, accession, status, reason AS status_reason, since AS status_since, "
        f"by_accession AS status_by FROM filing_status WHERE since <= {day} "
        "QUALIFY row_number() OVER (PARTITION BY cik, accession ORDER BY since DESC) = 1"
    )


_OF = "cik IN (SELECT unnest(?::BIGINT[]))"


def write(tx: Transaction, found: Statuses, ciks: Sequence[int], now: datetime) -> None:
    """Replace the statuses of companies by those found of them."""
    at = pl.lit(now).cast(pl.Datetime("us", "UTC"))
    for table in ("filing_status", "filing_changes"):
        tx.execute(f"DELETE FROM {table} WHERE {_OF}", [list(ciks)])
    tx.insert("filing_status", found.timeline.select(list(STATUS)).with_columns(computed_at=at))
    tx.insert("filing_changes", found.changes.select(list(CHANGES)))


def history(warehouse: Warehouse, cik: int, accession: str) -> pl.DataFrame:
    """The statuses of one filing (columns of STATUS), oldest first."""
    return warehouse.read(
        f"SELECT {', '.join(STATUS)} FROM filing_status WHERE cik = ? AND accession = ? "
        "ORDER BY since",
        [cik, accession],
    )


def changes(
    warehouse: Warehouse, on: date, ciks: Sequence[int] | None = None, accession: str | None = None
) -> pl.DataFrame:
    """Headlines told otherwise by a day (columns of CHANGES), the latest periods first."""
    return warehouse.read(
        f"SELECT {', '.join(CHANGES)} FROM filing_changes WHERE told_on <= $on "
        "AND ($ciks IS NULL OR list_contains($ciks::BIGINT[], cik)) "
        "AND ($accession IS NULL OR accession = $accession) "
        "ORDER BY cik, accession, told_on, period_end DESC, headline, period_start DESC",
        {"on": on, "ciks": None if ciks is None else list(ciks), "accession": accession},
    )
