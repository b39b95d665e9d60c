"""Figures that are all but one, figures off by a sign or a scale, and what may not excuse them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.domain.quality.reports import MILLION, grades_of, year

LAST = "0-20-10"
CFO, CFI, CFF = (
    f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Investing", "Financing")
)
CHANGE = "CashAndCashEquivalentsPeriodIncreaseDecrease"


def last(before: dict[str, float] | None = None, **figures: float) -> dict[str, Any]:
    """The grade of a report after five of the same company."""
    past = [year(n, **(before or {})) for n in range(2015, 2020)]
    return grades_of(*past, year(2020, **figures))[LAST]


@pytest.mark.parametrize(
    "figures",
    [
        {"EarningsPerShareDiluted": -3.6},
        {f"{CFO}ContinuingOperations": -600 * MILLION},
        {"ProfitLoss": -360 * MILLION},
        {"ProfitLoss": 0.36 * MILLION},
        {"NetIncomeLossAvailableToCommonStockholdersBasic": 360e9},
    ],
)
def test_one_of_two_twins_with_another_sign_or_scale(figures: dict[str, float]) -> None:
    """A headline is doubtful: one of the two is wrong."""
    found = last(**figures)
    assert "Q34" in found["rules"]
    assert found["grade"] in {"C", "D", "F"}


@pytest.mark.parametrize(
    "figures",
    [
        {"ProfitLoss": -360 * MILLION,
         "NetIncomeLossAttributableToNoncontrollingInterest": -720 * MILLION},
        {f"{CFO}ContinuingOperations": -600 * MILLION,
         "CashProvidedByUsedInOperatingActivitiesDiscontinuedOperations": 1200 * MILLION},
    ],
)  # fmt: skip
def test_a_difference_that_is_told_is_no_slip(figures: dict[str, float]) -> None:
    """Others bear twice the loss; what was sold brought twice the cash."""
    found = last(**figures)
    assert "Q34" not in found["rules"]


def test_earnings_per_share_against_the_only_profit_told() -> None:
    """Of all owners, whom the shares fit: no other profit is told that it could be."""
    wrong = year(2020, EarningsPerShareBasic=-3.6, EarningsPerShareDiluted=-3.6)
    own = [row | {"concept": "ProfitLoss"} if row["concept"] == "NetIncomeLoss" else row
           for row in wrong]  # fmt: skip
    past = [year(n) for n in range(2015, 2020)]
    assert "Q34" in grades_of(*past, own)[LAST]["rules"]


@pytest.mark.parametrize(("raised", "caught"), [(-360, True), (3900, False)])
def test_equity_turned_with_nothing_that_moved_it(raised: float, caught: bool) -> None:
    """Of about the old size: only owners or lenders could have taken twice of it."""
    rows = year(2020, StockholdersEquity=-2200 * MILLION, **{CFF: raised * MILLION})
    told = [row for row in rows if row["concept"] != "Liabilities"]
    past = [year(n) for n in range(2015, 2020)]
    assert ("Q34" in grades_of(*past, told)[LAST]["rules"]) == caught


SELLING = {"DisposalGroupIncludingDiscontinuedOperationCashAndCashEquivalents": 250 * MILLION}


@pytest.mark.parametrize(("operating", "caught"), [(-100, True), (-50, False), (0.1, True)])
def test_parts_for_sale_do_not_excuse_a_turned_sign(operating: float, caught: bool) -> None:
    """Their cash may make any difference, but hardly just twice, or 999 thousandths of, a flow."""
    flows = {CFI: -500 * MILLION, CFF: 900 * MILLION, CHANGE: 500 * MILLION}
    right = {CFO: 100 * MILLION, **flows, **SELLING}
    found = last(right, **{CFO: operating * MILLION, **flows, **SELLING})
    assert ("Q10" in found["rules"]) == caught


@pytest.mark.parametrize(("equity", "caught"), [(0.2, True), (-200, True), (140, False)])
def test_a_line_of_the_filers_own_does_not_explain_a_slip(equity: float, caught: bool) -> None:
    """Liabilities and equity may be more than told by a tenth: not by just 999 times equity."""
    right = {"StockholdersEquity": 200 * MILLION, "Liabilities": 4800 * MILLION}
    found = last(right, StockholdersEquity=equity * MILLION, Liabilities=4800 * MILLION)
    assert ("Q02" in found["rules"]) == caught


PENNY = {
    "NetIncomeLoss": -0.74 * MILLION,
    "WeightedAverageNumberOfSharesOutstandingBasic": 57.1 * MILLION,
    "WeightedAverageNumberOfDilutedSharesOutstanding": 57.1 * MILLION,
}


@pytest.mark.parametrize(
    ("eps", "more", "wrong"),
    [
        (0.01, {}, {"Q34"}),
        (-0.01, {}, set()),
        (0.01, {"PreferredStockDividendsAndOtherAdjustments": 1.3 * MILLION}, set()),
        (-0.00001, {}, {"Q54"}),
        (-0.00005, {}, set()),  # no thousandth of 0.013
    ],
)
def test_cents_of_a_shell_with_another_sign_or_scale(
    eps: float, more: dict[str, float], wrong: set[str]
) -> None:
    """A loss of 1.3 cents a share: rounding hides no sign, and no cent is told as 0.00001."""
    figures = PENNY | {"EarningsPerShareBasic": eps, "EarningsPerShareDiluted": eps} | more
    assert last(**figures)["rules"] & {"Q34", "Q54"} == wrong


def two_flows(number: int, **figures: float) -> list:
    """A report of who invests nothing: operations took 344 million, 364 were borrowed."""
    told = {CFO: -344 * MILLION, CFF: 364 * MILLION, CHANGE: 20 * MILLION} | figures
    return [row for row in year(number, **told) if row["concept"] != CFI]


@pytest.mark.parametrize(
    ("figures", "wrong"),
    [
        ({}, False),
        ({CFO: 344 * MILLION}, True),
        ({CFO: -0.344 * MILLION}, True),
        ({CFF: -364 * MILLION}, True),
        ({CFO: -244 * MILLION}, False),  # a flow that is not told
    ],
)
def test_each_of_two_flows_is_what_the_other_leaves(figures: dict[str, float], wrong: bool) -> None:
    """Without a third one its sign and scale are known; another difference may be a third flow."""
    past = [two_flows(n) for n in range(2015, 2020)]
    found = grades_of(*past, two_flows(2020, **figures))[LAST]["rules"]
    assert ("Q34" in found) is wrong
