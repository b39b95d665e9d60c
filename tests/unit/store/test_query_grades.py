"""Grades as queries of users read them: held down by what became of the filings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store.queries import Queries, QueryLimits
from core.store.warehouse import Warehouse

GRADED = (
    "INSERT INTO grades BY NAME SELECT 1 AS cik, a AS accession, '10-K' AS form, "
    "DATE '2020-02-20' AS filed, 100.0 AS score, 'A' AS grade, TRUE AS is_current, "
    "'r' AS ruleset, TIMESTAMPTZ '2020-03-01' AS graded_at FROM (VALUES ('good'), ('gone')) f(a)"
)
GONE = (
    "INSERT INTO filing_status BY NAME SELECT 1 AS cik, 'gone' AS accession, since, status, "
    "reason, TIMESTAMPTZ '2020-10-02' AS computed_at, by_accession FROM (VALUES "
    "(DATE '2020-02-20', 'as filed', NULL, NULL), "
    "(DATE '2020-10-01', 'withdrawn', 'withdrawn by item 4.02', 'notice'), "
    "(DATE '2999-01-01', 'as filed', NULL, NULL)) s(since, status, reason, by_accession)"
)


@pytest.fixture
def queries(tmp_path: Path) -> Iterator[Queries]:
    with Warehouse.open(tmp_path / "desk.duckdb") as warehouse:
        with warehouse.transaction() as tx:
            tx.execute(GRADED)
            tx.execute(GONE)
        made = Queries(warehouse, tmp_path / "spill", QueryLimits(seconds=60))
        yield made
        made.close()


def test_a_withdrawn_report_is_a_d_to_queries_too(queries: Queries) -> None:
    """As known today: what is yet to come says nothing."""
    rows = queries.run(
        "SELECT accession, grade, score, rated_grade, rated_score, status, status_reason, "
        "status_by, filed FROM grades ORDER BY accession DESC"
    )
    common = {"rated_grade": "A", "rated_score": 100.0, "filed": "2020-02-20"}
    none = dict.fromkeys(("status", "status_reason", "status_by"))
    told = ("withdrawn", "withdrawn by item 4.02", "notice")
    assert rows == [
        {"accession": "good", "grade": "A", "score": 100.0} | none | common,
        {"accession": "gone", "grade": "D", "score": 69.0} | dict(zip(none, told, strict=True))
        | common,
    ]  # fmt: skip


def test_grades_as_rated_are_named_so(queries: Queries) -> None:
    rows = queries.run("SELECT accession, grade FROM raw_grades ORDER BY 1")
    assert [row["grade"] for row in rows] == ["A", "A"]
    assert queries.run("SELECT count(*) AS n FROM grades WHERE grade = 'A'") == [{"n": 1}]
