"""An amendment that corrects a report is not judged by what it corrects; the report still is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.unit.domain.quality.reports import grades_of, year

CHANGED = {"Q33", "Q34", "Q47"}
WRONG, AMENDED, NEXT = "0-20-10", "0-20-10A", "0-21-10"


def scaled(rows: list, factor: float) -> list:
    """A report with its amounts at another scale; what is per share, and shares, as they were."""
    return [r | {"value": r["value"] * (factor if r["unit"] == "USD" else 1)} for r in rows]


def with_year_before(rows: list) -> list:
    """A report with its figures as comparatives of the year before, too."""

    def earlier(day: date | None) -> date | None:
        return day and day.replace(year=day.year - 1)

    before = [
        r | {"period_start": earlier(r["period_start"]), "period_end": earlier(r["period_end"])}
        for r in rows
    ]
    return [*rows, *before]


def amendment(rows: list) -> list:
    """The same report once more, a week later."""
    about = {"form": "10-K/A", "accession": AMENDED, "filed": rows[0]["filed"] + timedelta(days=7)}
    return [row | about for row in rows]


def told(number: int) -> list:
    return with_year_before(year(number))


@pytest.mark.parametrize("before", [(), (2019,), (2016, 2017, 2018, 2019)])
@pytest.mark.parametrize("factor", [1e-6, 1e-3])
def test_a_correction_of_the_scale(before: tuple[int, ...], factor: float) -> None:
    """Figures in millions, and then in dollars: also where no report before them is known."""
    honest = told(2020)
    found = grades_of(*map(told, before), scaled(honest, factor), amendment(honest), told(2021))
    assert not CHANGED & found[AMENDED]["rules"]
    assert not CHANGED & found[NEXT]["rules"]
    assert ("Q33" in found[WRONG]["rules"]) == bool(before)
    assert (found[WRONG]["grade"] == "F") == bool(before)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_an_amendment_that_is_itself_wrong(factor: float) -> None:
    """Earlier years side with the report that it amends, which is at no fault."""
    honest = told(2020)
    years = [told(n) for n in (2017, 2018, 2019)]
    found = grades_of(*years, honest, amendment(scaled(honest, factor)), told(2021))
    assert "Q33" in found[AMENDED]["rules"]
    assert not CHANGED & found[WRONG]["rules"]


def test_of_two_alone_the_smaller_is_not_believed() -> None:
    honest = told(2020)
    found = grades_of(honest, amendment(scaled(honest, 1e-6)))
    assert "Q33" in found[AMENDED]["rules"]


def turned(rows: list) -> list:
    """A report with income and equity below nothing."""
    return [r | {"value": -r["value"]} if r["concept"] in TURNED else r for r in rows]


def test_a_correction_of_signs() -> None:
    """Income and equity below nothing, and then above as in all years before."""
    honest = told(2020)
    years = [told(n) for n in (2016, 2017, 2018, 2019)]
    found = grades_of(*years, turned(honest), amendment(honest), told(2021))
    assert not CHANGED & found[AMENDED]["rules"]
    assert not CHANGED & found[NEXT]["rules"]
    assert "Q34" in found[WRONG]["rules"]


def test_signs_that_an_amendment_turns_itself() -> None:
    """All years before side with the report that it amends."""
    honest = told(2020)
    years = [told(n) for n in (2016, 2017, 2018, 2019)]
    found = grades_of(*years, honest, amendment(turned(honest)), told(2021))
    assert CHANGED & found[AMENDED]["rules"]
    assert not CHANGED & found[WRONG]["rules"]


TURNED = ("NetIncomeLoss", "StockholdersEquity", "GrossProfit")


def test_a_filing_between_knows_of_no_correction() -> None:
    """What came before the amendment is compared with what was told until then."""
    wrong, right = scaled(year(2020), 1e-3), year(2020)
    late = [r | {"filed": year(2021)[0]["filed"] + timedelta(days=30)} for r in amendment(right)]
    before = grades_of(told(2019), wrong, told(2021))
    after = grades_of(told(2019), wrong, told(2021), late)
    assert before[NEXT] == after[NEXT]
