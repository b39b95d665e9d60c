"""What grades rest on, as short texts: how the next run knows what has changed.

A company's fingerprint tells whether to look at it, the marks of its filings which of them differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from core.domain.quality.facts.filings import REPORTS
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

# Of each filing what its facts say, whatever their order. What they share is hashed once: texts of
# a measure once for all facts, labels of a filing once for all of its own.
_STATED = """
SELECT g.cik, o.accession, min(o.filed) AS filed, sum(g.n)::BIGINT AS n,
    bit_xor(hash(g.h, o.fiscal_year, o.fiscal_period, o.form, o.filed)) AS h
FROM (
    SELECT r.cik, r.source, count(*) AS n,
        bit_xor(hash(m.h, r.period_start, r.period_end, r.value, r.seq)) AS h
    FROM fact_rows r
    JOIN (SELECT measure, hash(taxonomy, concept, unit) AS h FROM fact_measures) m
        ON m.measure = r.measure
    WHERE r.removed_at IS NULL {some} GROUP BY r.cik, r.source
) g JOIN fact_sources o ON o.source = g.source GROUP BY g.cik, o.accession
"""
_SOME = "AND r.cik IN (SELECT unnest($ciks::BIGINT[]))"
_FINGERPRINTS = f"""
WITH f AS (
    SELECT cik, sum(n)::BIGINT AS n, bit_xor(hash(accession, h)) AS h
    FROM ({_STATED.format(some="")}) GROUP BY cik
), s AS (
    SELECT cik, count(*) AS n,
        bit_xor(hash(accession, form, filed, report_date, is_xbrl, items)) AS h
    FROM filings GROUP BY cik
), c AS (SELECT cik, hash(name, sic, category, fiscal_year_end) AS h FROM companies)
SELECT f.cik, concat_ws('-', f.n, f.h, s.n, s.h, c.h) AS fingerprint
FROM f LEFT JOIN s ON s.cik = f.cik LEFT JOIN c ON c.cik = f.cik
"""
# Of filings with facts, and of those that count without: reports and notices of late filing.
_MARKS = f"""
WITH f AS ({_STATED.format(some=_SOME)}), s AS (
    SELECT cik, accession, form, filed, report_date, hash(form, filed, report_date, is_xbrl) AS h
    FROM filings WHERE cik IN (SELECT unnest($ciks::BIGINT[]))
), c AS (SELECT cik, hash(name, sic, category, fiscal_year_end) AS h FROM companies)
SELECT coalesce(f.cik, s.cik) AS cik, coalesce(f.accession, s.accession) AS accession,
    coalesce(least(f.filed, s.filed), f.filed, s.filed) AS filed, s.report_date,
    concat_ws('-', coalesce(f.n, 0), f.h, coalesce(s.h::VARCHAR, ''), c.h) AS mark
FROM f FULL JOIN s ON s.cik = f.cik AND s.accession = f.accession
    LEFT JOIN c ON c.cik = coalesce(f.cik, s.cik)
WHERE f.n IS NOT NULL OR list_contains($reports::VARCHAR[], regexp_replace(s.form, '/A$', ''))
"""


def fingerprints(warehouse: Warehouse) -> dict[int, str]:
    """What decides the grades of each company with facts, as a short text."""
    return dict(warehouse.read(_FINGERPRINTS).rows())


def facts_of(fingerprint: str) -> int:
    """How many facts the fingerprint of a company stands for."""
    return int(fingerprint.partition("-")[0])


def graded_inputs(warehouse: Warehouse, ruleset: str, risk_model: str) -> dict[int, str]:
    """The fingerprints that the current grades and revision risks rest on."""
    query = "SELECT cik, fingerprint FROM grade_inputs WHERE ruleset = ? AND risk_model = ?"
    return dict(warehouse.read(query, [ruleset, risk_model]).rows())


def filing_marks(warehouse: Warehouse, ciks: Sequence[int]) -> pl.DataFrame:
    """What decides the grade of each filing: cik, accession, filed, report_date, mark.

    A change of the company changes all of its marks.
    """
    return warehouse.read(_MARKS, {"ciks": list(ciks), "reports": REPORTS})


def graded_filings(warehouse: Warehouse, ciks: Sequence[int]) -> pl.DataFrame:
    """The same as it was when companies were graded last; nothing of those never marked."""
    return warehouse.read(
        "SELECT cik, accession, filed, report_date, mark FROM graded_filings "
        "WHERE list_contains(?::BIGINT[], cik)",
        [list(ciks)],
    )


def latest_filed(warehouse: Warehouse) -> date | None:
    """The last day of filing that is known of."""
    days = warehouse.read(
        "SELECT greatest((SELECT max(filed) FROM filings), (SELECT max(filed) FROM fact_sources))"
    )
    latest: date | None = days.item()
    return latest


@dataclass(frozen=True, slots=True)
class Marks:
    """What companies and their filings were when they were read to be graded."""

    companies: Mapping[int, str]  # fingerprints
    filings: pl.DataFrame  # of `filing_marks`
    risk_model: str  # what their revision risks are reckoned with


def write_marks(tx: Transaction, marks: Marks, ruleset: str) -> None:
    """Keep them as those that the grades of a rule set rest on now."""
    ciks = list(marks.companies)
    tx.execute("DELETE FROM grade_inputs WHERE cik IN (SELECT unnest(?))", [ciks])
    tx.execute("DELETE FROM graded_filings WHERE cik IN (SELECT unnest(?))", [ciks])
    tx.insert("graded_filings", marks.filings)
    tx.execute(
        "INSERT INTO grade_inputs (cik, fingerprint, ruleset, risk_model) "
        "SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), ?, ?",
        [ciks, list(marks.companies.values()), ruleset, marks.risk_model],
    )
