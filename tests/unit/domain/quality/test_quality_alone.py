"""A filing is judged alike alone and beside other companies: nothing hangs on who else is there."""

from __future__ import annotations

import polars as pl
import pytest

from core.domain.quality.grading import Graded, grade
from core.domain.tables.frames import COMPANIES
from tests.unit.domain.quality.reports import MILLION, year
from tests.unit.domain.quality.test_quality_honest_sums import earned
from tests.unit.domain.quality.test_quality_odd_inputs import facts, listed

YEARS = range(2015, 2021)
KINDS = {  # a company whose every report departs from a form and has its reason, and one that fails
    "a line below the costs": (
        [earned(n, 545, InterestAndOtherIncome=45) for n in YEARS],
        [*(earned(n, 500) for n in YEARS[:-1]), earned(2020, 545)],
    ),
    "a form of its own": (
        [year(n, GrossProfit=800 * MILLION) for n in YEARS],
        [*(year(n) for n in YEARS[:-1]), year(2020, GrossProfit=800 * MILLION)],
    ),
    "nothing to depart from": ([year(n) for n in YEARS], [year(2020, Assets=5e12)]),
}


def graded(**companies: list[list[dict]]) -> Graded:
    """The grades of companies by their numbers (`_1`)."""
    numbered = [
        (int(name[1:]), [row | {"cik": int(name[1:])} for row in one])
        for name, reports in companies.items()
        for one in reports
    ]
    own = [
        listed(rows[0]["accession"], rows[0]["filed"], rows[0]["form"], cik).with_columns(
            report_date=pl.lit(rows[0]["period_end"])
        )
        for cik, rows in numbered
    ]
    every = facts(*(row for _, rows in numbered for row in rows))
    return grade(every, pl.concat(own), COMPANIES.empty())


@pytest.mark.parametrize("kind", KINDS)
def test_who_else_is_judged_changes_nothing(kind: str) -> None:
    quiet, faulty = KINDS[kind]
    beside = graded(_1=quiet, _2=faulty)
    assert set(beside.findings["cik"]) >= {2}  # something is found where something is wrong
    for cik, reports in ((1, quiet), (2, faulty)):
        alone = graded(**{f"_{cik}": reports})
        for name in ("scores", "judged", "findings"):
            mine = getattr(beside, name).filter(pl.col("cik") == cik)
            order = [c for c in ("accession", "rule", "ok") if c in mine.columns]
            assert mine.sort(order).equals(getattr(alone, name).sort(order)), name
