"""What a letter promises: doubts of a headline figure cap it, doubts of other lines do not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.domain.quality.reports import MILLION, changed, grades_of, year

FIGURES = (
    "Revenues", "NetIncomeLoss", "EarningsPerShareBasic", "EarningsPerShareDiluted", "Assets",
    "NetCashProvidedByUsedInOperatingActivities", "StockholdersEquity",
    "CashAndCashEquivalentsAtCarryingValue", "WeightedAverageNumberOfSharesOutstandingBasic",
)  # fmt: skip
LAST = "0-20-10"
BEFORE = range(2015, 2020)
MORE = {f"Line{n}": MILLION for n in range(20)} | {
    "CashAndCashEquivalentsPeriodIncreaseDecrease": 0.0
}


def after(**how: Any) -> str:
    """The letter of the report of 2020 with one fact changed, after five honest years."""
    reports = [*(year(n, **MORE) for n in BEFORE), changed(year(2020, **MORE), **how)]  # type: ignore[arg-type]
    return str(grades_of(*reports)[LAST]["grade"])


@pytest.mark.parametrize("factor", [1e3, 1e-3])
@pytest.mark.parametrize("concept", FIGURES)
def test_a_headline_in_the_wrong_scale_is_c_or_worse(concept: str, factor: float) -> None:
    """Whichever of the eight figures it is, and whichever way."""
    assert after(concept=concept, factor=factor) in {"C", "D", "F"}


@pytest.mark.parametrize("concept", FIGURES[:7])
def test_a_headline_with_the_wrong_sign_is_c_or_worse(concept: str) -> None:
    """Money and per-share values alike."""
    assert after(concept=concept, factor=-1.0) in {"C", "D", "F"}


@pytest.mark.parametrize("unit", ["EUR", "shares", "pure"])
def test_a_headline_in_the_wrong_unit_is_c_or_worse(unit: str) -> None:
    """One relation doubts it, or the second currency as well."""
    assert after(concept="Assets", unit=unit) in {"C", "D"}


@pytest.mark.parametrize("concept", ["Assets", "EarningsPerShareBasic", "Revenues"])
def test_a_report_without_a_headline_is_a_b_at_most(concept: str) -> None:
    """What each report before gave is not there: nothing is wrong, but something is missing."""
    assert after(concept=concept, gone=True) == "B"


def test_another_line_that_does_not_add_up_doubts_no_headline() -> None:
    """Net income is the earnings per share times shares: comprehensive income is at fault."""
    income = {
        "ComprehensiveIncomeNetOfTax": 400 * MILLION,
        "OtherComprehensiveIncomeLossNetOfTax": 40 * MILLION,
    }
    reports = [year(n, **income) for n in BEFORE]
    wrong = year(2020, **(income | {"ComprehensiveIncomeNetOfTax": 300 * MILLION}))
    found = grades_of(*reports, wrong)[LAST]
    assert "Q07" in found["rules"]
    assert found["grade"] in {"A", "B"}


def test_a_tag_that_takes_the_place_of_another_is_no_loss() -> None:
    """The cash flow of continuing operations, where there are no others, is the cash flow."""
    cash = "NetCashProvidedByUsedInOperatingActivities"
    found = grades_of(
        *(year(n, **MORE) for n in BEFORE),
        changed(year(2020, **MORE), concept=cash, renamed=f"{cash}ContinuingOperations"),
    )
    assert "Q48" not in found[LAST]["rules"]
    assert found[LAST]["grade"] == "A"
