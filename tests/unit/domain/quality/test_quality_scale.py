"""Figures in the wrong scale, and years to date under the dates of a quarter."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from core.domain.quality.grading import Graded, grade
from core.domain.tables.frames import COMPANIES
from core.service.desk import Desk
from core.service.kernel import commands
from tests.unit.domain.quality.test_quality_odd_inputs import fact, facts, listed

SHARES, PER_SHARE = {"unit": "shares"}, {"unit": "USD/shares"}
MILLION = 1e6


def _report(form: str, start: date, end: date, number: int, **figures: float) -> list:
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
    for kind in ("Basic", "Diluted"):
        shares = f"WeightedAverageNumberOf{'' if kind == 'Basic' else 'Diluted'}SharesOutstanding"
        shares += "Basic" if kind == "Basic" else ""
        eps = f"EarningsPerShare{kind}"
        rows.append(fact(eps, figures.get(eps, 3.6 * size), **(flow | PER_SHARE)))
        rows.append(fact(shares, figures.get(shares, 100 * MILLION), **(flow | SHARES)))
    return rows


def _year(year: int, **figures: float) -> list:
    return _report("10-K", date(year, 1, 1), date(year, 12, 31), 10, **figures)


def _graded(*reports: list) -> dict[str, dict]:
    """The grade of each report, with the rules that it failed."""
    rows = [row for report in reports for row in report]
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


def test_an_honest_company_is_an_a() -> None:
    """Years that add up fail none of the rules of scale."""
    found = _graded(*(_year(y) for y in range(2016, 2021)))
    assert {one["grade"] for one in found.values()} == {"A"}
    assert not {"Q54", "Q55", "Q56"} & set.union(*(one["rules"] for one in found.values()))


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e-6])
def test_weighted_shares_in_the_wrong_scale_are_a_d(factor: float) -> None:
    """EPS times shares is off by an exact power of ten: critical, whatever came before."""
    wrong = {
        "WeightedAverageNumberOfSharesOutstandingBasic": 100 * MILLION * factor,
        "WeightedAverageNumberOfDilutedSharesOutstanding": 100 * MILLION * factor,
    }
    found = _graded(_year(2019), _year(2020, **wrong))["0-20-10"]
    assert "Q54" in found["rules"]
    assert found["grade"] in {"D", "F"}


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_first_filing_in_the_wrong_scale_is_no_a(factor: float) -> None:
    """Every amount is off, EPS and shares are right: no past is needed to see it."""
    rows = [
        row | {"value": row["value"] * (factor if row["unit"] == "USD" else 1)}
        for row in _year(2020)
    ]
    found = _graded(rows)["0-20-10"]
    assert "Q54" in found["rules"]
    assert found["grade"] in {"D", "F"}


def test_percents_of_difference_are_no_matter_of_scale() -> None:
    """Preferred dividends, other classes and rounded EPS stay with rule Q24."""
    found = _graded(_year(2020, EarningsPerShareBasic=2.9, EarningsPerShareDiluted=2.9))
    assert "Q54" not in found["0-20-10"]["rules"]


@pytest.mark.parametrize("concept", ["InventoryNet", "AccountsReceivableNetCurrent"])
def test_one_line_a_thousandth_of_its_past_is_no_a(concept: str) -> None:
    """After four steady years a thousandth, finer than the filing rounds, is doubtful."""
    usual = 290_000 if concept == "InventoryNet" else 340_000
    before = [_year(y) for y in range(2016, 2020)]
    found = _graded(*before, _year(2020, **{concept: usual}))["0-20-10"]
    assert "Q55" in found["rules"]
    assert found["grade"] == "C"


def test_a_line_that_shrinks_to_a_few_units_is_its_own() -> None:
    """A warehouse that was sold off leaves a rounded million: no finding."""
    before = [_year(y) for y in range(2016, 2020)]
    found = _graded(*before, _year(2020, InventoryNet=1 * MILLION))["0-20-10"]
    assert "Q55" not in found["rules"]


def _quarters(*, mislabelled: str = "") -> list[list]:
    """Three quarterly reports; the half-year and nine months stand beside the later quarters."""
    ends = [date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30)]
    starts = [date(2020, 1, 1), date(2020, 4, 1), date(2020, 7, 1)]
    reports = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        quarter = _report("10-Q", start, end, number)
        longer = _report("10-Q", starts[0], end, number)
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


@pytest.mark.parametrize("how", ["alone", "beside"])
def test_nine_months_under_the_dates_of_three_are_no_a(how: str) -> None:
    """With or without the longer period beside it, the year to date is no quarter."""
    found = _graded(*_quarters(mislabelled=how))["0-20-3"]
    assert "Q56" in found["rules"]
    assert found["grade"] not in {"A", "B"}


def test_quarters_that_are_quarters_pass() -> None:
    """An honest year of reports fails nothing of the kind."""
    found = _graded(*_quarters())
    assert not any("Q56" in one["rules"] for one in found.values())


@pytest.mark.parametrize("placeholder", [1, 10, 100, 1000])
def test_placeholder_shares_before_an_offering_say_nothing(placeholder: int) -> None:
    """A shell's hundred shares on the sheet are no contradiction of the cover after the IPO."""
    rows = [row for row in _year(2020) if "WeightedAverage" not in row["concept"]]
    about = {k: rows[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
    rows.append(fact("CommonStockSharesOutstanding", placeholder, **(about | SHARES)))
    rows.append(
        fact("EntityCommonStockSharesOutstanding", 54_119_255,
             **(about | SHARES | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}))
    )  # fmt: skip
    assert "Q31" not in _graded(rows)["0-20-10"]["rules"]
    rows[-2]["value"] = 54_119.0  # but thousands are one
    assert "Q31" in _graded(rows)["0-20-10"]["rules"]


@pytest.mark.parametrize("count", [0, 12_345])
def test_a_cover_that_nobody_filled_in_says_nothing(count: int) -> None:
    """No shares, or 12,345 of them, is a form's default and contradicts no statement."""
    rows = _year(2020)
    about = {k: rows[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
    changes = SHARES | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}
    rows.append(fact("EntityCommonStockSharesOutstanding", count, **(about | changes)))
    assert "Q31" not in _graded(rows)["0-20-10"]["rules"]


CASES = {  # case: filings that are no A (all others are)
    "honest-filers": set(),
    "compare-proxy-scale": set(),
    "false-alarm-pre-ipo-shares": set(),
    "missed-line-thousandth": {"0009100208-21-000010"},
    "missed-shares-in-thousands": {"0009100104-22-000010"},
    "missed-first-filing-scale": {"0009100120-22-000010", "0009100121-22-000010"},
    "missed-ytd-as-quarter": {"0009100201-20-000023"},
}


@pytest.mark.parametrize(("case", "wrong"), CASES.items(), ids=CASES)
def test_the_cases_come_out_right(desk: Desk, cases: Path, case: str, wrong: set[str]) -> None:
    """Loaded from their bulk files and graded: what is wrong is no A, and nothing else is."""
    for name in ("submissions.zip", "companyfacts.zip"):
        commands.run(desk, "backfill", {"path": cases / case / name})
    grades = commands.run(desk, "grade", {"all": True}).document
    rated = [one for one in grades["filings"] if one["grade"] != "NR"]
    assert {one["accession"] for one in rated if one["grade"] != "A"} == wrong
