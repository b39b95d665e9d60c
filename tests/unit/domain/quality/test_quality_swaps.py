"""Lines and columns that are exchanged, and those that only look like it."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.domain.quality.reports import MILLION, grades_of, year

LAST = "0-20-10"
CFO, CFI = (f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Investing"))
CURRENT = {"AssetsCurrent": 1500 * MILLION, "AssetsNoncurrent": 3500 * MILLION}


def rules(*reports: list) -> set[str]:
    """The rules that the last report fails."""
    return set(grades_of(*reports)[LAST]["rules"])


def test_operating_and_investing_cash_flow_exchanged() -> None:
    """Each has the sign and size that the other always had, against what the year earned."""
    before = [year(n) for n in range(2015, 2020)]
    wrong = year(2020, **{CFO: -240 * MILLION, CFI: 600 * MILLION})
    found = grades_of(*before, wrong)[LAST]
    assert "Q57" in found["rules"]
    assert found["grade"] in {"C", "D"}


def test_a_bad_year_that_sells_its_investments_is_no_exchange() -> None:
    """Both turn their signs, but a loss says why."""
    before = [year(n) for n in range(2015, 2020)]
    bad = year(2020, **{CFO: -240 * MILLION, CFI: 600 * MILLION, "NetIncomeLoss": -400 * MILLION})
    assert "Q57" not in rules(*before, bad)


@pytest.mark.parametrize("size", [1.0, 1.06])
def test_current_and_noncurrent_assets_exchanged(size: float) -> None:
    """Each near the other's last balance, and far from its own."""
    before = [year(n, **CURRENT) for n in range(2015, 2020)]
    wrong = {"AssetsCurrent": 3500 * MILLION * size, "AssetsNoncurrent": 1500 * MILLION * size}
    assert "Q57" in rules(*before, year(2020, **wrong))


def test_debt_that_falls_due_is_no_exchange() -> None:
    """Current liabilities grow by what leaves the noncurrent ones."""
    before = {"LiabilitiesCurrent": 1000 * MILLION, "LiabilitiesNoncurrent": 2000 * MILLION}
    due = {"LiabilitiesCurrent": 1700 * MILLION, "LiabilitiesNoncurrent": 1300 * MILLION}
    assert "Q57" not in rules(*(year(n, **before) for n in range(2015, 2020)), year(2020, **due))


def grown(number: int) -> dict[str, float]:
    """Figures that grow by a tenth a year."""
    size = 1.1 ** (number - 2015)
    names = ("Revenues", "CostOfRevenue", "GrossProfit", "NetIncomeLoss", CFO, CFI)
    return {
        name: round(value * size) * MILLION
        for name, value in zip(names, (2400, 1440, 960, 360, 600, -240), strict=True)
    }


def with_comparative(number: int, own: int, other: int) -> list:
    """A report with the figures of some year, and those of another for the year before."""
    rows = year(number, **grown(own))
    flows = [row for row in year(number - 1, **grown(other)) if row["period_start"]]
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    return [*rows, *(row | about for row in flows if row["unit"] == "USD")]


def test_columns_of_two_years_exchanged() -> None:
    """The year has what was told of the year before, which has another value now."""
    before = [with_comparative(n, n, n - 1) for n in range(2016, 2020)]
    assert "Q58" in rules(*before, with_comparative(2020, 2019, 2020))
    assert "Q58" not in rules(*before, with_comparative(2020, 2020, 2019))


def test_a_year_like_the_one_before_is_no_exchange() -> None:
    """Where nothing grew, nothing is told anew."""
    assert date(2020, 12, 31) == year(2020)[0]["period_end"]
    before = [with_comparative(n, 2015, 2015) for n in range(2016, 2020)]
    assert "Q58" not in rules(*before, with_comparative(2020, 2015, 2015))
