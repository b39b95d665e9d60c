"""Companies out of the ordinary get a sensible grade, or none with its reason."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl
import pytest

from core.domain.quality.grading import Graded, grade
from core.domain.tables.frames import COMPANIES, FACTS, check
from tests.unit.domain.quality.test_quality_odd_inputs import (
    YEAR,
    fact,
    facts,
    graded,
    listed,
    sheet,
)

SHARES = {"unit": "shares"}


def report(scale: float = 1.0, equity: float = 0.4, profit: float = 0.02, **changes: Any) -> list:
    """A whole report that adds up; equity and profit as shares of the assets."""
    whole = 5e9 * scale
    start = changes.pop("period_start", YEAR[0])
    end = changes.get("period_end", YEAR[1])
    flow = {"period_start": start} | changes
    begin = changes | {"period_end": start.replace(day=1) - (YEAR[1] - date(2019, 12, 30))}
    earned = whole * profit
    stocks = {
        "Assets": whole, "LiabilitiesAndStockholdersEquity": whole,
        "Liabilities": whole * (1 - equity), "StockholdersEquity": whole * equity,
        "CashAndCashEquivalentsAtCarryingValue": 3e8,
    }  # fmt: skip
    flows = {
        "Revenues": whole / 2, "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"
        "ExtraordinaryItemsNoncontrollingInterest": earned + 2e7, "IncomeTaxExpenseBenefit": 2e7,
        "NetIncomeLoss": earned, "NetCashProvidedByUsedInOperatingActivities": 9e7,
        "NetCashProvidedByUsedInInvestingActivities": -5e7,
        "NetCashProvidedByUsedInFinancingActivities": -3e7,
        "CashAndCashEquivalentsPeriodIncreaseDecrease": 1e7,
    }  # fmt: skip
    rows = [fact(name, value, **(changes | {"period_end": end})) for name, value in stocks.items()]
    rows += [fact(name, value, **flow) for name, value in flows.items()]
    return [*rows, fact("CashAndCashEquivalentsAtCarryingValue", 2.9e8, **begin)]


def of_sic(rows: list, sic: str) -> Graded:
    """Grades of the rows of a company with a SIC."""
    row = dict.fromkeys(COMPANIES.columns) | {"cik": 1, "name": "Odd Inc", "sic": sic}
    company = pl.DataFrame([row], schema=dict(COMPANIES.columns))
    return grade(facts(*rows), listed("0-20-1", date(2020, 2, 20)), company)


def test_a_bank_is_judged_as_a_bank() -> None:
    """A bank's unclassified sheet with its interest adding up is an A; off by a tenth it is not."""
    interest = {
        "InterestAndDividendIncomeOperating": 4e8, "InterestExpense": 1e8, "Deposits": 2e9,
    }  # fmt: skip

    def bank(net: float) -> dict[str, object]:
        rows = [fact(n, v, period_start=YEAR[0] if n != "Deposits" else None)
                for n, v in interest.items()]  # fmt: skip
        rows.append(fact("InterestIncomeExpenseNet", net, period_start=YEAR[0]))
        return of_sic([*report(), *rows], "6021").scores.row(0, named=True)

    assert (bank(3e8)["style"], bank(3e8)["grade"]) == ("bank", "A")
    assert bank(3.3e8)["major"] == 1


def test_a_bankrupt_company_is_no_error() -> None:
    """Negative equity, liabilities above assets and a great loss cost nothing."""
    result = of_sic(report(equity=-0.6, profit=-0.9), "3711")
    assert result.findings.filter(pl.col("severity").is_in(["critical", "major"])).is_empty()
    assert result.scores["grade"].to_list() == ["A"]


def test_a_restater_keeps_its_grade_and_is_told() -> None:
    """An amendment with other values has its own grade; the first one learns of it as a note."""
    again = {"accession": "0-20-2", "form": "10-K/A", "filed": date(2020, 6, 1)}
    both = facts(*report(), *report(0.9, **again))
    forms = pl.concat(
        [listed("0-20-1", date(2020, 2, 20)), listed("0-20-2", date(2020, 6, 1), "10-K/A")]
    )
    result = grade(both, forms, COMPANIES.empty())
    assert set(result.scores["grade"]) <= {"A", "B"}
    told = result.findings.filter(pl.col("accession") == "0-20-1")
    assert told.select("rule", "severity").rows() == [("Q46", "info")]
    assert "Q47" in result.findings.filter(pl.col("accession") == "0-20-2")["rule"].to_list()


def test_a_changed_fiscal_year_end_costs_nothing() -> None:
    """A transition report of three months is not asked for twelve."""
    short = {"accession": "0-20-2", "form": "10-KT", "filed": date(2020, 5, 8)}
    span = {"period_start": date(2020, 1, 1), "period_end": date(2020, 3, 31)}
    rows = [row | {"fiscal_period": "FY"} for row in report(**short, **span)]
    forms = pl.concat([
        listed("0-20-1", date(2020, 2, 20)),
        listed("0-20-2", date(2020, 5, 8), "10-KT").with_columns(report_date=date(2020, 3, 31)),
    ])  # fmt: skip
    result = grade(facts(*report(), *rows), forms, COMPANIES.empty())
    assert dict(result.scores.select("accession", "grade").rows()) == {"0-20-1": "A", "0-20-2": "A"}


def test_a_shell_with_three_facts_is_not_rated() -> None:
    """Three facts are no financial statements; the reason says so."""
    rows = [
        fact("EntityCommonStockSharesOutstanding", 1e6, taxonomy="dei", **SHARES),
        fact("Assets", 0.0), fact("StockholdersEquity", -12_000.0),
    ]  # fmt: skip
    row = graded(facts(*rows)).scores.row(0, named=True)
    assert (row["grade"], row["score"]) == ("NR", None)
    assert "3 facts" in row["reason"]


def test_an_honest_ifrs_filer_is_an_a() -> None:
    """A 20-F in euros under IFRS is judged by its own names, and found right."""
    shared = {"taxonomy": "ifrs-full", "unit": "EUR", "form": "20-F"}
    flow = shared | {"period_start": YEAR[0]}
    stocks = {"Assets": 5e9, "EquityAndLiabilities": 5e9, "Equity": 2e9, "Liabilities": 3e9}
    flows = {
        "Revenue": 4e9, "ProfitLoss": 1e8, "ProfitLossAttributableToOwnersOfParent": 1e8,
        "CashFlowsFromUsedInOperatingActivities": 9e7,
        "CashFlowsFromUsedInInvestingActivities": -5e7,
        "CashFlowsFromUsedInFinancingActivities": -3e7,
        "IncreaseDecreaseInCashAndCashEquivalents": 1e7,
    }  # fmt: skip
    rows = [fact(name, value, **shared) for name, value in stocks.items()]
    rows += [fact(name, value, **flow) for name, value in flows.items()]
    result = graded(facts(*rows), listed("0-20-1", date(2020, 2, 20), "20-F"))
    assert result.scores["grade"].to_list() == ["A"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, -5e9, 1e-300])
def test_an_absurd_value_never_passes_for_a_right_one(value: float) -> None:
    """Whatever stands for the assets, there is a grade; each of these values costs points."""
    rows = [row | {"value": value} if row["concept"] == "Assets" else row for row in report()]
    frame = check(pl.DataFrame(rows, schema=dict(FACTS.columns)), FACTS)
    row = graded(frame, listed("0-20-1", date(2020, 2, 20))).scores.row(0, named=True)
    assert row["grade"] in {"A", "B", "C", "D", "F", "NR"}
    assert row["score"] is None or 0 <= row["score"] < 100
    assert math.isfinite(value) <= (row["grade"] != "A")  # one that is no number is as none given


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e300, 0.0])
def test_a_filing_of_absurd_values_alone_is_no_exception(value: float) -> None:
    """Every amount the same absurd value: a row with a letter, and a reason where there is none."""
    frame = facts(*[row | {"value": value} for row in sheet()])
    row = graded(frame).scores.row(0, named=True)
    assert row["grade"] != "NR" or row["reason"]


@pytest.mark.parametrize(("scale", "fails"), [(1e-6, True), (1e-9, False)])
def test_balances_too_small_for_the_filer(scale: float, *, fails: bool) -> None:
    """Thousands for a large filer are millions left out; five dollars are a shell's."""
    row = dict.fromkeys(COMPANIES.columns) | {
        "cik": 1, "name": "Odd Inc", "sic": "3711", "category": "Large accelerated filer",
    }  # fmt: skip
    company = pl.DataFrame([row], schema=dict(COMPANIES.columns))
    rows = [one | {"value": one["value"] * scale} for one in report()]
    found = grade(facts(*rows), listed("0-20-1", date(2020, 2, 20)), company)
    assert ("Q32" in found.findings["rule"].to_list()) == fails
    assert found.scores["grade"].item() == ("F" if fails else "A")
