"""Grades in the store: what is graded from, what was found, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from core.domain.edgar import filing_sql
from core.domain.frames import COMPANIES, FACTS, FILINGS
from core.domain.quality.grading import Graded
from core.domain.quality.registry import REPORTS
from core.store.facts import facts_as_known_on
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

_SAME = (
    "score", "grade", "coverage_pct", "critical", "major", "minor", "info", "required_score",
    "identity_score", "duplicate_score", "missing_score", "complexity_score", "ruleset",
    "input_hash", "company", "period_end",
)  # fmt: skip
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
    SELECT cik, count(*) AS n, bit_xor(hash(accession, form, filed, report_date, is_xbrl)) AS h
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


def graded_inputs(warehouse: Warehouse, ruleset: str) -> dict[int, str]:
    """The fingerprints that the current grades rest on."""
    query = "SELECT cik, fingerprint FROM grade_inputs WHERE ruleset = ?"
    return dict(warehouse.read(query, [ruleset]).rows())


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


def inputs(
    warehouse: Warehouse, ciks: Sequence[int] | None, as_of: date | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """FACTS, FILINGS and COMPANIES of some companies (None: all), as known on a day."""
    facts = facts_as_known_on(warehouse, as_of, ciks)
    wanted = {"ciks": list(ciks) if ciks is not None else None}
    chosen = "WHERE $ciks IS NULL OR list_contains($ciks::BIGINT[], cik)"
    filings = warehouse.read(f"SELECT {', '.join(FILINGS.columns)} FROM filings {chosen}", wanted)
    known = warehouse.read(f"SELECT {', '.join(COMPANIES.columns)} FROM companies {chosen}", wanted)
    return facts.select(list(FACTS.columns)), filings, known


@dataclass(frozen=True, slots=True)
class Marks:
    """What companies and their filings were when they were read to be graded."""

    companies: Mapping[int, str]  # fingerprints
    filings: pl.DataFrame  # of `filing_marks`


def write(tx: Transaction, graded: Graded, marks: Marks, now: datetime) -> tuple[int, int]:
    """Store the grades of companies; (written, unchanged). A grade that is no more stays as old.

    What is `kept` keeps its grade, findings and items, and counts as unchanged.
    """
    ciks, keys = list(marks.companies), ["cik", "accession"]
    before = tx.read(
        f"SELECT cik, accession, {', '.join(_SAME)} FROM grades "
        "WHERE is_current AND cik IN (SELECT unnest(?))",
        [ciks],
    ).join(graded.kept, on=keys, how="anti")
    fresh = graded.scores.with_columns(pl.col("facts", "concepts").cast(pl.Int64))
    same = fresh.join(before, on=[*keys, *_SAME], how="semi", nulls_equal=True)
    changed = fresh.join(same.select(keys), on=keys, how="anti")
    _retire(tx, before.join(same.select(keys), on=keys, how="anti").select(keys))
    tx.insert("grades", changed.with_columns(graded_at=_at(now), is_current=pl.lit(True)))
    tx.insert("findings", _found(graded.findings, changed.select(keys), now))
    _write_items(tx, graded, ciks)
    _write_marks(tx, marks, graded.ruleset)
    return changed.height, same.height + graded.kept.height


def _retire(tx: Transaction, keys: pl.DataFrame) -> None:
    """Grades of these filings, each of one company: others may have filed it as well."""
    if keys.height:
        tx.execute(
            "UPDATE grades SET is_current = FALSE "
            f"WHERE is_current AND (cik, accession) IN ({_KEYS})",
            _columns(keys),
        )


# Keys as lists: to make a frame known to the store takes longer than to hand over some thousands.
_KEYS = (
    "SELECT (k.cik, k.accession) FROM "
    "(SELECT unnest(?::BIGINT[]) AS cik, unnest(?::VARCHAR[]) AS accession) k"
)


def _columns(keys: pl.DataFrame) -> list[list[Any]]:
    return [keys["cik"].to_list(), keys["accession"].to_list()]


def _found(findings: pl.DataFrame, keys: pl.DataFrame, now: datetime) -> pl.DataFrame:
    wanted = findings.join(keys, on=["cik", "accession"], how="semi")
    as_json = pl.struct(pl.col("facts").fill_null([])).struct.json_encode()
    return wanted.with_columns(facts=as_json, graded_at=_at(now))


def _write_items(tx: Transaction, graded: Graded, ciks: Sequence[int]) -> None:
    tx.execute(
        "DELETE FROM filing_items WHERE cik IN (SELECT unnest(?)) "
        f"AND (cik, accession) NOT IN ({_KEYS})",
        [list(ciks), *_columns(graded.kept)],
    )
    tx.insert("filing_items", graded.items)


def _write_marks(tx: Transaction, marks: Marks, ruleset: str) -> None:
    ciks = list(marks.companies)
    tx.execute("DELETE FROM grade_inputs WHERE cik IN (SELECT unnest(?))", [ciks])
    tx.execute("DELETE FROM graded_filings WHERE cik IN (SELECT unnest(?))", [ciks])
    tx.insert("graded_filings", marks.filings)
    tx.execute(
        "INSERT INTO grade_inputs (cik, fingerprint, ruleset) "
        "SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), ?",
        [ciks, list(marks.companies.values()), ruleset],
    )


def _at(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))


_TICKERS = """
SELECT cik, arg_max(value, (valid_to IS NULL, coalesce(valid_to, DATE '9999-12-31'))) AS ticker
FROM company_identifiers WHERE kind = 'ticker' GROUP BY cik
"""
_GRADES = f"""
SELECT g.cik, t.ticker, coalesce(c.name, g.company) AS company, g.* EXCLUDE (cik, company),
    {filing_sql("g")} AS url
FROM grades g LEFT JOIN ({_TICKERS}) t ON t.cik = g.cik LEFT JOIN companies c ON c.cik = g.cik
WHERE ($old OR g.is_current) AND ($ciks IS NULL OR list_contains($ciks::BIGINT[], g.cik))
    AND ($forms IS NULL OR list_contains($forms::VARCHAR[], g.form))
    AND ($letters IS NULL OR list_contains($letters::VARCHAR[], g.grade))
    AND ($accession IS NULL OR g.accession = $accession)
    AND ($text IS NULL OR contains(lower(coalesce(c.name, g.company, '')), lower($text))
        OR lower(t.ticker) = lower($text) OR g.accession = $text)
ORDER BY g.filed DESC, g.accession DESC, g.graded_at DESC LIMIT $limit
"""


def grades(
    warehouse: Warehouse,
    *,
    ciks: Sequence[int] | None = None,
    forms: Sequence[str] | None = None,
    letters: Sequence[str] | None = None,
    text: str | None = None,
    accession: str | None = None,
    old: bool = False,
    limit: int | None = None,
) -> pl.DataFrame:
    """Graded filings, newest first, with ticker, company and link."""
    return warehouse.read(
        _GRADES,
        {
            "old": old,
            "ciks": None if ciks is None else list(ciks),
            "forms": list(forms) if forms else None,
            "letters": list(letters) if letters else None,
            "accession": accession,
            "text": text or None,
            "limit": 2**62 if limit is None else limit,
        },
    )


def findings(warehouse: Warehouse, accessions: Sequence[str] | None = None) -> pl.DataFrame:
    """Findings of the current grades (of some filings), worst first."""
    return warehouse.read(
        "SELECT f.* FROM findings f JOIN grades g ON g.cik = f.cik AND g.accession = f.accession "
        "AND g.graded_at = f.graded_at AND g.is_current "
        "WHERE $chosen IS NULL OR list_contains($chosen::VARCHAR[], f.accession) "
        "ORDER BY f.accession, CASE f.severity WHEN 'critical' THEN 0 WHEN 'major' THEN 1 "
        "WHEN 'minor' THEN 2 ELSE 3 END, f.rule, f.period_end DESC",
        {"chosen": None if accessions is None else list(accessions)},
    )


def items(warehouse: Warehouse, accession: str, cik: int) -> pl.DataFrame:
    """The facts chosen for the standard items of a filing, own periods first."""
    return warehouse.read(
        "SELECT item, taxonomy, concept, unit, period_start, period_end, value, months, own "
        "FROM filing_items WHERE accession = ? AND cik = ? "
        "ORDER BY own DESC, item, period_end DESC",
        [accession, cik],
    )


def statements(warehouse: Warehouse, accession: str, cik: int) -> pl.DataFrame:
    """Every fact that a filing states, with its label."""
    return warehouse.read(
        "SELECT f.taxonomy, f.concept, c.label, f.value, f.unit, f.period_start, f.period_end "
        "FROM facts f LEFT JOIN concepts c ON c.taxonomy = f.taxonomy AND c.concept = f.concept "
        "WHERE f.accession = ? AND f.cik = ? AND f.removed_at IS NULL "
        "ORDER BY f.taxonomy, f.concept, f.period_end DESC, f.period_start",
        [accession, cik],
    )


def add_dataset_grades(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Keep one measurement of every dataset."""
    if rows:
        tx.insert("dataset_grades", pl.DataFrame(rows, infer_schema_length=None))


def dataset_grades(warehouse: Warehouse, runs: int = 30) -> pl.DataFrame:
    """The last measurements of every dataset, newest first."""
    return warehouse.read(
        "SELECT * FROM dataset_grades QUALIFY row_number() OVER "
        "(PARTITION BY dataset ORDER BY measured_at DESC) <= ? ORDER BY dataset, measured_at DESC",
        [runs],
    )
