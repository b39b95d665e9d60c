"""The rules against real filings, or simulated ones of the same kinds: honest companies pass."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks import seeded
from core.domain.quality.grading import Graded, grade
from core.sandbox.companies.model import profiles
from core.sandbox.market.names import cik_of
from tests import stand_ins

REPORTS = ["10-K", "10-Q"]
MEZZANINE = {"Amphenol": 820313, "NVIDIA": 1045810}
SPLITS = {  # CIK and the days of the splits
    "Apple": (320193, (date(2014, 6, 9), date(2020, 8, 31))),
    "NVIDIA": (1045810, (date(2021, 7, 20), date(2024, 6, 10))),
}
SPLIT_RULES = ["Q24", "Q25", "Q27", "Q30", "Q31", "Q33", "Q34", "Q47"]

pytestmark = pytest.mark.thorough  # simulated companies are graded every time


@pytest.fixture(scope="module")
def frames(captures_or_none: Path | None) -> seeded.Frames:
    """Facts, filings and companies of all captures, or of the simulated companies."""
    return stand_ins.companies(captures_or_none)


@pytest.fixture(scope="module")
def graded(frames: seeded.Frames) -> Graded:
    """Their grades."""
    return grade(*frames)


def test_all_filings_are_graded(graded: Graded, captures_or_none: Path | None) -> None:
    """Eighteen companies and more than nine hundred reports since 2012 have a row each."""
    companies, reports = (18, 900) if captures_or_none else (stand_ins.COMPANIES, 250)
    recent = graded.scores.filter(
        pl.col("form").is_in(REPORTS), pl.col("filed") >= date(2012, 1, 1)
    )
    assert graded.scores["cik"].n_unique() == companies
    assert recent.height > reports


def test_no_balance_sheet_alarm(graded: Graded, captures_or_none: Path | None) -> None:
    """Assets equal liabilities and equity in every one of them."""
    told = graded.judged.filter(pl.col("rule") == "Q01")
    assert told.height > (900 if captures_or_none else 250)
    assert told["ok"].all()


def test_most_reports_are_a_or_b(graded: Graded) -> None:
    """At least 85 % of the annual and quarterly reports since 2012."""
    recent = graded.scores.filter(
        pl.col("form").is_in(REPORTS), pl.col("filed") >= date(2012, 1, 1)
    )
    good = recent.select(pl.col("grade").is_in(["A", "B"]).mean()).item()
    assert good >= 0.85


def test_mezzanine_equity_costs_nothing(
    frames: seeded.Frames, graded: Graded, captures_or_none: Path | None
) -> None:
    """Sheets where liabilities and the parent's equity fall short raise no finding on the sheet."""
    whose = MEZZANINE if captures_or_none else _simulated("mezzanine")
    for name, cik in whose.items():
        short = _short(frames[0].filter(pl.col("cik") == cik))
        assert short.len() > 0, name
        alarms = graded.findings.filter(
            pl.col("rule").is_in(["Q01", "Q02", "Q05"]), pl.col("accession").is_in(short.implode())
        )
        assert alarms.is_empty(), name


def _simulated(role: str) -> dict[str, int]:
    ours = [one for one in profiles(stand_ins.SEED) if role in one.roles]
    return {
        f"{role} {one.slot}": cik_of(one.slot) for one in ours if one.slot <= stand_ins.COMPANIES
    }


def _short(own: pl.DataFrame) -> pl.Series:
    """Reports whose liabilities and parent's equity are less than the whole sheet."""
    tags = {"whole": "LiabilitiesAndStockholdersEquity", "debt": "Liabilities"}
    tags |= {"equity": "StockholdersEquity"}
    both, *others = [
        own.filter(pl.col("concept") == tag).select(
            "accession", "period_end", pl.col("value").alias(key)
        )
        for key, tag in tags.items()
    ]
    for sheet in others:
        both = both.join(sheet, on=["accession", "period_end"])
    short = both.filter((pl.col("whole") - pl.col("debt") - pl.col("equity")).abs() > 2e6)
    return short["accession"].unique()


def test_splits_raise_nothing(graded: Graded, shared_data: Path) -> None:
    """In the two years after a split no rule tells of share counts or earnings per share."""
    for name, (cik, days) in SPLITS.items():
        after = pl.any_horizontal(
            pl.col("filed").is_between(day, day.replace(year=day.year + 2)) for day in days
        )
        filings = graded.scores.filter(pl.col("cik") == cik, after)["accession"]
        told = graded.findings.filter(
            pl.col("accession").is_in(filings.implode()),
            pl.col("rule").is_in(SPLIT_RULES),
            pl.col("message").str.contains("Eps|Shares|per share|shares"),
        )
        assert filings.len() > 12, name
        assert told["message"].to_list() == [], name
