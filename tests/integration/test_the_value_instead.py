"""Which value stands where a filing has no line of its own, and of which period it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core.domain.quality.grading import grade
from core.domain.tables.frames import COMPANIES, FILINGS
from core.service.desk import Desk
from core.service.filings import alternatives, quality
from tests.integration.test_the_value import ACCESSION, frame, put, revenue, stated


def test_income_for_common_stands_where_a_filing_tells_no_other() -> None:
    """Viatris, Sysco, Paychex and Booking tell the quarter's income under that tag alone.

    Beside either other one it stands for no period: preferred dividends are taken off.
    """
    before = {"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)}
    common = "NetIncomeLossAvailableToCommonStockholdersBasic"
    rows = [stated("Assets", 9e9, period_start=None), stated(common, 4.0)]

    def taken(*more: dict[str, Any]) -> list[tuple[str, float]]:
        told = grade(frame(*rows, *more), FILINGS.empty(), COMPANIES.empty()).items
        found = told.filter(pl.col("item") == "NetIncome").sort("period_end")
        return found.select("concept", "value").rows()

    assert taken(stated(common, 3.0, **before)) == [(common, 3.0), (common, 4.0)]
    assert taken(stated("ProfitLoss", 5.0)) == [("ProfitLoss", 5.0)]
    assert taken(stated("ProfitLoss", 5.0, **before)) == [("ProfitLoss", 5.0)]
    assert taken(stated("NetIncomeLoss", 2.0, **before)) == [("NetIncomeLoss", 2.0)]


def test_earnings_of_continuing_operations_stand_where_there_are_no_others() -> None:
    """General Dynamics tells no other; beside discontinued operations it is a part of EPS.

    So is income for common holders of net income beside preferred dividends.
    """
    unit = {"unit": "USD/shares"}
    left = stated("IncomeLossFromContinuingOperationsPerDilutedShare", 2.0, **unit)
    common = stated("NetIncomeLossAvailableToCommonStockholdersBasic", 4.0)

    def taken(item: str, *rows: dict[str, Any]) -> list[float]:
        told = grade(frame(*rows), FILINGS.empty(), COMPANIES.empty()).items
        return told.filter(pl.col("item") == item)["value"].to_list()

    sold = "IncomeLossFromDiscontinuedOperationsNetOfTax"
    assert taken("EpsDiluted", left) == [2.0]
    assert taken("EpsDiluted", left, stated(sold, 0.0)) == [2.0]
    assert taken("EpsDiluted", left, stated(sold, 7.0)) == []
    assert taken("EpsDiluted", left, stated("EarningsPerShareDiluted", 3.0, **unit)) == [3.0]
    paid = "PreferredStockDividendsIncomeStatementImpact"
    assert taken("NetIncome", common, stated(paid, 1.0)) == []
    assert taken("NetIncome", common, stated(paid, 0.0)) == [4.0]


def test_the_line_of_a_trade_is_revenue_where_there_is_no_total() -> None:
    """Food and drink are all that Chipotle sold; beside a total they are a part of it."""
    part = stated("FoodAndBeverageRevenue", 3.0)
    assert revenue(part) == ("FoodAndBeverageRevenue", 3.0)
    assert revenue(part, stated("Revenues", 9.0)) == ("Revenues", 9.0)
    year = {"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)}
    assert revenue(part, stated("Revenues", 9.0, **year)) == ("Revenues", 9.0)


MEALS, FEES = "FoodAndBeverageRevenue", "InvestmentAdvisoryManagementAndAdministrativeFees"
COSTS, INCOME = stated("CostsAndExpenses", 2.0), stated("OperatingIncomeLoss", 1.0)
BEFORE = {"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)}


def sales(*rows: dict[str, Any]) -> list[float]:
    """The revenues of all periods of the filing."""
    items = grade(frame(*rows), FILINGS.empty(), COMPANIES.empty()).items
    return items.filter(pl.col("item") == "Revenues").sort("period_end")["value"].to_list()


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ((stated(MEALS, 3.0), COSTS, INCOME), [3.0]),
        ((stated(MEALS, 2.9), COSTS, INCOME), []),  # Marathon's sales without those to affiliates
        ((stated(MEALS, 3.0), stated("GrossProfit", 3.5)), []),  # less than the profit made of it
        ((stated(MEALS, 3.0), stated("FranchiseRevenue", 1.0)), []),  # own total of 4
        ((stated(MEALS, 3.0), stated("FranchiseRevenue", 1.0), COSTS, INCOME), [3.0]),
        ((stated(MEALS, 3.0), stated("SalesRevenueGoodsGross", 1.0),
          stated("OtherSalesRevenueNet", 2.0)), [3.0]),  # Targa: the sum of both
        ((stated(MEALS, 3.0), stated("BusinessAcquisitionsProFormaRevenue", 3.5),
          stated("DeferredRevenueRevenueRecognized", 0.5)), [3.0]),  # no sales of the period
        ((stated(MEALS, 3.0), stated(MEALS, 2.5, **BEFORE), COSTS, INCOME), [2.5, 3.0]),
        ((stated(MEALS, 2.9), stated(MEALS, 2.5, **BEFORE), COSTS, INCOME), []),
        ((stated(FEES, 3.0), stated("OperatingExpenses", 2.0), INCOME), [3.0]),  # T. Rowe Price
        ((stated(FEES, 2.9), stated("OperatingExpenses", 2.0), INCOME), []),
        ((stated(FEES, 3.0),), []),  # nothing proves it
    ],
)  # fmt: skip
def test_a_line_of_the_trade_is_revenue_where_it_proves_to_be_the_whole(
    rows: tuple[dict[str, Any], ...], taken: list[float]
) -> None:
    """Costs and income must add up to it; without them no other line may tell of more sales."""
    assert sales(*rows) == taken


GOODS, COST, PROFIT = "SalesRevenueGoodsNet", stated("CostOfRevenue", 2.0), "GrossProfit"


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ((stated(GOODS, 3.0), COST, stated(PROFIT, 1.1)), []),  # Ralph Lauren, without licences
        ((stated(GOODS, 3.0), COST, stated(PROFIT, 1.0)), [3.0]),
        ((stated(GOODS, 3.0), COST, stated(PROFIT, 0.7)), [3.0]),  # with excise taxes: Brown-Forman
        ((stated(GOODS, 3.0), COST, stated(PROFIT, 1.1), INCOME, COSTS), [3.0]),
        (
            (stated(GOODS, 3.0), stated("CostsAndExpenses", 2.2), INCOME),
            [3.0],
        ),  # with interest: IFF
        ((stated(GOODS, 0.003), COST, stated(PROFIT, 1.1)), [0.003]),  # a slip of scale
        ((stated("Revenues", 3.0), COST, stated(PROFIT, 1.1)), [3.0]),  # to be found by the rules
    ],
)
def test_sales_of_goods_are_no_revenue_where_cost_and_profit_are_more(
    rows: tuple[dict[str, Any], ...], taken: list[float]
) -> None:
    """They are a part of a total under a tag of the filer's own."""
    assert sales(*rows) == taken


def test_the_filing_says_why_no_value_is_taken_for_its_revenue(desk: Desk) -> None:
    """The line told is listed with the reason, and no other value beside it."""
    put(desk, stated(MEALS, 2.9), COSTS, INCOME, stated("Assets", 9e9, period_start=None))
    (row,) = quality.filing(desk, ACCESSION, 7).rejected.to_dicts()
    assert (row["item"], row["value"], row["rejected"]) == ("Revenues", None, MEALS)
    assert (row["rejected_value"], row["reason"]) == (2.9, alternatives.IN_PART)


@pytest.mark.parametrize("listed", [date(2015, 2, 1), None])
def test_a_period_ends_where_its_statements_do(listed: date | None) -> None:
    """No period ends on the day of its report (Gen, 2014-11-07), nor before its own flows."""
    sheets = [date(2013, 12, 31), date(2014, 12, 31)] if listed else [date(2013, 12, 31)]
    names = ("Assets", "Liabilities", "StockholdersEquity")
    rows = [stated(n, 5.0, period_start=None, period_end=day) for n in names for day in sheets]
    rows += [stated("Revenues", 9.0), stated("NetIncomeLoss", 2.0)]
    told = {"cik": 7, "accession": ACCESSION, "form": "10-K", "filed": date(2015, 2, 1)}
    filings = FILINGS.empty()
    if listed:
        row = pl.DataFrame([told | {"report_date": listed}])
        filings = pl.concat([filings, row], how="diagonal_relaxed")
    items = grade(frame(*rows), filings, COMPANIES.empty()).items
    own = items.filter(pl.col("own"), pl.col("item").is_in(["Revenues", "NetIncome"]))
    assert set(own["period_end"]) == {date(2014, 12, 31)}
    assert own.height == 2
