"""The six checks of the store as queries: affected, checked, and a few affected rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.store.warehouse import Warehouse

SAMPLE = 10
_REPORTS = "form IN ('10-K', '10-Q', '10-K/A', '10-Q/A', '10-KT', '10-QT', '20-F', '40-F')"


@dataclass(frozen=True, slots=True)
class CheckRows:
    """What one check saw."""

    affected: int
    checked: int
    sample: list[dict[str, Any]]
    uncovered: int = 0  # of the affected: beyond what our copy covers, and no fault in it


UNCOVERED = {"filings_and_facts": "problem LIKE '%list of filings'"}


# name -> (rows that are wrong, number of rows looked at)
QUERIES: Mapping[str, tuple[str, str]] = {
    "filings_graded": (
        f"""SELECT f.cik, f.form, f.accession, f.filed FROM filings f
        JOIN (SELECT cik, min(filed) AS first FROM facts WHERE removed_at IS NULL GROUP BY cik) x
            ON x.cik = f.cik AND f.filed >= x.first
        ANTI JOIN (SELECT cik, accession FROM grades WHERE is_current) g
            ON g.cik = f.cik AND g.accession = f.accession
        WHERE f.is_xbrl AND {_REPORTS.replace("form", "f.form")}
        ORDER BY f.filed DESC, f.accession""",
        f"""SELECT count(*) FROM filings f
        JOIN (SELECT cik, min(filed) AS first FROM facts WHERE removed_at IS NULL GROUP BY cik) x
            ON x.cik = f.cik AND f.filed >= x.first
        WHERE f.is_xbrl AND {_REPORTS.replace("form", "f.form")}""",
    ),
    "filings_and_facts": (
        f"""WITH told AS (
            SELECT cik, accession, any_value(form) AS form, min(filed) AS filed FROM facts
            WHERE removed_at IS NULL AND cik IN (SELECT cik FROM filings) GROUP BY cik, accession
        ), listed AS (SELECT cik, min(filed) AS first, max(filed) AS last FROM filings GROUP BY cik)
        SELECT t.cik, t.accession, t.form, t.filed,
            CASE WHEN t.filed < l.first THEN 'facts older than the list of filings'
                WHEN t.filed > l.last THEN 'facts newer than the list of filings'
                ELSE 'facts without a filing' END AS problem
        FROM told t JOIN listed l ON l.cik = t.cik
        ANTI JOIN filings s ON s.cik = t.cik AND s.accession = t.accession
        UNION ALL
        SELECT f.cik, f.accession, f.form, f.filed, 'filing without facts' FROM filings f
        JOIN (SELECT cik, min(filed) AS first, max(filed) AS last FROM told GROUP BY cik) x
            ON x.cik = f.cik AND f.filed >= x.first AND f.filed < x.last
        ANTI JOIN told t ON t.cik = f.cik AND t.accession = f.accession
        WHERE f.is_xbrl AND {_REPORTS.replace("form", "f.form")}
        ORDER BY problem DESC, filed DESC, accession""",
        """SELECT count(*) FROM (SELECT cik, accession FROM facts
        WHERE removed_at IS NULL AND cik IN (SELECT cik FROM filings)
        GROUP BY cik, accession)""",
    ),
    "values": (
        """SELECT i.cik, i.accession, i.item, i.concept, i.period_end, i.value AS ours,
            f.value AS source FROM filing_items i LEFT JOIN facts f
            ON f.cik = i.cik AND f.taxonomy = i.taxonomy AND f.concept = i.concept
            AND f.unit = i.unit AND f.period_start IS NOT DISTINCT FROM i.period_start
            AND f.period_end = i.period_end AND f.accession = i.accession AND f.seq = i.seq
            AND f.removed_at IS NULL
        WHERE f.value IS DISTINCT FROM i.value ORDER BY i.accession, i.item""",
        "SELECT count(*) FROM filing_items",
    ),
    "duplicates": (
        """SELECT 'facts' AS table_name, cik, accession, concept AS name, count(*) AS times
        FROM facts GROUP BY cik, taxonomy, concept, unit, period_start, period_end, accession, seq
        HAVING count(*) > 1
        UNION ALL SELECT 'filings', cik, accession, any_value(form), count(*) FROM filings
        GROUP BY cik, accession HAVING count(*) > 1
        UNION ALL SELECT 'companies', cik, NULL, any_value(name), count(*) FROM companies
        GROUP BY cik HAVING count(*) > 1
        UNION ALL SELECT 'grades', cik, accession, any_value(form), count(*) FROM grades
        WHERE is_current GROUP BY cik, accession HAVING count(*) > 1
        UNION ALL SELECT 'bars_daily', NULL, symbol, session::VARCHAR, count(*) FROM bars_daily
        GROUP BY symbol, session HAVING count(*) > 1""",
        """SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM filings)
        + (SELECT count(*) FROM companies) + (SELECT count(*) FROM grades WHERE is_current)
        + (SELECT count(*) FROM bars_daily)""",
    ),
    "completeness": (
        """SELECT w.cik, w.symbol, what AS missing FROM watchlist w,
            (VALUES ('company'), ('filings'), ('facts')) AS need(what)
        WHERE (what = 'company' AND w.cik NOT IN (SELECT cik FROM companies))
            OR (what = 'filings' AND w.cik NOT IN (SELECT DISTINCT cik FROM filings))
            OR (what = 'facts' AND w.cik NOT IN (SELECT DISTINCT cik FROM facts
                WHERE removed_at IS NULL)) ORDER BY w.cik, what""",
        "SELECT 3 * count(*) FROM watchlist",
    ),
    "references": (
        """SELECT DISTINCT 'fact without its company' AS problem, cik, NULL AS accession FROM facts
        WHERE cik NOT IN (SELECT cik FROM companies)
        UNION ALL SELECT DISTINCT 'filing without its company', cik, NULL FROM filings
        WHERE cik NOT IN (SELECT cik FROM companies)
        UNION ALL SELECT 'grade without facts', g.cik, g.accession FROM grades g
        ANTI JOIN facts f ON f.cik = g.cik AND f.accession = g.accession
        WHERE g.is_current AND g.facts > 0
        UNION ALL SELECT DISTINCT 'finding without its grade', f.cik, f.accession FROM findings f
        ANTI JOIN grades g ON g.cik = f.cik AND g.accession = f.accession""",
        """SELECT (SELECT count(DISTINCT cik) FROM facts)
        + (SELECT count(DISTINCT cik) FROM filings)
        + (SELECT count(*) FROM grades WHERE is_current)
        + (SELECT count(DISTINCT accession) FROM findings)""",
    ),
}


def look(warehouse: Warehouse, name: str) -> CheckRows:
    """Run one check."""
    wrong, checked = QUERIES[name]
    counts = f"count(*), count(*) FILTER ({UNCOVERED.get(name, 'FALSE')})"
    affected, uncovered = warehouse.read(f"SELECT {counts} FROM ({wrong})").row(0)
    sample = warehouse.read(f"SELECT * FROM ({wrong}) LIMIT {SAMPLE}").to_dicts()
    return CheckRows(affected, warehouse.read(checked).item(), sample, uncovered)
