"""Honest reports that alarms were false on: several lines between, a charge, funds, redeemable."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.domain.quality.reports import MILLION, year
from tests.unit.domain.quality.test_quality_false_alarms import CHANGE, two, with_cash_before
from tests.unit.domain.quality.test_quality_honest_kinds import failed, stated

BEFORE = range(2016, 2020)
PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
LINES = {
    "InterestAndOtherIncome": 20, "ForeignCurrencyTransactionGainLossBeforeTax": 31,
    "IncomeLossFromEquityMethodInvestments": 6, "InterestExpense": 12,
}  # fmt: skip


def earned(number: int, pretax: float, **lines: float) -> list:
    """A year whose income before tax is revenue less all costs, with lines of its own beside."""
    rows = year(number, **{"CostsAndExpenses": 1900 * MILLION, PRETAX: pretax * MILLION})
    for name, value in lines.items():
        rows = stated(rows, name, value)
    return rows


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [(LINES, False), (LINES | {"InterestExpense": 30}, True), ({}, True),
     ({"InterestAndOtherIncome": 14, "IncomeTaxExpenseBenefit": 31}, True)],
)  # fmt: skip
def test_lines_below_the_costs_together_make_the_difference(
    lines: dict[str, float], wrong: bool
) -> None:
    """20 and 31 and 6 less 12 of interest are 45: income is 545 where revenue less costs is 500."""
    usual = [earned(n, 500) for n in BEFORE]
    assert ("Q19" in failed(*usual, earned(2020, 545, **lines))) is wrong


def test_many_lines_make_up_for_anything() -> None:
    """So they make up for nothing."""
    usual = [earned(n, 500) for n in BEFORE]
    many = {f"GainLossOnSaleOf{name}": 2**n for n, name in enumerate("ABCDEFGHIJK")}
    assert "Q19" in failed(*usual, earned(2020, 545, **many))


def test_a_charge_between_cost_and_gross_profit_is_that_line() -> None:
    """A plant that was closed stands between them; a gain on currencies does not."""
    usual = [year(n) for n in BEFORE]
    last = year(2020, GrossProfit=931 * MILLION)
    assert "Q17" in failed(*usual, last)
    assert "Q17" in failed(*usual, stated(last, "ForeignCurrencyTransactionGainLossBeforeTax", 29))
    assert "Q17" not in failed(*usual, stated(last, "AssetImpairmentCharges", 29))


FUNDS = "VariableInterestEntityConsolidatedCarryingAmountAssets"


@pytest.mark.parametrize(
    ("ending", "held", "wrong"),
    [(430, 900, False), (430, 10, True), (250, 900, True), (430, None, True)],
)
def test_funds_that_are_consolidated_hold_cash_of_their_own(
    ending: float, held: float | None, wrong: bool
) -> None:
    """As much as they are told to hold, and no more than a small part of all cash."""
    less = {"CashAndCashEquivalentsAtCarryingValue": ending, CHANGE: 0}
    told = less if held is None else less | {FUNDS: held}
    found = failed(*(with_cash_before(rows) for rows in two(**told)))
    assert ("Q16" in found) is wrong


def test_redeemable_shares_have_a_part_of_comprehensive_income() -> None:
    """50 of 350: 290 are the parent's, 10 those of others, and 50 of redeemable shares."""
    parts = {
        "ComprehensiveIncomeNetOfTaxIncludingPortionAttributableToNoncontrollingInterest": 350,
        "ComprehensiveIncomeNetOfTax": 290,
        "ComprehensiveIncomeNetOfTaxAttributableToNoncontrollingInterest": 10,
    }
    rows = year(2020, **{name: value * MILLION for name, value in parts.items()})
    usual = []
    for n in BEFORE:
        whole = {name: (300 if "Including" in name else value) for name, value in parts.items()}
        usual.append(year(n, **{name: value * MILLION for name, value in whole.items()}))
    redeemable = "NetIncomeLossAttributableToRedeemableNoncontrollingInterest"
    assert "Q08" in failed(*usual, rows)
    assert "Q08" in failed(*usual, stated(rows, redeemable, 30))
    assert "Q08" not in failed(*usual, stated(rows, redeemable, 50))


@pytest.mark.parametrize(
    ("deposits", "funds", "whole", "wrong"),
    [
        ((5043, 4093), (541, 477), None, False),  # 950 and 64 less: 1,014 of the change
        ((5043, 4093), None, None, True),
        (None, (1491, 477), None, False),
        (None, None, (8685, 7499), False),
        ((5043, 4100), (541, 477), None, True),
        (None, None, (8685, 7600), True),
    ],
)
def test_a_banks_cash_flow_is_of_its_deposits_and_funds_sold_too(deposits, funds, whole, wrong):
    """Its balance sheet tells cash and due from banks; its cash flow the change of all of it."""
    names = {
        "InterestBearingDepositsInBanks": deposits,
        "FederalFundsSoldAndSecuritiesPurchasedUnderAgreementsToResell": funds,
        "CashCashEquivalentsAndFederalFundsSold": whole,
    }
    *before, last = (with_cash_before(rows) for rows in two(**{CHANGE: -1186}))
    assert ("Q16" in failed(*before, as_bank(last, names))) is wrong


def as_bank(rows, names):
    """A year's report with cash and due from banks, and other parts, at both of its ends."""
    cash = next(r for r in rows if r["concept"] == "CashAndCashEquivalentsAtCarryingValue")
    ends = date(cash["period_end"].year - 1, 12, 31), cash["period_end"]
    values = {"CashAndDueFromBanks": (3100, 2929)} | {n: v for n, v in names.items() if v}
    told = [
        cash | {"concept": name, "period_end": end, "value": value * MILLION}
        for name, both in values.items()
        for end, value in zip(ends, both, strict=True)
    ]
    return [r for r in rows if r["concept"] != cash["concept"]] + told
