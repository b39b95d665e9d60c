"""Whole reports of a made-up company that add up, and their grades."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from core.domain.quality.grading import Graded, grade
from core.domain.tables.frames import COMPANIES
from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, listed

SHARES, PER_SHARE = {"unit": "shares"}, {"unit": "USD/shares"}
COUNTS = ("CommonStockSharesIssued", "CommonStockSharesOutstanding")
MILLION = 1e6
BALANCES = (
    "AssetsCurrent", "AssetsNoncurrent", "LiabilitiesCurrent", "LiabilitiesNoncurrent",
    "AssetsHeldForSaleNotPartOfDisposalGroup", "PropertyPlantAndEquipmentNet",
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents",
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
    "IncludingDisposalGroupAndDiscontinuedOperations",
    "DisposalGroupIncludingDiscontinuedOperationCashAndCashEquivalents",
)  # fmt: skip


def report(form: str, start: date, end: date, number: int, **figures: float) -> list:
    """A report of a period that adds up, in millions; `figures` replace some, by concept."""
    months = round((end - start).days / 30.4)
    size = months / 12
    about = {
        "form": form, "accession": f"0-{end:%y}-{number}", "filed": end + timedelta(days=40),
        "fiscal_year": end.year, "fiscal_period": "FY" if months == 12 else f"Q{months // 3}",
        "period_end": end,
    }  # fmt: skip
    stocks = {
        "Assets": 5000, "LiabilitiesAndStockholdersEquity": 5000, "Liabilities": 3000,
        "StockholdersEquity": 2000, "InventoryNet": 290, "AccountsReceivableNetCurrent": 340,
        "CashAndCashEquivalentsAtCarryingValue": 450,
    }  # fmt: skip
    flows = {
        "Revenues": 2400, "CostOfRevenue": 1440, "GrossProfit": 960, "NetIncomeLoss": 360,
        "NetCashProvidedByUsedInOperatingActivities": 600,
        "NetCashProvidedByUsedInInvestingActivities": -240,
        "NetCashProvidedByUsedInFinancingActivities": -360,
    }  # fmt: skip
    rows = [fact(n, figures.get(n, v * MILLION), **about) for n, v in stocks.items()]
    flow = about | {"period_start": start}
    rows += [fact(n, figures.get(n, v * MILLION * size), **flow) for n, v in flows.items()]
    known = {*stocks, *flows}
    for name, value in figures.items():  # more than usual
        if name not in known and not name.startswith(("EarningsPer", "WeightedAverage")):
            told = about | SHARES if name in COUNTS else about if name in BALANCES else flow
            rows.append(fact(name, value, **told))
    for kind in ("Basic", "Diluted"):
        shares = f"WeightedAverageNumberOf{'' if kind == 'Basic' else 'Diluted'}SharesOutstanding"
        shares += "Basic" if kind == "Basic" else ""
        eps = f"EarningsPerShare{kind}"
        rows.append(fact(eps, figures.get(eps, 3.6 * size), **(flow | PER_SHARE)))
        rows.append(fact(shares, figures.get(shares, 100 * MILLION), **(flow | SHARES)))
    return rows


def year(number: int, **figures: float) -> list:
    """The annual report of a calendar year."""
    return report("10-K", date(number, 1, 1), date(number, 12, 31), 10, **figures)


def grades_of(*reports: list) -> dict[str, dict]:
    """The grade of each report, with the rules that it failed."""
    rows = [row for one in reports for row in one]
    filings = [listed(r[0]["accession"], r[0]["filed"], r[0]["form"]) for r in reports]
    own = [frame.with_columns(report_date=pl.lit(r[0]["period_end"])) for frame, r in
           zip(filings, reports, strict=True)]  # fmt: skip
    found: Graded = grade(facts(*rows), pl.concat(own), COMPANIES.empty())
    failed = found.findings.group_by("accession").agg(rules="rule").rows()
    rules = {accession: set(names) for accession, names in failed}
    return {
        row["accession"]: {"grade": row["grade"], "rules": rules.get(row["accession"], set())}
        for row in found.scores.iter_rows(named=True)
    }


def quarters(*, mislabelled: str = "") -> list[list]:
    """Three quarterly reports; the half-year and nine months stand beside the later quarters."""
    ends = [date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30)]
    starts = [date(2020, 1, 1), date(2020, 4, 1), date(2020, 7, 1)]
    reports = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        quarter = report("10-Q", start, end, number)
        longer = report("10-Q", starts[0], end, number)
        flows = [row for row in longer if row["period_start"] is not None]
        if mislabelled == "alone" and number == 3:
            flows = [row | {"period_start": start} for row in flows]
            stocks = [row for row in quarter if row["period_start"] is None]
            reports.append([*stocks, *flows])
        elif mislabelled == "beside" and number == 3:
            stocks = [row for row in quarter if row["period_start"] is None]
            wrong = [row | {"period_start": start} for row in flows]
            reports.append([*stocks, *wrong, *flows])
        else:
            reports.append([*quarter, *(flows if number > 1 else [])])
    return reports


def changed(
    rows: list, concept: str, factor: float = 1.0, unit: str = "", renamed: str = "", *,
    gone: bool = False,
) -> list:  # fmt: skip
    """A report with the facts of a concept times a factor, in a unit, under a name, or gone."""
    if gone:
        return [row for row in rows if row["concept"] != concept]
    return [
        row | {"value": row["value"] * factor, "unit": unit or row["unit"],
               "concept": renamed or concept} if row["concept"] == concept else row
        for row in rows
    ]  # fmt: skip
