"""Screening: which of the ranked candidates are shown."""

from __future__ import annotations

import polars as pl
import pytest

from core.domain.gaps import screening
from core.domain.gaps.filters import GapFilters, failed
from core.domain.gaps.screening import Screen

ROWS = pl.DataFrame(
    {
        "symbol": ["AAA", "BBB", "CCC"],
        "gap_pct": [5.0, -6.0, 7.0],
        "sector": ["Energy", "Metals", None],
        "catalysts": [[{"form": "8-K"}, {"form": "4"}], [{"form": "10-Q"}], None],
        "grade": ["A", "D", None],
        "status": ["as filed", "withdrawn", None],
        "cik": [1, 2, None],
    },
    schema_overrides={"catalysts": pl.List(pl.Struct({"form": pl.String}))},
)


@pytest.mark.parametrize(
    ("screen", "left"),
    [
        (Screen(), ["AAA", "BBB", "CCC"]),
        (Screen(sectors=("Energy", "unknown")), ["AAA", "CCC"]),
        (Screen(side="down"), ["BBB"]),
        (Screen(side="up"), ["AAA", "CCC"]),
        (Screen(forms=("4",)), ["AAA"]),
        (Screen(forms=("10-Q", "none found")), ["BBB", "CCC"]),
        (Screen(grades=("NR",)), ["CCC"]),
        (Screen(statuses=("withdrawn",)), ["BBB"]),
        (Screen(ciks=frozenset({1})), ["AAA"]),
        (Screen(ciks=frozenset()), []),
        (Screen(symbols=frozenset({"CCC", "ZZZ"})), ["CCC"]),
        (Screen(hidden=frozenset({"AAA"})), ["BBB", "CCC"]),
        (Screen(side="up", grades=("A",), hidden=frozenset({"AAA"})), []),
    ],
)
def test_a_screen_leaves_those_that_pass(screen: Screen, left: list[str]) -> None:
    """In their order; what is not known is a choice like any other."""
    assert screening.screened(ROWS, screen)["symbol"].to_list() == left


def test_the_kinds_are_those_that_are_there() -> None:
    """And the word for no filing."""
    assert screening.kinds(ROWS) == ["10-Q", "4", "8-K", "none found"]
    assert screening.kinds(ROWS.clear()) == ["none found"]


def test_a_filter_tells_its_limit_in_figures() -> None:
    """Five million is no 5e+06, and a trader knows no name of a setting."""
    row = {"symbol": "AAA", "open": 10.0, "gap_pct": 5.0, "rvol": 2.0, "dollar_volume": 1e6}
    given = {"gap_ex_div_pct": None, "comparable_since": None}
    frame = pl.DataFrame({name: [value] for name, value in {**row, **given}.items()})
    said = [
        frame.select(failed(filters)).to_series()[0]
        for filters in (GapFilters(), GapFilters(min_rvol=2.5), GapFilters(max_gap_pct=4.5))
    ]
    assert said == [
        "filter: less than 5,000,000 traded",
        "filter: relative volume below 2.5",
        "filter: gap above 4.5 %",
    ]
