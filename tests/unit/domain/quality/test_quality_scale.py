"""Figures in the wrong scale, and years to date under the dates of a quarter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.service.desk import Desk
from core.service.kernel import commands
from tests.unit.domain.quality.reports import MILLION, SHARES, grades_of, quarters, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact

LAST = "0-20-10"


def test_an_honest_company_is_an_a() -> None:
    """Years that add up fail none of the rules of scale."""
    found = grades_of(*(year(y) for y in range(2016, 2021)))
    assert {one["grade"] for one in found.values()} == {"A"}
    assert not {"Q54", "Q55", "Q56"} & set.union(*(one["rules"] for one in found.values()))


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e-6])
def test_weighted_shares_in_the_wrong_scale_are_a_d(factor: float) -> None:
    """EPS times shares is off by an exact power of ten: critical, whatever came before."""
    wrong = {
        "WeightedAverageNumberOfSharesOutstandingBasic": 100 * MILLION * factor,
        "WeightedAverageNumberOfDilutedSharesOutstanding": 100 * MILLION * factor,
    }
    found = grades_of(year(2019), year(2020, **wrong))["0-20-10"]
    assert "Q54" in found["rules"]
    assert found["grade"] in {"D", "F"}


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_first_filing_in_the_wrong_scale_is_no_a(factor: float) -> None:
    """Every amount is off, EPS and shares are right: no past is needed to see it."""
    rows = [
        row | {"value": row["value"] * (factor if row["unit"] == "USD" else 1)}
        for row in year(2020)
    ]
    found = grades_of(rows)["0-20-10"]
    assert "Q54" in found["rules"]
    assert found["grade"] in {"D", "F"}


@pytest.mark.parametrize(("told", "wrong"), [(-10.0, True), (-0.01, False), (-5.0, True)])
def test_earnings_of_a_cent_in_the_wrong_scale(told: float, wrong: bool) -> None:
    """The cent was rounded, so that the power is not exact: 0.86 over 100 million shares."""
    eps = {"EarningsPerShareBasic": told, "EarningsPerShareDiluted": told}
    found = grades_of(year(2020, NetIncomeLoss=-0.86 * MILLION, **eps))["0-20-10"]
    assert ("Q54" in found["rules"]) is wrong


def test_cash_a_thousandth_though_it_moves_a_lot() -> None:
    """A few times its usual amount either way; and finer than the filing rounds."""
    cash = "CashAndCashEquivalentsAtCarryingValue"
    past = [year(2016 + n, **{cash: v * MILLION}) for n, v in enumerate((155, 1046, 451, 549))]
    assert "Q55" in grades_of(*past, year(2020, **{cash: 183_100}))["0-20-10"]["rules"]
    assert "Q55" not in grades_of(*past, year(2020, **{cash: MILLION}))["0-20-10"]["rules"]


@pytest.mark.parametrize(("factor", "wrong"), [(1e6, True), (1.0, False)])
def test_a_cover_beside_shares_outstanding_of_0(factor: float, wrong: bool) -> None:
    """Before an offering no shares of the class stand in the sheet; the weighted ones tell."""
    cover = {"taxonomy": "dei", "unit": "shares", "accession": LAST, "form": "10-K"}
    days = {"period_end": date(2021, 1, 31), "filed": date(2021, 2, 9), "fiscal_year": 2020}
    count = fact("EntityCommonStockSharesOutstanding", 166 * MILLION * factor, **cover, **days)
    found = grades_of([*year(2020, CommonStockSharesOutstanding=0), count])[LAST]
    assert ("Q31" in found["rules"]) is wrong


def test_percents_of_difference_are_no_matter_of_scale() -> None:
    """Preferred dividends, other classes and rounded EPS stay with rule Q24."""
    found = grades_of(year(2020, EarningsPerShareBasic=2.9, EarningsPerShareDiluted=2.9))
    assert "Q54" not in found["0-20-10"]["rules"]


@pytest.mark.parametrize("concept", ["InventoryNet", "AccountsReceivableNetCurrent"])
def test_one_line_a_thousandth_of_its_past_is_no_a(concept: str) -> None:
    """After four steady years a thousandth, finer than the filing rounds, is doubtful."""
    usual = 290_000 if concept == "InventoryNet" else 340_000
    before = [year(y) for y in range(2016, 2020)]
    found = grades_of(*before, year(2020, **{concept: usual}))["0-20-10"]
    assert "Q55" in found["rules"]
    assert found["grade"] == "C"


WEIGHTED = {
    "WeightedAverageNumberOfSharesOutstandingBasic": 0.1 * MILLION,
    "WeightedAverageNumberOfDilutedSharesOutstanding": 0.1 * MILLION,
}


@pytest.mark.parametrize(
    ("years", "counted", "earned", "grade"),
    [
        (4, None, 0.0, "C"),  # a steady past is enough
        (4, 110 * MILLION, 0.0, "C"),
        (1, 110 * MILLION, 0.0, "C"),  # a single year is, where the sheet confirms it
        (1, None, 0.0, "A"),  # and says nothing without
        (4, 0.11 * MILLION, 0.0, "A"),  # a thousand shares became one
        (4, None, 3600.0, "A"),  # and earn as much
    ],
)
def test_weighted_shares_in_thousands_without_earnings_per_share(
    years: int, counted: float | None, earned: float, grade: str
) -> None:
    """Earnings of nothing a share, or none told, hide the scale from Q54: the past tells it."""
    last = [
        row for row in year(2020, **WEIGHTED, EarningsPerShareBasic=earned)
        if row["concept"] != "EarningsPerShareDiluted"
    ]  # fmt: skip
    if counted:
        about = {k: last[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
        last.append(fact("CommonStockSharesOutstanding", counted, **(about | SHARES)))
    found = grades_of(*(year(2020 - n) for n in range(years, 0, -1)), last)["0-20-10"]
    assert ("Q55" in found["rules"]) == (grade == "C")
    assert found["grade"] == grade


FOLLOWED = {  # no headlines, but an analyst's figures
    "PaymentsToAcquirePropertyPlantAndEquipment": 60 * MILLION,
    "DepreciationDepletionAndAmortization": 45 * MILLION,
    "CommonStockSharesIssued": 120 * MILLION,
}


@pytest.mark.parametrize("factor", [1e-3, 1e3])
@pytest.mark.parametrize("concept", FOLLOWED)
def test_capital_expenditure_depreciation_and_shares_keep_their_scale(
    concept: str, factor: float
) -> None:
    """A thousand more or less than a steady past is told, also of a line that grew by half."""
    usual = FOLLOWED[concept]
    before = [year(n, **{concept: usual}) for n in range(2015, 2020)]
    grown = usual * (1 if concept == "CommonStockSharesIssued" else 1.5)
    honest = grades_of(*before, year(2020, **{concept: grown}))["0-20-10"]
    assert (honest["grade"], honest["rules"] & {"Q34", "Q55"}) == ("A", set())
    found = grades_of(*before, year(2020, **{concept: grown * factor}))["0-20-10"]
    assert found["rules"] & {"Q34", "Q55"} == {"Q34" if factor > 1 else "Q55"}
    assert found["grade"] != "A"


@pytest.mark.parametrize(
    ("past", "now"),
    [(100, 54_119_255), (1_000, 200_000_000), (120_000_000, 6_000_000), (4_000_000, 400_000_000)],
)
def test_shares_of_a_listing_or_a_split_are_no_matter_of_scale(past: float, now: float) -> None:
    """Placeholders of before a listing say nothing; 1:20 and 100:1 are splits."""
    before = [year(n, CommonStockSharesIssued=past) for n in range(2015, 2020)]
    found = grades_of(*before, year(2020, CommonStockSharesIssued=now))["0-20-10"]
    assert not found["rules"] & {"Q34", "Q55"}


@pytest.mark.parametrize(
    "concept", ["SellingGeneralAndAdministrativeExpense", "ResearchAndDevelopmentExpense"]
)
def test_one_line_a_thousand_times_its_past_is_no_a(concept: str) -> None:
    """Upwards as downwards, and though no headline rests on it."""
    before = [year(n, **{concept: 90 * MILLION}) for n in range(2015, 2020)]
    for times, rules in ((1, set()), (1000, {"Q34"})):
        last = year(2020, **{concept: 90 * MILLION * times})
        found = grades_of(*before, last)["0-20-10"]
        assert found["rules"] & {"Q34"} == rules
        assert (found["grade"] == "A") == (times == 1)


def test_a_line_that_shrinks_to_a_few_units_is_its_own() -> None:
    """A warehouse that was sold off leaves a rounded million: no finding."""
    before = [year(y) for y in range(2016, 2020)]
    found = grades_of(*before, year(2020, InventoryNet=1 * MILLION))["0-20-10"]
    assert "Q55" not in found["rules"]


@pytest.mark.parametrize("how", ["alone", "beside"])
def test_nine_months_under_the_dates_of_three_are_no_a(how: str) -> None:
    """With or without the longer period beside it, the year to date is no quarter."""
    found = grades_of(*quarters(mislabelled=how))["0-20-3"]
    assert "Q56" in found["rules"]
    assert found["grade"] not in {"A", "B"}


def test_quarters_that_are_quarters_pass() -> None:
    """An honest year of reports fails nothing of the kind."""
    found = grades_of(*quarters())
    assert not any("Q56" in one["rules"] for one in found.values())


@pytest.mark.parametrize("placeholder", [1, 10, 100, 1000])
def test_placeholder_shares_before_an_offering_say_nothing(placeholder: int) -> None:
    """A shell's hundred shares on the sheet are no contradiction of the cover after the IPO."""
    rows = [row for row in year(2020) if "WeightedAverage" not in row["concept"]]
    about = {k: rows[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
    rows.append(fact("CommonStockSharesOutstanding", placeholder, **(about | SHARES)))
    rows.append(
        fact("EntityCommonStockSharesOutstanding", 54_119_255,
             **(about | SHARES | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}))
    )  # fmt: skip
    assert "Q31" not in grades_of(rows)["0-20-10"]["rules"]
    rows[-2]["value"] = 54_119.0  # but thousands are one
    assert "Q31" in grades_of(rows)["0-20-10"]["rules"]


@pytest.mark.parametrize("count", [0, 12_345])
def test_a_cover_that_nobody_filled_in_says_nothing(count: int) -> None:
    """No shares, or 12,345 of them, is a form's default and contradicts no statement."""
    rows = year(2020)
    about = {k: rows[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
    changes = SHARES | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}
    rows.append(fact("EntityCommonStockSharesOutstanding", count, **(about | changes)))
    assert "Q31" not in grades_of(rows)["0-20-10"]["rules"]


CASES = {  # case: filings that are no A (all others are)
    "honest-filers": set(),
    "compare-proxy-scale": set(),
    "false-alarm-pre-ipo-shares": set(),
    "missed-line-thousandth": {"0009100208-21-000010"},
    "missed-shares-in-thousands": {"0009100104-22-000010"},
    "missed-first-filing-scale": {"0009100120-22-000010", "0009100121-22-000010"},
    "missed-ytd-as-quarter": {"0009100201-20-000023"},
}


def test_the_cases_come_out_right(desk: Desk, cases: Path) -> None:
    """Loaded from their bulk files and graded: what is wrong is no A, and nothing else is."""
    for case in CASES:
        for name in ("submissions.zip", "companyfacts.zip"):
            commands.run(desk, "backfill", {"path": cases / case / name})
    filings = commands.run(desk, "grade", {"all": True}).document["filings"]
    rated = [one for one in filings if one["grade"] != "NR"]
    assert {one["accession"] for one in rated if one["grade"] != "A"} == set.union(*CASES.values())


@pytest.mark.parametrize(("label", "fails"), [("Q3", False), ("Q2", True), ("Q1", True)])
def test_the_label_of_a_quarter_against_its_cash_flow(label: str, *, fails: bool) -> None:
    """Nine months of cash flow are a third quarter's."""
    reports = [[row | {"fiscal_period": f"Q{n}"} for row in r] for n, r in enumerate(quarters(), 1)]
    reports[2] = [row | {"fiscal_period": label} for row in reports[2]]
    assert ("Q51" in grades_of(*reports)["0-20-3"]["rules"]) == fails


@pytest.mark.parametrize("months", [3, 6])
def test_a_value_of_another_length_where_nine_months_stand(months: int) -> None:
    """One line of the nine months has the half-year's value, or the quarter's: a C at best."""
    reports = quarters()
    (nine,) = {row["period_start"] for row in reports[2]} - {None, date(2020, 7, 1)}
    income = [r for r in reports[2] if r["concept"] == "NetIncomeLoss"]
    (value,) = (r["value"] for r in income if r["period_start"] == nine)
    reports[2] = [
        row | {"value": value * months / 9}
        if row["concept"] == "NetIncomeLoss" and row["period_start"] == nine else row
        for row in reports[2]
    ]  # fmt: skip
    found = grades_of(*reports)["0-20-3"]
    assert "Q27" in found["rules"]
    assert found["grade"] in {"C", "D", "F"}


NOTE = {f"Reserve{n}": (4001 + n) * MILLION for n in range(6)}


def retold(factor: float, count: int) -> set[str]:
    """Rules that a report of 2020 fails that tells some of 2019's amounts times a factor."""
    before = year(2019, **NOTE)
    of_2019 = [row for row in before if row["concept"] in NOTE]
    last = year(2020, **NOTE)
    about = {name: last[0][name] for name in ("accession", "filed", "fiscal_year", "form")}
    again = [row | about | {"value": row["value"] * factor} for row in of_2019[:count]]
    return set(grades_of(before, [*last, *again])["0-20-10"]["rules"])


@pytest.mark.parametrize(
    ("factor", "count", "wrong"),
    [(1e-3, 5, True), (1e-3, 4, False), (1.0, 6, False), (1e-2, 6, False)],
)
def test_a_table_of_a_note_told_again_in_thousands_is_doubtful(
    factor: float, count: int, wrong: bool
) -> None:
    """Whatever its concepts are, several thousandths of what was told before are no chance."""
    assert ("Q55" in retold(factor, count)) is wrong
