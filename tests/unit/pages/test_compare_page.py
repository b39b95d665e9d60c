"""*Compare*: two series from one start, concepts in words."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from components.kit import once
from components.parts import compare
from core.service.desk import Desk
from tests.filled import fill
from tests.opened import opened


def series(first: int, *values: float, month: int = 12) -> pl.DataFrame:
    """Yearly values from a year on."""
    ends = [date(first + n, month, 28) for n in range(len(values))]
    return pl.DataFrame({"period_end": ends, "value": list(values)})


def test_both_are_a_hundred_at_the_first_year_that_both_report() -> None:
    """What came before that year is left out; years may end in other months."""
    found = compare.indexed(series(2019, 50.0, 200.0, 300.0), series(2020, 4.0, 2.0, month=6))
    assert found is not None
    first, left, right = found
    assert first == date(2020, 12, 28)
    assert left["value"].to_list() == [100.0, 150.0]
    assert right["value"].to_list() == [100.0, 50.0]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (series(2019, 5.0), series(2021, 5.0)),
        (series(2019, -5.0), series(2019, 5.0)),
        (series(2019, 0.0), series(2019, 5.0)),
    ],
)
def test_no_start_no_index(left: pl.DataFrame, right: pl.DataFrame) -> None:
    """Without a common year above zero nothing is a hundred."""
    assert compare.indexed(left, right) is None


def test_a_loss_on_the_way_stays_in_the_line() -> None:
    """Only the start has to be above zero."""
    found = compare.indexed(series(2019, 10.0, -5.0), series(2019, 1.0, 2.0))
    assert found is not None
    assert found[1]["value"].to_list() == [100.0, -50.0]


def test_concepts_are_told_in_words_and_stay_apart() -> None:
    """By their label, else the tag with spaces; two of one label bear their tags."""
    listed = pl.DataFrame(
        {"concept": ["Assets", "NetIncomeLoss", "A1", "A2"], "label": ["Assets", None, "A", "A"]}
    )
    assert compare.words(listed) == {
        "Assets": "Assets",
        "NetIncomeLoss": "Net Income Loss",
        "A1": "A (A1)",
        "A2": "A (A2)",
    }


def test_the_address_asks_for_the_index(desk: Desk) -> None:
    """`scale=indexed` draws it."""
    once.forget()
    fill(desk)
    at = opened("compare", scale="indexed")
    assert at.error == []
    figure = at.get("plotly_chart")[0].proto.spec
    assert "= 100" in figure or "No common start" in figure
