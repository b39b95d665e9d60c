"""Grades in the store: what is graded from, what was found, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from core.domain.filings.edgar import filing_sql
from core.domain.quality.grading import Graded
from core.domain.tables.frames import COMPANIES, FACTS, FILINGS
from core.store.facts import facts_as_known_on
from core.store.filing_status import GRADE, SCORE, known
from core.store.grade_marks import Marks, write_marks
from core.store.tickers import PRIMARY
from core.store.transaction import Transaction, quoted
from core.store.warehouse import Warehouse

_SAME = (
    "score", "grade", "coverage_pct", "critical", "major", "minor", "info", "required_score",
    "identity_score", "duplicate_score", "missing_score", "complexity_score", "ruleset",
    "input_hash", "company", "period_end",
)  # fmt: skip


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


def write(
    tx: Transaction, graded: Graded, risks: pl.DataFrame, marks: Marks, now: datetime
) -> tuple[int, int]:
    """Store grades and revision risks (columns of RISKS) of companies; (written, unchanged).

    A grade that is no more stays as old.

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
    same = same.join(_retold(tx, graded.findings, ciks), on=keys, how="anti")
    changed = fresh.join(same.select(keys), on=keys, how="anti")
    _retire(tx, before.join(same.select(keys), on=keys, how="anti").select(keys))
    tx.insert("grades", changed.with_columns(graded_at=_at(now), is_current=pl.lit(True)))
    tx.insert("findings", _found(graded.findings, changed.select(keys), now))
    _write_items(tx, graded, ciks)
    _write_risks(tx, graded, risks, marks, now)
    write_marks(tx, marks, graded.ruleset)
    return changed.height, same.height + graded.kept.height


def _retold(tx: Transaction, findings: pl.DataFrame, ciks: Sequence[int]) -> pl.DataFrame:
    """cik, accession of filings whose findings are not those stored: the past that they tell of
    may have changed where nothing of the filing and its score did.
    """
    stored = tx.read(
        "SELECT f.cik, f.accession, f.rule, f.message, f.expected, f.actual FROM findings f "
        "JOIN grades g ON g.cik = f.cik AND g.accession = f.accession "
        "AND g.graded_at = f.graded_at AND g.is_current WHERE f.cik IN (SELECT unnest(?))",
        [list(ciks)],
    )
    numbers = pl.col("expected", "actual").round_sig_figs(9)  # sums may differ in their last digits
    old, new = (frame.select(stored.columns).with_columns(numbers) for frame in (stored, findings))
    differ = [
        one.join(other, on=stored.columns, how="anti", nulls_equal=True)
        for one, other in ((old, new), (new, old))
    ]
    return pl.concat(differ).select("cik", "accession").unique()


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
    _delete(tx, "filing_items", graded, ciks)
    tx.insert("filing_items", graded.items)


def _write_risks(
    tx: Transaction, graded: Graded, risks: pl.DataFrame, marks: Marks, now: datetime
) -> None:
    _delete(tx, "filing_risks", graded, list(marks.companies))
    tx.insert(
        "filing_risks",
        risks.with_columns(model=pl.lit(marks.risk_model), computed_at=_at(now)),
    )


def _delete(tx: Transaction, table: str, graded: Graded, ciks: Sequence[int]) -> None:
    """Rows of companies, but for the filings that are kept."""
    tx.execute(
        f"DELETE FROM {quoted(table)} WHERE cik IN (SELECT unnest(?)) "
        f"AND (cik, accession) NOT IN ({_KEYS})",
        [list(ciks), *_columns(graded.kept)],
    )


def _at(now: datetime) -> pl.Expr:
    return pl.lit(now).cast(pl.Datetime("us", "UTC"))


_GRADES = f"""
SELECT g.cik, t.symbol AS ticker, coalesce(c.name, g.company) AS company,
    g.* EXCLUDE (cik, company) REPLACE ({GRADE} AS grade, {SCORE} AS score),
    g.score AS rated_score, s.* EXCLUDE (cik, accession), r.revision_risk, r.revision_reasons,
    {filing_sql("g")} AS url
FROM grades g LEFT JOIN ({PRIMARY}) t ON t.cik = g.cik
    LEFT JOIN companies c ON c.cik = g.cik
    LEFT JOIN ({known("$on")}) s ON s.cik = g.cik AND s.accession = g.accession
    LEFT JOIN filing_risks r ON r.cik = g.cik AND r.accession = g.accession
WHERE ($old OR g.is_current) AND ($ciks IS NULL OR list_contains($ciks::BIGINT[], g.cik))
    AND ($forms IS NULL OR list_contains($forms::VARCHAR[], g.form))
    AND ($letters IS NULL OR list_contains($letters::VARCHAR[], {GRADE}))
    AND ($statuses IS NULL OR list_contains($statuses::VARCHAR[], s.status))
    AND ($accession IS NULL OR g.accession = $accession)
    AND ($text IS NULL OR contains(lower(coalesce(c.name, g.company, '')), lower($text))
        OR lower(t.symbol) = lower($text) OR g.accession = $text)
ORDER BY g.filed DESC, g.accession DESC, g.graded_at DESC, g.cik LIMIT $limit
"""


def grades(
    warehouse: Warehouse,
    on: date,
    *,
    ciks: Sequence[int] | None = None,
    forms: Sequence[str] | None = None,
    letters: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    text: str | None = None,
    accession: str | None = None,
    old: bool = False,
    limit: int | None = None,
) -> pl.DataFrame:
    """Graded filings, newest first, with ticker, company, link, status as known on a day, and risk.

    A withdrawn one is D at most; its score without that is `rated_score`.
    """
    return warehouse.read(
        _GRADES,
        {
            "on": on,
            "old": old,
            "ciks": None if ciks is None else list(ciks),
            "forms": list(forms) if forms else None,
            "letters": list(letters) if letters else None,
            "statuses": list(statuses) if statuses else None,
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
        "WHEN 'minor' THEN 2 ELSE 3 END, f.rule, f.period_end DESC, "
        "f.cik, f.period_start, f.message, f.expected, f.actual, f.facts",
        {"chosen": None if accessions is None else list(accessions)},
    )


def items(warehouse: Warehouse, accession: str, cik: int) -> pl.DataFrame:
    """The facts chosen for the standard items of a filing, own periods first."""
    return warehouse.read(
        "SELECT item, taxonomy, concept, unit, period_start, period_end, value, months, own "
        "FROM filing_items WHERE accession = ? AND cik = ? "
        "ORDER BY own DESC, item, period_end DESC, period_start, taxonomy, concept, unit, seq",
        [accession, cik],
    )


def items_of(warehouse: Warehouse, ciks: Sequence[int]) -> pl.DataFrame:
    """item and the key of the fact that is it, of every filing of some companies."""
    return warehouse.read(
        "SELECT item, cik, taxonomy, concept, unit, period_start, period_end, accession, seq "
        "FROM filing_items WHERE list_contains(?::BIGINT[], cik)",
        [list(ciks)],
    )


def own_items(warehouse: Warehouse, accessions: Sequence[str]) -> pl.DataFrame:
    """cik, accession, item: what some filings tell of their own periods."""
    return warehouse.read(
        "SELECT DISTINCT cik, accession, item FROM filing_items "
        "WHERE own AND list_contains(?::VARCHAR[], accession)",
        [list(accessions)],
    )


def items_of_periods(warehouse: Warehouse, asked: pl.DataFrame) -> pl.DataFrame:
    """cik, item, period_end, accession, form, told_on: which filings tell items of some periods.

    `asked` has cik, item and period_end.
    """
    return warehouse.read(
        "SELECT DISTINCT i.cik, i.item, i.period_end, i.accession, g.form, g.filed AS told_on "
        "FROM (SELECT unnest(?::BIGINT[]) AS cik, unnest(?::VARCHAR[]) AS item, "
        "unnest(?::DATE[]) AS period_end) a JOIN filing_items i ON i.cik = a.cik "
        "AND i.item = a.item AND i.period_end = a.period_end "
        "JOIN grades g ON g.cik = i.cik AND g.accession = i.accession AND g.is_current",
        [asked[name].to_list() for name in ("cik", "item", "period_end")],
    )


def items_before(warehouse: Warehouse, cik: int, accession: str, filings: int) -> pl.DataFrame:
    """accession, item: the own items of a filing and of the last ones of its form before it."""
    return warehouse.read(
        "WITH f AS (SELECT form, filed FROM grades WHERE cik = $cik AND accession = $accession "
        "AND is_current), b AS (SELECT g.accession FROM grades g, f WHERE g.cik = $cik "
        "AND g.is_current AND g.form = f.form AND g.filed < f.filed "
        "ORDER BY g.filed DESC, g.accession LIMIT $filings) "
        "SELECT DISTINCT accession, item FROM filing_items WHERE own AND cik = $cik "
        "AND (accession = $accession OR accession IN (SELECT accession FROM b))",
        {"cik": cik, "accession": accession, "filings": filings},
    )


def statements(warehouse: Warehouse, accession: str, cik: int) -> pl.DataFrame:
    """Every fact that a filing states, with its label."""
    return warehouse.read(
        "SELECT f.taxonomy, f.concept, c.label, f.value, f.unit, f.period_start, f.period_end "
        "FROM facts f LEFT JOIN concepts c ON c.taxonomy = f.taxonomy AND c.concept = f.concept "
        "WHERE f.accession = ? AND f.cik = ? AND f.removed_at IS NULL "
        "ORDER BY f.taxonomy, f.concept, f.period_end DESC, f.period_start, f.unit, f.seq",
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
