"""Filings in several currencies: which one is the filing's, and what is no past of what."""

from __future__ import annotations

import pytest

from tests.unit.domain.quality.reports import changed, grades_of, year

EPS = ("EarningsPerShareBasic", "EarningsPerShareDiluted")


def told_in(rows: list, currency: str, rate: float = 1.0) -> list:
    """A report in a currency, its amounts and amounts per share at a rate."""
    other = {"USD": currency, "USD/shares": f"{currency}/shares"}
    return [
        row | {"unit": other.get(row["unit"], row["unit"]),
               "value": row["value"] * (rate if row["unit"] in other else 1.0)}
        for row in rows
    ]  # fmt: skip


def beside(rows: list, currency: str, rate: float) -> list:
    """A report in dollars with its main figures in a second currency, which comes first."""
    return [*told_in([row for row in rows if row["unit"] != "shares"], currency, rate), *rows]


@pytest.mark.parametrize(("currency", "rate"), [("KRW", 1 / 1000), ("CAD", 0.75), ("JPY", 1 / 110)])
def test_a_report_in_another_currency_is_no_jump_of_scale(currency: str, rate: float) -> None:
    """The comparatives recast into dollars are neither a restatement nor a lost thousand."""
    old = [told_in(year(n), currency, 1 / rate) for n in (2016, 2017, 2018)]
    new = year(2019)
    before = [row | {"accession": new[0]["accession"], "filed": new[0]["filed"]}
              for row in year(2018) if row["unit"] != "shares"]  # fmt: skip
    found = grades_of(*old, [*new, *before], year(2020))
    assert {kept["grade"] for kept in found.values()} == {"A"}
    assert not {"Q33", "Q34", "Q47"} & set().union(*(kept["rules"] for kept in found.values()))


@pytest.mark.parametrize("currency", ["AUD", "ZAR"])
def test_earnings_per_share_are_of_the_currency_of_the_filing(currency: str) -> None:
    """A translation for the reader's convenience decides nothing, whichever is told first."""
    whole = year(2019)
    convenient = [row for row in whole if row["concept"] not in ("Assets",)]
    found = grades_of([*beside(convenient, currency, 14.0), *whole])
    assert all(kept["grade"] == "A" and not kept["rules"] for kept in found.values())


@pytest.mark.parametrize("unit", ["USD_per_share", "usdPerShare", "USD per share", "USD/share"])
def test_a_unit_per_share_may_be_spelled_in_many_ways(unit: str) -> None:
    """It is no finding, and the value is taken."""
    rows = year(2019)
    for name in EPS:
        rows = changed(rows, name, unit=unit)
    assert not any(kept["rules"] for kept in grades_of(rows).values())


def test_earnings_per_receipt_stand_beside_those_per_share() -> None:
    """Five shares a receipt: no wrong unit. Without those per share it is one."""
    rows = year(2019)
    receipts = [row | {"unit": "USD/ADS", "value": row["value"] * 5}
                for row in rows if row["concept"] in EPS]  # fmt: skip
    both = grades_of([*receipts, *rows])
    assert not any(kept["rules"] for kept in both.values())
    only = grades_of([*receipts, *(row for row in rows if row["concept"] not in EPS)])
    assert all("Q41" in kept["rules"] for kept in only.values())
