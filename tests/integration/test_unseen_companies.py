"""A whole quarter of filings that no rule was made with: banks, insurers, REITs, 20-Fs and all."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from benchmarks import captures
from core.domain.quality.grading import Graded, grade
from core.domain.tables.frames import COMPANIES
from core.sources.sec.fsds import read_quarter


@pytest.fixture(scope="module")
def graded(shared_data: object) -> Graded:
    """Grades of the Financial Statement Data Sets of 2010q1."""
    return grade(*captures.load_fsds())


def test_every_filing_has_a_grade_or_a_reason(graded: Graded) -> None:
    """495 filings; the few that are not rated say why."""
    assert graded.scores.height == 495
    unrated = graded.scores.filter(pl.col("grade") == "NR")
    assert unrated.height < 15
    assert unrated["reason"].null_count() == 0


def test_most_of_every_kind_are_a_or_b(graded: Graded) -> None:
    """Banks, insurers and REITs are no worse off than industrial companies."""
    for style in ("bank", "insurer", "reit", "industrial"):
        rated = graded.scores.filter(pl.col("style") == style, pl.col("grade") != "NR")
        assert rated.height >= 15, style
        assert rated.select(pl.col("grade").is_in(["A", "B"]).mean()).item() > 0.7, style


def test_foreign_filers_are_rated(graded: Graded) -> None:
    """20-Fs and 40-Fs get a grade; one of them tells its weighted shares a million times."""
    foreign = graded.scores.filter(pl.col("form").str.contains("^[24]0-F"))
    assert foreign.height >= 10
    wrong = foreign.filter(~pl.col("grade").is_in(["A", "B"]))
    assert [name for name in wrong["company"] if not name.startswith("ALCON")] == []
    assert graded.findings.filter(pl.col("rule") == "Q54").join(
        wrong, on=["cik", "accession"], how="semi"
    )["cik"].n_unique() == wrong.height  # fmt: skip


def test_hardly_a_balance_sheet_alarm(graded: Graded) -> None:
    """The sheets of nearly all filings balance, with mezzanine equity and without totals."""
    told = graded.judged.filter(pl.col("rule").is_in(["Q01", "Q02"]))
    assert told.height > 700
    assert (~told["ok"]).sum() == 0


def test_quarters_in_both_formats_are_mostly_a(shared_data: Path) -> None:
    """The reader of the desk leaves the rows of parts out: with them half of 2010q2 were A."""
    for quarter, share in (("2010q1", 0.94), ("2010q2", 0.97)):
        reports, rest = _reports(shared_data / "sec" / "fsds" / f"{quarter}.zip")
        assert reports["grade"].is_in(["A", "B"]).mean() >= 0.94, quarter
        assert (rest["grade"] == "A").mean() >= share, quarter
        assert reports.height - rest.height <= 0.05 * reports.height, quarter


def _reports(file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All reports of a quarter as graded, and those that are not known to be wrong."""
    read = read_quarter(file)
    assert read.drift == ()
    companies = pl.concat([COMPANIES.empty(), read.companies], how="diagonal")
    found = grade(read.facts, read.filings, companies)
    reports = found.scores.filter(pl.col("form").is_in(["10-K", "10-Q"]))
    known = ["Q31", "Q41", "Q54"]  # shares in thousands or millions, EPS in shares or pure numbers
    wrong = found.findings.filter(pl.col("rule").is_in(known))
    return reports, reports.join(wrong, on=["cik", "accession"], how="anti")
