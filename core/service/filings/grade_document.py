"""Graded filings as rows of the CSV and as JSON: which columns, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import polars as pl

CSV_COLUMNS = (
    "cik", "ticker", "company", "accession", "form", "filed", "period_end", "score", "grade",
    "coverage_pct", "critical", "major", "minor", "required_score", "identity_score",
    "duplicate_score", "missing_score", "complexity_score", "ruleset", "graded_at", "url",
    "status", "revision_risk",
)  # fmt: skip
STATUS = ("status_reason", "status_since", "status_by")
REASONS = "revision_reasons"
CHANGED = (
    "headline", "concept", "unit", "period_start", "period_end", "old", "new", "by_accession",
    "by_form", "told_on",
)  # fmt: skip
SUBSCORES = ("required", "identity", "duplicate", "missing", "complexity")
WORST_FIRST = {"critical": 0, "major": 1, "minor": 2}
LETTERS = ("A", "B", "C", "D", "F", "NR")
# A prospectus has too few facts to be rated: the latest grade is that of the latest rated filing.
_LATEST = pl.coalesce(pl.col("grade").filter(pl.col("grade") != "NR").last(), pl.lit("NR"))


def document(
    ruleset: str, table: pl.DataFrame, found: pl.DataFrame, changes: pl.DataFrame
) -> dict[str, Any]:
    """The JSON of the command `grade`: graded filings with their findings, and their companies."""
    by_filing: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for item in _worst_first(found).iter_rows(named=True):
        by_filing.setdefault((item["cik"], item["accession"]), []).append(_finding(item))
    changed: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for item in changes.iter_rows(named=True):
        told = {name: item[name] for name in CHANGED}
        changed.setdefault((item["cik"], item["accession"]), []).append(told)
    filings = [
        {
            **{name: row[name] for name in CSV_COLUMNS if not name.endswith("_score")},
            "subscores": {name: row[f"{name}_score"] for name in SUBSCORES},
            "reason": row["reason"],
            **{name: row[name] for name in STATUS},
            REASONS: row[REASONS] or [],
            "changed_headlines": changed.get((row["cik"], row["accession"]), []),
            "findings": by_filing.get((row["cik"], row["accession"]), []),
        }
        for row in table.iter_rows(named=True)
    ]
    return {"ruleset": ruleset, "filings": filings, "companies": _companies(table)}


def _worst_first(found: pl.DataFrame) -> pl.DataFrame:
    """Findings in the order in which the store tells them, whichever order they were made in."""
    worst = pl.col("severity").replace_strict(WORST_FIRST, default=3, return_dtype=pl.Int8)
    newest = pl.col("period_end").to_physical().neg()
    ties = ("cik", "period_start", "message", "expected", "actual")
    return found.sort("accession", worst, "rule", newest, *ties, nulls_last=True)


def _finding(item: Mapping[str, Any]) -> dict[str, Any]:
    names = ("rule", "severity", "message", "expected", "actual", "difference", "tolerance")
    facts = item["facts"]
    if isinstance(facts, str):  # as stored
        facts = orjson.loads(facts)["facts"]
    return {**{name: item[name] for name in names}, "facts": facts or []}


def _companies(table: pl.DataFrame) -> list[dict[str, Any]]:
    grouped = table.sort("filed", "accession").group_by(
        "cik", "ticker", "company", maintain_order=True
    )
    return grouped.agg(
        latest=_LATEST,
        mean_score=pl.col("score").mean().round(1),
        worst_score=pl.col("score").min(),
        filings=pl.len(),
        grades=pl.struct((pl.col("grade") == letter).sum().alias(letter) for letter in LETTERS),
    ).to_dicts()
