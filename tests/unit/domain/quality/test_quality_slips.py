"""Slips beside a figure that is right: the scale, the tag or the date before is at fault."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.unit.domain.quality.reports import MILLION, changed, grades_of, quarters, report, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact

LAST = "0-20-10"
SHARES = "WeightedAverageNumberOfSharesOutstandingBasic"


def beside(rows: list, told: list) -> list:
    """A report that also tells the year before, as `told` says."""
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    return [*rows, *(row | about for row in told)]


def without(rows: list, *names: str) -> list:
    return [row for row in rows if not row["concept"].startswith(names)]


def counted(number: int, scale: float) -> list:
    """A year whose only figures by the share are the weighted shares, in a scale."""
    rows = without(year(number, **{SHARES: 100 * MILLION * scale}), "EarningsPerShare")
    return without(rows, "WeightedAverageNumberOfDiluted")


def rescaled(*scales: float) -> set[str]:
    """Rules that 2020 fails after years in these scales, when it tells 2019 anew in its own."""
    past = [counted(2020 - len(scales) + n, scale) for n, scale in enumerate(scales)]
    return grades_of(*past, beside(counted(2020, 1), counted(2019, 1)))[LAST]["rules"]


def test_a_scale_that_comes_back_is_no_fault_of_the_report_that_corrects_it() -> None:
    """Two years of millions told as billions, after years and before one in the right scale."""
    assert "Q34" not in rescaled(1, 1, 1e6, 1e6)
    assert "Q34" in rescaled(1e6, 1e6, 1e6, 1e6)


@pytest.mark.parametrize(("scale", "wrong"), [(1.0, False), (1e6, True)])
def test_years_in_a_wrong_scale_beside_quarters_in_the_right_one(
    scale: float, *, wrong: bool
) -> None:
    """The report that tells its year as the quarters were told is right, and those before not."""
    past = []
    for number in range(2017, 2020):
        past.append(counted(number, 1e6))
        for month, day in ((3, 31), (6, 30)):
            end = date(number + 1, month, day)
            quarter = report("10-Q", date(number + 1, month - 2, 1), end, month)
            past.append(changed(quarter, SHARES, scale))
    past = past[:-2]  # of before the last report
    found = grades_of(*past, beside(counted(2020, 1), counted(2019, 1)))[LAST]["rules"]
    assert ("Q34" in found) is wrong


LINES = {f"Line{n}": MILLION for n in range(20)}
PROFITS = ("NetIncomeLoss", "ProfitLoss")


def nine_months(number: int, share: float | None) -> list:
    """A report of nine months with what all owners earned; of the quarter also `share` of it."""
    earned = {"ProfitLoss": 270 * MILLION, **LINES}
    span = report("10-Q", date(number, 1, 1), date(number, 9, 30), 3, **earned)
    rows = without(span, "NetIncomeLoss")
    quarter = [
        row | {"period_start": date(number, 7, 1)} for row in span if row["concept"] in PROFITS
    ]
    parts = {"ProfitLoss": 90 * MILLION, "NetIncomeLoss": 90 * MILLION * (share or 0)}
    told = [row | {"value": parts[row["concept"]]} for row in quarter]
    return [*rows, *(told if share else without(told, "NetIncomeLoss"))]


@pytest.mark.parametrize(("share", "missed"), [(1.0, False), (0.8, True)])
def test_what_stands_for_net_income_is_known_from_the_quarter_alone(
    share: float, missed: bool
) -> None:
    """Of nine months only the profit of all owners is told, of the quarter both."""
    past = [nine_months(n, share) for n in range(2015, 2020)]
    found = grades_of(*past, nine_months(2020, None))["0-20-3"]["rules"]
    assert ("Q48" in found) is missed


def test_a_slip_of_the_year_in_the_report_date_says_nothing_of_the_figures() -> None:
    """What the report tells is its own year's, whatever the list says its date is."""
    past = [year(n, **LINES) for n in range(2015, 2020)]
    slipped = year(2020, **LINES)
    slipped.insert(0, slipped[0] | {"concept": "Goodwill", "period_end": date(2019, 12, 31)})
    graded = grades_of(*past, slipped)[LAST]["rules"]
    assert "Q37" in graded
    assert not graded & {"Q42", "Q48"}


@pytest.mark.parametrize("listed", [date(2020, 6, 30), date(2020, 8, 31)])
def test_a_report_listed_under_the_quarter_before_is_one_of_its_own_quarter(listed: date) -> None:
    """Or under the month (Oracle 10-Q of March 2014): its sheet and flows agree on their day."""
    ends = [date(2019, 3, 31), date(2019, 6, 30), date(2019, 9, 30), date(2020, 3, 31)]
    ends += [date(2020, 6, 30), date(2020, 9, 30)]
    told = [
        report("10-Q", (end - timedelta(days=80)).replace(day=1), end, end.month // 3, **LINES)
        for end in ends
    ]
    told[-1].insert(0, told[-1][0] | {"concept": "Goodwill", "period_end": listed})
    graded = grades_of(*told)["0-20-3"]["rules"]
    assert "Q37" in graded
    assert not graded & {"Q42", "Q48"}


@pytest.mark.parametrize(("sold", "missed"), [(None, False), (5 * MILLION, True)])
def test_earnings_of_what_is_continued_are_all_where_nothing_is_sold(
    sold: float | None, *, missed: bool
) -> None:
    """A filer tells its earnings per share under the name of the continuing ones from now on."""
    parts = {"IncomeLossFromDiscontinuedOperationsNetOfTax": sold} if sold else {}
    last = year(2020, **LINES, **parts)
    for kind in ("Basic", "Diluted"):
        name = f"IncomeLossFromContinuingOperationsPer{kind}Share"
        last = changed(last, f"EarningsPerShare{kind}", renamed=name)
    found = grades_of(*(year(n, **LINES) for n in range(2015, 2020)), last)[LAST]["rules"]
    assert ("Q48" in found) is missed


def with_fourth(profit: float) -> list:
    """The annual report of 2020 with its fourth quarter beside it, whose profit is given."""
    rows = year(2020)
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "fiscal_period", "form")}
    fourth = report("10-Q", date(2020, 10, 1), date(2020, 12, 31), 4, NetIncomeLoss=profit)
    return [*rows, *(row | about for row in fourth if row["period_start"])]


@pytest.mark.parametrize("times", [1000.0, 0.001, -1.0, 1e6])
def test_a_slip_of_the_fourth_quarter_is_found_where_the_year_is_right(times: float) -> None:
    """Nine months were told before; a quarter a thousand times too large made them look small."""
    before = [year(n) for n in range(2016, 2020)] + quarters()
    right = grades_of(*before, with_fourth(90 * MILLION))[LAST]
    assert right["grade"] == "A"
    found = grades_of(*before, with_fourth(90 * MILLION * times))[LAST]
    assert found["grade"] in {"C", "D"}
    assert "Q27" in found["rules"]


@pytest.mark.parametrize(
    ("cover", "sheet", "wrong"),
    [
        (100 * MILLION, 99 * MILLION, True),
        (100 * MILLION, 0.1 * MILLION, False),  # they are not of one size
        (100 * MILLION, None, False),
        (300 * MILLION, 320 * MILLION, False),  # no thousandth
    ],
)
def test_a_first_report_counts_its_weighted_shares_as_its_cover_and_sheet_do(
    cover: float, sheet: float | None, *, wrong: bool
) -> None:
    """No past tells their scale, and nothing is earned by the share."""
    rows = counted(2020, 0.001)
    days = {"accession": rows[0]["accession"], "filed": rows[0]["filed"], "form": "10-K"}
    shares = {"unit": "shares", "period_start": None} | days
    on_cover = shares | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}
    rows.append(fact("EntityCommonStockSharesOutstanding", cover, **on_cover))
    if sheet:
        on = date(2020, 12, 31)
        rows.append(fact("CommonStockSharesOutstanding", sheet, **shares, period_end=on))
    found = grades_of(rows)[LAST]
    assert ("Q55" in found["rules"]) is wrong
    if wrong:
        assert found["grade"] in {"C", "D"}
