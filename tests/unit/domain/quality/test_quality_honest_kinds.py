"""Honest reports of the corpus that were C or D: seasons, sales, recasts, funds, preferred."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from core.domain.quality.grading import grade
from core.domain.tables.frames import COMPANIES
from tests.unit.domain.quality.reports import MILLION, grades_of, report, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, listed

LAST = "0-20-10"
CFO, CFI = (f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Investing"))
DEBT_DUE = "LongTermDebtAndCapitalLeaseObligationsCurrent"


def failed(*reports: list, accession: str = LAST) -> set[str]:
    """The rules that a report fails, the last one of the year 2020 unless said."""
    return set(grades_of(*reports)[accession]["rules"])


def stated(rows: list, concept: str, value: float, **other: object) -> list:
    """A report with one fact more, of its own period (a balance where it has no start)."""
    flow = next(r for r in rows if r["concept"] == "NetIncomeLoss")
    return [*rows, flow | {"concept": concept, "value": value * MILLION, **other}]


def balances(current: float, noncurrent: float) -> dict[str, float]:
    return {"LiabilitiesCurrent": current * MILLION, "LiabilitiesNoncurrent": noncurrent * MILLION}


def seasons(last: tuple[float, float]) -> list[list]:
    """Years that end with much current, which melts away in their course."""
    found = []
    for n in range(2016, 2021):
        for month, sizes in ((4, (1500, 1500)), (7, (1000, 2000))):
            end = date(n, month + 3, 1) - timedelta(days=1)
            found.append(report("10-Q", date(n, month, 1), end, month, **balances(*sizes)))
        found.append(year(n, **balances(*((2000, 1000) if n < 2020 else last))))
    return found


def test_a_season_is_no_exchange_of_lines() -> None:
    """What customers pay for a year comes in at once: the year before ended the same way."""
    assert "Q57" not in failed(*seasons((2050, 1020)))
    usual = [year(n, **balances(1000, 2000)) for n in range(2015, 2020)]
    assert "Q57" in failed(*usual, year(2020, **balances(2010, 1000)))


def test_debt_that_falls_due_under_any_name_is_no_exchange_of_lines() -> None:
    """It makes most of what the current liabilities grew by."""
    usual = [year(n, **balances(1000, 2000)) for n in range(2015, 2020)]
    last = year(2020, **balances(2010, 1000))
    assert "Q57" in failed(*usual, stated(last, DEBT_DUE, 300, period_start=None))
    assert "Q57" not in failed(*usual, stated(last, DEBT_DUE, 900, period_start=None))


def test_the_sale_of_a_business_explains_an_inflow_from_investments() -> None:
    """Operations that took cash in the same year are no exchange with it."""
    usual = [year(n) for n in range(2015, 2020)]
    last = year(2020, **{CFO: -240 * MILLION, CFI: 600 * MILLION})
    sold = "ProceedsFromDivestitureOfBusinesses"
    assert "Q57" in failed(*usual, stated(last, sold, 100))
    assert "Q57" not in failed(*usual, stated(last, sold, 800))


def test_a_list_that_dates_a_report_by_its_filing_says_nothing_of_the_sheet() -> None:
    """A month off is another thing."""
    rows = year(2020)
    filed = rows[0]["filed"]
    for dated, wrong in ((filed, False), (date(2020, 11, 30), True), (date(2020, 12, 31), False)):
        listing = listed(LAST, filed, "10-K").with_columns(report_date=pl.lit(dated))
        found = grade(facts(*rows), listing, COMPANIES.empty()).findings["rule"].to_list()
        assert ("Q37" in found) is wrong


@pytest.mark.parametrize(("sic", "wrong"), [("6282", False), ("6799", False), ("3571", True)])
def test_losses_of_what_a_fund_holds_are_its_revenue(sic: str, wrong: bool) -> None:
    """Below zero where the loss is a part of it, and less in a year than in a quarter of it."""
    rows = year(2020, Revenues=-3000 * MILLION, NetIncomeLoss=-1000 * MILLION)
    last = report("10-Q", date(2020, 10, 1), date(2020, 12, 31), 10)
    quarter = next(r for r in last if r["concept"] == "Revenues")
    year_more = [r | {"value": 300 * MILLION} if r["concept"] == "Revenues" else r for r in rows]
    about = {name: rows[0][name] for name in ("accession", "filed", "form")}
    longer = [*year_more, quarter | about | {"value": 600 * MILLION}]
    company = pl.DataFrame(
        [{**dict.fromkeys(COMPANIES.columns), "cik": rows[0]["cik"], "sic": sic}],
        schema=dict(COMPANIES.columns),
    )
    listing = listed(LAST, rows[0]["filed"], "10-K")
    for case, rule in ((rows, "Q29"), (longer, "Q28")):
        found = grade(facts(*case), listing, company).findings["rule"].to_list()
        assert (rule in found) is wrong


def test_preferred_dividends_of_the_year_turn_a_quarters_earnings_per_share() -> None:
    """A profit of 20 million, less a dividend that the quarter's table leaves out."""
    rows = year(2020)
    quarter = report(
        "10-Q", date(2020, 1, 1), date(2020, 3, 31), 10,
        NetIncomeLoss=20 * MILLION, EarningsPerShareBasic=-0.2, EarningsPerShareDiluted=-0.2,
    )  # fmt: skip
    about = {name: rows[0][name] for name in ("accession", "filed", "form")}
    table = [r | about for r in quarter if r["concept"].startswith(("NetIncome", "Earnings"))]
    table += [r | about for r in quarter if r["concept"].startswith("WeightedAverage")]
    told = [*rows, *table]
    preferred = "PreferredStockDividendsIncomeStatementImpact"
    assert "Q34" in failed(*(year(n) for n in (2018, 2019)), told)
    assert "Q34" in failed(*(year(n) for n in (2018, 2019)), stated(told, preferred, 1))
    assert "Q34" not in failed(*(year(n) for n in (2018, 2019)), stated(told, preferred, 152))


def test_a_year_that_is_recast_comes_with_its_quarters() -> None:
    """The nine months of before are no part of it; a year unlike its quarters is wrong."""
    nine = report("10-Q", date(2020, 1, 1), date(2020, 9, 30), 9)
    rows = year(2020, NetIncomeLoss=400 * MILLION)
    ends = [date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30), date(2020, 12, 31)]
    flow = next(r for r in rows if r["concept"] == "NetIncomeLoss")

    def with_quarters(*values: float) -> list:
        starts = [date(2020, 1, 1), *(end + timedelta(days=1) for end in ends[:-1])]
        parts = zip(starts, ends, values, strict=True)
        return [*rows, *(flow | {"period_start": s, "period_end": e, "value": v * MILLION}
                         for s, e, v in parts)]  # fmt: skip

    assert "Q27" in failed(nine, with_quarters(90, 90, 90, 90))
    assert "Q27" not in failed(nine, with_quarters(110, 110, 110, 70))


def test_shares_of_founders_say_nothing_of_the_scale() -> None:
    """Seven shares before a merger; five hundred are millions of an old hand."""
    for count, wrong in ((7.0, False), (505.0, True)):
        rows = [r for r in year(2020) if not r["concept"].startswith(("Weighted", "Earnings"))]
        about = {k: rows[0][k] for k in ("accession", "filed", "form", "fiscal_year")}
        shares = {"unit": "shares", "period_end": date(2020, 12, 31), **about}
        rows.append(fact("CommonStockSharesOutstanding", count, **shares))
        rows.append(
            fact("EntityCommonStockSharesOutstanding", 505 * MILLION, taxonomy="dei", **shares)
        )
        assert ("Q31" in failed(rows)) is wrong


def test_a_table_of_quarters_may_leave_out_what_others_own() -> None:
    """A loss of the parent beside a profit of all owners: the share of others is told elsewhere."""
    rows = year(2020)
    flow = next(r for r in rows if r["concept"] == "NetIncomeLoss")
    quarter = {"period_start": date(2020, 1, 1), "period_end": date(2020, 3, 31)}
    table = [flow | quarter | {"value": -75 * MILLION}]
    table.append(flow | quarter | {"concept": "ProfitLoss", "value": 94 * MILLION})
    others = "NetIncomeLossAttributableToNoncontrollingInterest"
    assert "Q34" in failed([*rows, *table])
    assert "Q34" not in failed(stated([*rows, *table], others, 40))


@pytest.mark.parametrize("tag", ["CostOfGoodsSold", "CostOfRevenue"])
def test_another_tag_is_another_line_and_no_restatement(tag: str) -> None:
    """Cost of the goods alone beside the cost of all revenue; under the same tag it is retold."""
    rows = year(2020)
    about = {k: rows[0][k] for k in ("accession", "filed", "form", "fiscal_year")}
    sizes = {"Revenues": 2500, "NetIncomeLoss": 300, CFO: 500, "CostOfRevenue": 900}
    again = [r | about | {"value": sizes[r["concept"]] * MILLION} for r in year(2019)
             if r["concept"] in sizes]  # fmt: skip
    again = [r | {"concept": tag} if r["concept"] == "CostOfRevenue" else r for r in again]
    given = [row for one in (year(2018), year(2019), [*rows, *again]) for row in one]
    listing = [listed(r["accession"], r["filed"]) for r in (year(2018)[0], year(2019)[0], rows[0])]
    found = grade(facts(*given), pl.concat(listing), COMPANIES.empty()).findings
    retold = found.filter(pl.col("rule") == "Q47", pl.col("accession") == LAST)["message"]
    assert retold.str.starts_with("NetIncome is").any()
    assert retold.str.starts_with("CostOfRevenue is").any() is (tag == "CostOfRevenue")


def split(*, anew: bool) -> list[list]:
    """Quarters of ten years, and one after a split in ten whose report tells the year before."""
    names = [f"WeightedAverageNumberOf{n}" for n in (
        "SharesOutstandingBasic", "DilutedSharesOutstanding")]  # fmt: skip
    ends = [
        date(n, m, d) for n in range(2009, 2020) for m, d in ((3, 31), (6, 30), (9, 30), (12, 31))
    ]

    def told(end: date, place: int, factor: float) -> list:
        count = factor * (100 + place % 3) * MILLION
        return report(
            "10-Q", end - timedelta(days=90), end, end.month, **dict.fromkeys(names, count)
        )

    before = [told(end, place, 1) for place, end in enumerate(ends)]
    last = told(date(2020, 3, 31), len(ends), 10)
    year_ago = told(date(2019, 3, 31), 40, 10 if anew else 1)
    own = {name: last[0][name] for name in ("accession", "filed", "fiscal_year", "fiscal_period")}
    return [*before, [*last, *(row | own for row in year_ago if row["concept"] in names)]]


def test_a_split_is_no_outlier_where_the_year_before_is_told_anew() -> None:
    """Ten shares for one: the report says what the year before would have been."""
    assert "Q35" in failed(*split(anew=False), accession="0-20-3")
    assert "Q35" not in failed(*split(anew=True), accession="0-20-3")
