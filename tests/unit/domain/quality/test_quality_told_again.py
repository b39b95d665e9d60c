"""What was told before: by whom, of which day, and of how many shares."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from core.domain.quality.grading import grade
from core.domain.tables.frames import COMPANIES
from tests.unit.domain.quality.reports import MILLION, report, year
from tests.unit.domain.quality.test_quality_odd_inputs import facts, listed

SHELL = {
    "Assets": 31.0, "LiabilitiesAndStockholdersEquity": 31.0, "Revenues": 7.0,
    "Liabilities": 19.0, "StockholdersEquity": 12.0, "NetIncomeLoss": 3.3,
    "CostOfRevenue": 5.0, "GrossProfit": 2.0,
}  # fmt: skip
WEIGHTED = ("WeightedAverageNumberOfSharesOutstandingBasic",
            "WeightedAverageNumberOfDilutedSharesOutstanding")  # fmt: skip
EARNINGS = ("EarningsPerShareBasic", "EarningsPerShareDiluted")


def said(rule: str, *reports: list) -> list[str]:
    """What a rule says of the last report."""
    listing = pl.concat(
        [listed(r[0]["accession"], r[0]["filed"], r[0]["form"]) for r in reports]
    ).with_columns(report_date=pl.Series([r[0]["period_end"] for r in reports]))
    rows = [row for one in reports for row in one]
    found = grade(facts(*rows), listing, COMPANIES.empty()).findings
    last = reports[-1][0]["accession"]
    return found.filter(pl.col("rule") == rule, pl.col("accession") == last)["message"].to_list()


def beside(rows: list, *others: list) -> list:
    """A report that tells of other periods as well, as their own reports would."""
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    return [*rows, *(row | about for other in others for row in other)]


def test_what_a_shell_told_is_no_past_of_any_report_since() -> None:
    """The second report after the merger tells the year of the shell again, as the first did."""
    shell = [year(n, **{k: v * MILLION for k, v in SHELL.items()}) for n in (2018, 2019)]
    merged = beside(year(2020), year(2019))
    changed = {"Revenues": 2500.0, "CostOfRevenue": 1540.0, "InventoryNet": 250.0}
    changed |= {"NetIncomeLoss": 340.0, "Liabilities": 3100.0}
    few = {k: v * MILLION for k, v in changed.items()}
    again = said("Q47", *shell, merged, beside(year(2021), year(2020, **few), year(2019)))
    assert len(again) == len(changed)
    assert all("first reported as" in one and "Equity" not in one for one in again)
    own = said("Q47", *shell, merged, beside(year(2021), year(2020), year(2019, **few)))
    assert any(one.startswith("Revenues is 2,500,000,000, but") for one in own)


def test_a_few_units_of_a_shell_are_no_first_report() -> None:
    """A line of 34 dollars is the shell's, however many others were told anew since."""
    few = {"Revenues": 2500.0, "CostOfRevenue": 1540.0, "Liabilities": 3100.0}
    again = beside(year(2020), year(2019, **{k: v * MILLION for k, v in few.items()}))
    told = said("Q47", year(2018), year(2019, NetIncomeLoss=-34.0), again)
    assert told
    assert not any(one.startswith("NetIncome is") for one in told)


def test_nothing_was_told_of_a_day_to_come() -> None:
    """A sheet dated a year ahead by a slip is no first report of that year's end."""
    slip = [row | {"period_end": date(2020, 12, 31)} if row["period_start"] is None else row
            for row in year(2018, Assets=4000 * MILLION)]  # fmt: skip
    early = [*beside(year(2019), slip)]
    told = said("Q47", year(2018), early, year(2020), beside(year(2021), year(2020)))
    assert told == []
    few = {"Revenues": 2500.0, "CostOfRevenue": 1540.0, "Liabilities": 3100.0, "Assets": 5100.0}
    again = year(2020, **{k: v * MILLION for k, v in few.items()})
    told = said("Q47", year(2018), early, year(2020), beside(year(2021), again))
    assert "Assets is 5,100,000,000, but was first reported as 5,000,000,000." in told


def seasons() -> list[list]:
    """Reports of first, second and third quarters; no fourth one is told."""
    found = []
    for number in range(2009, 2021):
        for month, sales in ((3, 600), (6, 650), (9, 900)):
            end = date(number, month + 1, 1) - timedelta(days=1)
            revenue = (sales + number % 3) * MILLION if number < 2020 else 20 * MILLION
            found.append(report("10-Q", date(number, month - 2, 1), end, month, Revenues=revenue))
    return found[:-2]


def test_an_outlier_is_told_beside_the_year_before() -> None:
    """Not beside the fourth value before, where fourth quarters are not told."""
    told = [one for one in said("Q35", *seasons()) if one.startswith("Revenues")]
    assert [one.split(":")[0] for one in told] == ["Revenues is 20,000,000 after 600,000,000"]


@pytest.mark.parametrize(("counts", "fails"), [(1.25, False), (1.0, True), (1.22, True)])
def test_five_shares_for_four(counts: float, *, fails: bool) -> None:
    """Earnings per share follow the counts; where these stayed, or are not exact, no split did."""
    moved = {**dict.fromkeys(WEIGHTED, 100 * MILLION * counts), **dict.fromkeys(EARNINGS, 2.88)}
    moved |= {"InventoryNet": 290 * MILLION if counts > 1 else 250 * MILLION}
    told = said("Q47", year(2018), year(2019), beside(year(2020), year(2019, **moved)))
    assert bool(told) is fails
