"""The rules against the filings of eighteen real companies: honest ones pass, known faults fall."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from benchmarks import captures, seeded
from core.domain.quality.grading import Graded, grade

REPORTS = ["10-K", "10-Q"]
AMD_COVER = "0001193125-12-332074"  # shares outstanding of 2012-07-27, a million times too many
MEZZANINE = {"Amphenol": 820313, "NVIDIA": 1045810}
SPLITS = {  # CIK and the days of the splits
    "Apple": (320193, (date(2014, 6, 9), date(2020, 8, 31))),
    "NVIDIA": (1045810, (date(2021, 7, 20), date(2024, 6, 10))),
}
SPLIT_RULES = ["Q24", "Q25", "Q27", "Q30", "Q31", "Q33", "Q34", "Q47"]


@pytest.fixture(scope="module")
def frames(shared_data: object) -> seeded.Frames:
    """Facts, filings and companies of all captures."""
    return (captures.load_facts(), *captures.load_submissions())


@pytest.fixture(scope="module")
def graded(frames: seeded.Frames) -> Graded:
    """Their grades."""
    return grade(*frames)


def test_all_captured_filings_are_graded(graded: Graded) -> None:
    """Eighteen companies and more than nine hundred reports since 2012 have a row each."""
    recent = graded.scores.filter(
        pl.col("form").is_in(REPORTS), pl.col("filed") >= date(2012, 1, 1)
    )
    assert graded.scores["cik"].n_unique() == 18
    assert recent.height > 900


def test_no_balance_sheet_alarm(graded: Graded) -> None:
    """Assets equal liabilities and equity in every one of them."""
    told = graded.judged.filter(pl.col("rule") == "Q01")
    assert told.height > 900
    assert told["ok"].all()


def test_most_reports_are_a_or_b(graded: Graded) -> None:
    """At least 85 % of the annual and quarterly reports since 2012."""
    recent = graded.scores.filter(
        pl.col("form").is_in(REPORTS), pl.col("filed") >= date(2012, 1, 1)
    )
    good = recent.select(pl.col("grade").is_in(["A", "B"]).mean()).item()
    assert good >= 0.85


def test_the_cover_a_million_times_too_large_is_critical(graded: Graded) -> None:
    """AMD's share count is found by Q31, and its grade is D at best."""
    found = graded.findings.filter(pl.col("accession") == AMD_COVER, pl.col("rule") == "Q31")
    (row,) = graded.scores.filter(pl.col("accession") == AMD_COVER).iter_rows(named=True)
    assert found["severity"].to_list() == ["critical"]
    assert row["grade"] == "D"
    assert row["score"] <= 69


@pytest.mark.parametrize("name", list(MEZZANINE))
def test_mezzanine_equity_costs_nothing(frames: seeded.Frames, graded: Graded, name: str) -> None:
    """Sheets where liabilities and the parent's equity fall short raise no finding on the sheet."""
    own = frames[0].filter(pl.col("cik") == MEZZANINE[name])
    tags = {"whole": "LiabilitiesAndStockholdersEquity", "debt": "Liabilities"}
    tags |= {"equity": "StockholdersEquity"}
    sheets = [
        own.filter(pl.col("concept") == tag).select("accession", "period_end", value.alias(key))
        for key, tag in tags.items()
        for value in [pl.col("value")]
    ]
    both = sheets[0]
    for sheet in sheets[1:]:
        both = both.join(sheet, on=["accession", "period_end"])
    short = both.filter((pl.col("whole") - pl.col("debt") - pl.col("equity")).abs() > 2e6)
    assert short.height > 0
    alarms = graded.findings.filter(
        pl.col("rule").is_in(["Q01", "Q02", "Q05"]),
        pl.col("accession").is_in(short["accession"].unique().implode()),
    )
    assert alarms.is_empty()


@pytest.mark.parametrize("name", list(SPLITS))
def test_splits_raise_nothing(graded: Graded, name: str) -> None:
    """In the two years after a split no rule tells of share counts or earnings per share."""
    cik, days = SPLITS[name]
    after = pl.any_horizontal(
        pl.col("filed").is_between(day, day.replace(year=day.year + 2)) for day in days
    )
    filings = graded.scores.filter(pl.col("cik") == cik, after)["accession"]
    told = graded.findings.filter(
        pl.col("accession").is_in(filings.implode()),
        pl.col("rule").is_in(SPLIT_RULES),
        pl.col("message").str.contains("Eps|Shares|per share|shares"),
    )
    assert filings.len() > 12
    assert told["message"].to_list() == []
