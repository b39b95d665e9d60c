"""Headlines of small filers that other figures make, but for a sign or a scale."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, graded, listed

START, END, BEFORE = date(2019, 4, 1), date(2019, 12, 31), date(2019, 3, 31)
NET_INCOME, PER_SHARE, SHARES = -753_465.0, {"unit": "USD/shares"}, {"unit": "shares"}
CFO, CFF = (
    "NetCashProvidedByUsedInOperatingActivities",
    "NetCashProvidedByUsedInFinancingActivitiesContinuingOperations",
)
COVER = "EntityCommonStockSharesOutstanding"
CFI, OWED = (
    "NetCashProvidedByUsedInInvestingActivities", "IncreaseDecreaseInAccountsPayable",
)  # fmt: skip
WEIGHTED = "WeightedAverageNumberOfSharesOutstandingBasic"
LINES = {
    "CommonStockValue": 26_827.0, "AdditionalPaidInCapital": 26_827.0,
    "RetainedEarningsAccumulatedDeficit": -10_100 + NET_INCOME,
    "ReceivableFromShareholdersOrAffiliatesForIssuanceOfCapitalStock": 59_070.0,
}  # fmt: skip
EQUITY = 26_827 * 2 - 10_100 + NET_INCOME - 59_070
USUAL = {
    "Assets": 9_067_652.0, "LiabilitiesAndStockholdersEquity": 9_067_652.0,
    "StockholdersEquity": EQUITY, "CashAndCashEquivalentsAtCarryingValue": 83_342.0,
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents": 83_342.0,
    "NetIncomeLoss": NET_INCOME, CFO: -34_798.0, CFF: 118_140.0,
    "CashAndCashEquivalentsPeriodIncreaseDecrease": 83_342.0,
    "EarningsPerShareBasic": -0.03, "EarningsPerShareDiluted": -0.03,
    WEIGHTED: 25_123_456.0, "CommonStockSharesOutstanding": 25_123_456.0, COVER: 25_123_456.0,
    **LINES,
}  # fmt: skip
FLOWS = ("NetIncomeLoss", CFO, CFF, "CashAndCashEquivalentsPeriodIncreaseDecrease", CFI, OWED)


def first(**changes: float | None) -> tuple[str, set[str]]:
    """(letter, rules failed) of the first report of a shell, some of its figures otherwise."""
    rows = []
    for name, value in (USUAL | changes).items():
        if value is None:
            continue
        about: dict[str, Any] = {"period_end": END, "filed": date(2020, 2, 20)}
        if name.startswith(("EarningsPer", "Weighted")) or name in FLOWS:
            about["period_start"] = START
        about |= PER_SHARE if name.startswith("EarningsPer") else {}
        about |= SHARES if name in {WEIGHTED, "CommonStockSharesOutstanding"} else {}
        about |= SHARES | {"taxonomy": "dei"} if name == COVER else {}
        rows.append(fact(name, value, **about))
    told = facts(
        *rows,
        fact("RetainedEarningsAccumulatedDeficit", -10_100.0, period_end=BEFORE),
        # the same line in another currency is no line of this equity
        fact("AdditionalPaidInCapital", 25_000.0, unit="EUR", period_end=END),
    )
    found = graded(told, listed("0-20-1", date(2020, 2, 20), "10-KT"))
    letter = found.scores["grade"][0]
    failed = set(found.findings.filter(pl.col("severity") != "minor")["rule"])
    return letter, failed - {"Q42"}  # a shell has no revenue


def test_the_report_itself_is_honest() -> None:
    """Nothing to find."""
    assert first() == ("A", set())


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("StockholdersEquity", EQUITY * 1e3, "Q34"),
        ("StockholdersEquity", EQUITY / 1e3, "Q34"),
        ("NetIncomeLoss", -NET_INCOME, "Q34"),
        (CFO, -34.798, "Q34"),
        ("CashAndCashEquivalentsAtCarryingValue", 83.342, "Q34"),
        (WEIGHTED, 25_123_456e3, "Q34"),
        (WEIGHTED, 0.0, "Q34"),
        ("EarningsPerShareDiluted", -30.0, "Q34"),
        (COVER, 25_123_456e6, "Q31"),
    ],
)
def test_a_slip_of_one_headline(name: str, value: float, rule: str) -> None:
    """The letter falls: the figure is doubtful by what the rest of the first report tells."""
    letter, rules = first(**{name: value})
    assert rule in rules
    assert letter in {"C", "D", "F"}


@pytest.mark.parametrize("sheet", [25_123_456.0, 6_994_605.0])
def test_weighted_shares_in_thousands_beside_counts_of_classes(sheet: float) -> None:
    """The sheet may leave out what can be redeemed: both are still hundreds of times the value."""
    none = {"EarningsPerShareBasic": None, "EarningsPerShareDiluted": None}
    told = {COVER: 29_640_000.0, "CommonStockSharesOutstanding": sheet}
    assert "Q55" in first(**{WEIGHTED: 13_108.0}, **told, **none)[1]


def test_money_in_parts_of_a_cent_is_a_thousandth() -> None:
    """Cents are honest where a filer tells them; mills are not."""
    alone = {"CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents": 95_744.0}
    letter, rules = first(CashAndCashEquivalentsAtCarryingValue=83.342, **alone)
    assert "Q55" in rules
    assert letter in {"C", "D", "F"}
    assert "Q55" not in first(CashAndCashEquivalentsAtCarryingValue=83_342.57, **alone)[1]


def test_no_weighted_shares_are_few_in_thousands() -> None:
    """Seven of them, though the cover alone counts any."""
    assert "Q34" in first(**{WEIGHTED: 0.0, "CommonStockSharesOutstanding": None})[1]


def test_retained_earnings_of_another_sign_do_not_blame_the_income() -> None:
    """Where the lines do not make the equity, retained earnings may have the wrong sign."""
    swapped = {"RetainedEarningsAccumulatedDeficit": 10_100.0 - 2 * 10_100 - NET_INCOME}
    assert "Q34" not in first(**swapped)[1]


def test_a_dividend_is_no_slip() -> None:
    """Retained earnings that moved otherwise than by the income."""
    lines = {"RetainedEarningsAccumulatedDeficit": -10_100 + 2.5 * NET_INCOME}
    equity = {"StockholdersEquity": EQUITY + 1.5 * NET_INCOME}
    assert first(**lines, **equity) == ("A", set())


@pytest.mark.parametrize("cover", [100_000_000.0, 2e13])
def test_a_cover_of_just_a_million_times_a_placeholder(cover: float) -> None:
    """Or of more shares than anybody has."""
    sheet = {"CommonStockSharesOutstanding": 100.0, WEIGHTED: None}
    assert "Q31" in first(**{COVER: cover}, **sheet)[1]
    assert "Q31" not in first(**{COVER: 101_234_567.0}, **sheet)[1]


@pytest.mark.parametrize(
    ("told", "income"), [(-10.0, -140_000.0), (-0.0056e3, -140_000.0), (-0.0056e-3, -140_000.0)]
)
def test_earnings_per_share_of_a_few_cents_in_another_scale(told: float, income: float) -> None:
    """A cent that half a cent was rounded to, or what is told finer than a cent."""
    figures = {
        "NetIncomeLoss": income, "RetainedEarningsAccumulatedDeficit": -10_100 + income,
        "StockholdersEquity": EQUITY - NET_INCOME + income,
        "EarningsPerShareBasic": told, "EarningsPerShareDiluted": told,
    }  # fmt: skip
    assert "Q54" in first(**figures)[1]


def test_flows_of_a_first_report_under_each_others_names() -> None:
    """What leads from income to operating cash flow makes to the dollar what investments took."""
    trust, earned = -232_286_639.0, NET_INCOME + 599_527
    change = {"CashAndCashEquivalentsPeriodIncreaseDecrease": trust + earned + 233_764_476}
    told = {CFF: 233_764_476.0, OWED: 599_527.0} | change
    letter, rules = first(**{CFO: trust, CFI: earned}, **told)
    assert "Q57" in rules
    assert letter in {"C", "D", "F"}
    assert "Q57" not in first(**{CFO: earned, CFI: trust}, **told)[1]
