"""Where the rules of quarters, scale and shares begin and end to doubt a figure."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.domain.quality.rules import presence, quarters, shares
from tests.unit.domain.quality.reports import changed, grades_of, report, year


@pytest.mark.parametrize(
    ("ratio", "wrong"),
    [
        (1.0, False), (0.5, False), (-2.0, False), (100.0, False), (0.01, False),
        (-1.0, True), (-0.985, True), (-1.015, True), (-0.97, False), (-1.03, False),
        (101.0, True), (-101.0, True), (0.009, True), (-0.009, True), (0.0, True),
        (float("nan"), True), (float("inf"), True),
    ],
)  # fmt: skip
def test_a_part_of_the_wrong_sign_or_scale_is_the_earlier_filings_fault(
    ratio: float, wrong: bool
) -> None:
    """About minus one, a hundred times and more, or less than a hundredth."""
    assert quarters._misreported(np.array([ratio]))[0] == wrong


@pytest.mark.parametrize(
    ("value", "quarter", "before", "same"),
    [
        (100.0, 100.0, 5.0, True), (100.0, 100.0, -5.0, True), (100.0, 100.0, 4.9, False),
        (100.0, 99.0, 50.0, False), (0.0, 0.0, 50.0, False), (-100.0, -100.0, 5.0, True),
    ],
)  # fmt: skip
def test_a_quarter_that_is_the_whole_period(
    value: float, quarter: float, before: float, same: bool
) -> None:
    """Equal to it, though at least a twentieth of it came before."""
    found = quarters._same(np.array([value]), np.array([quarter]), np.array([before]))
    assert found[0] == same


@pytest.mark.parametrize(
    ("eps", "room"),
    [(1.0, 0.0101), (0.0, 0.0101), (-0.1, 0.0101), (-1.0, 0.03), (-2.0, 0.06)],
)
def test_the_room_of_diluted_earnings(eps: float, room: float) -> None:
    """A cent; of a loss three percent of it where that is more."""
    assert shares._cents(np.array([eps]))[0] == pytest.approx(room)


def test_filings_with_so_many_of_their_kind_before_them() -> None:
    """Kinds are not mixed, only those asked for count, and those before come last first."""
    some = np.array([True, True, True, False, True, True, True])
    kinds = [np.array([1, 2, 1, 1, 1, 2, 1])]
    there, before = presence._past(some, kinds, 2)
    assert there.tolist() == [4, 6]
    assert [rows.tolist() for rows in before] == [[2, 4], [0, 2]]
    assert presence._past(some, kinds, 4)[0].tolist() == []


@pytest.mark.parametrize(("years", "doubtful"), [(2, False), (3, True), (4, True)])
def test_three_reports_are_a_steady_past(years: int, doubtful: bool) -> None:
    """A thousandth of what three reports told is doubtful; two are no past."""
    before = [year(y) for y in range(2020 - years, 2020)]
    found = grades_of(*before, year(2020, InventoryNet=290_000))["0-20-10"]
    assert ("Q55" in found["rules"]) == doubtful


@pytest.mark.parametrize(
    ("quarter", "fails"),
    [(0, False), (3, False), (3.1, False), (120, True), (-120, True)],
)
def test_the_last_quarter_and_what_came_before_make_the_year(quarter: float, fails: bool) -> None:
    """A thousandth of it is rounding, more is not."""
    flows = [row for row in report("10-K", date(2020, 10, 1), date(2020, 12, 31), 10)
             if row["concept"] == "Revenues"]  # fmt: skip
    nine = [row for row in report("10-K", date(2020, 1, 1), date(2020, 9, 30), 10)
            if row["concept"] == "Revenues"]  # fmt: skip
    told = changed(flows, "Revenues", 1 + quarter / 600 / 4)
    found = grades_of([*year(2020), *told, *nine])["0-20-10"]
    assert ("Q27" in found["rules"]) == fails
