"""What became of filings, in the store: statuses day by day and the headlines told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from core.domain.quality.status.effect import capped_sql
from core.domain.quality.status.timeline import CHANGES, STATUS, Statuses
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

Key = tuple[int, str]  # cik and accession: an accession may be of several companies
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


def shown(rated: str) -> str:
    """SQL: grades as they hold today, from a table of them as they were rated (a name of ours).

    The columns of the table, `grade` and `score` held down by the status, those without it as
    `rated_grade` and `rated_score`, and the status with its reason, day and filing.
    """
    return (
        f"SELECT g.* REPLACE ({GRADE} AS grade, {SCORE} AS score), g.grade AS rated_grade, "
        f"g.score AS rated_score, s.* EXCLUDE (cik, accession) FROM {rated} g "
        f"LEFT JOIN ({known('current_date')}) s ON s.cik = g.cik AND s.accession = g.accession"
    )


def by_grade(warehouse: Warehouse, on: date) -> dict[str, int]:
    """Current grades with the filings that have them, held down by their status of a day."""
    found = warehouse.read(
        f"SELECT {GRADE} AS grade, count(*) FROM grades g LEFT JOIN ({known('$on')}) s "
        "ON s.cik = g.cik AND s.accession = g.accession WHERE g.is_current GROUP BY 1",
        {"on": on},
    )
    return dict(found.iter_rows())


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


_HEADLINES = f"""
SELECT g.cik, min(w.symbol) OVER (PARTITION BY g.cik) AS symbol, g.accession, g.form, g.filed,
    {GRADE} AS grade, {SCORE} AS score
FROM grades g JOIN (SELECT DISTINCT cik, symbol FROM watchlist) w ON w.cik = g.cik
    LEFT JOIN ({known("$on")}) s ON s.cik = g.cik AND s.accession = g.accession
WHERE g.is_current AND list_contains($ciks::BIGINT[], g.cik)
QUALIFY row_number() OVER (PARTITION BY g.cik ORDER BY g.filed DESC, g.accession DESC) = 1
ORDER BY g.cik
"""


def headlines(tx: Transaction, ciks: Sequence[int], on: date) -> dict[int, dict[str, Any]]:
    """The latest graded filing of followed companies, by CIK: symbol, accession, form, filed, grade
    (with its status as known on a day), score.
    """
    found = tx.read(_HEADLINES, {"on": on, "ciks": list(ciks)})
    return {row["cik"]: row for row in found.iter_rows(named=True)}


def withdrawn(tx: Transaction, ciks: Sequence[int], on: date) -> dict[Key, dict[str, Any]]:
    """Filings that are withdrawn as known on a day, oldest first: cik, accession, form, filed,
    reason, since.
    """
    found = tx.read(
        "SELECT s.cik, s.accession, g.form, g.filed, s.status_reason AS reason, "
        f"s.status_since AS since FROM ({known('$on')}) s "
        "JOIN grades g ON g.cik = s.cik AND g.accession = s.accession "
        "AND g.is_current WHERE s.status = 'withdrawn' AND list_contains($ciks::BIGINT[], s.cik) "
        "ORDER BY g.filed, s.cik, s.accession",
        {"on": on, "ciks": list(ciks)},
    )
    return {(row["cik"], row["accession"]): row for row in found.to_dicts()}


def graded(tx: Transaction, ciks: Sequence[int]) -> frozenset[Key]:
    """Filings of companies that have a grade now."""
    found = tx.read(f"SELECT cik, accession FROM grades WHERE is_current AND {_OF}", [list(ciks)])
    return frozenset(found.rows())
