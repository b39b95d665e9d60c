"""Data that are missing never raise a score or a rank."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.gaps import scoring

SCHEMA = {
    "symbol": pl.String, "gap_pct": pl.Float64, "gap_atr": pl.Float64,
    "dollar_volume": pl.Float64, "catalyst_weight": pl.Float64, "sentiment": pl.Float64,
}  # fmt: skip
DATA = ["gap_atr", "dollar_volume", "catalyst_weight", "sentiment"]


def _maybe(low: float, high: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(low, high)


ROWS = st.lists(
    st.tuples(_maybe(-9, 9), _maybe(0, 1e10), _maybe(0, 100), _maybe(-1, 1)),
    min_size=1,
    max_size=8,
)
WEIGHTS = st.builds(
    scoring.Weights, **dict.fromkeys(scoring.COMPONENTS, st.floats(0.05, 5, allow_nan=False))
)


def _scan(rows: list[Any]) -> pl.DataFrame:
    named = [(f"S{n}", 5.0, *row) for n, row in enumerate(rows)]
    return pl.DataFrame(named, schema=SCHEMA, orient="row")


def _scores(frame: pl.DataFrame, weights: scoring.Weights) -> list[float]:
    return scoring.score(frame, weights)["score"].fill_null(-1.0).to_list()


@given(ROWS, WEIGHTS, st.data())
def test_no_name_passes_another_by_losing_data(
    rows: list[Any], weights: scoring.Weights, data: st.DataObject
) -> None:
    """Whoever stood above it stands there still, and nobody with the data falls below it."""
    one = data.draw(st.integers(0, len(rows) - 1))
    lost = data.draw(st.sets(st.integers(0, 3), min_size=1))
    poorer = list(rows)
    poorer[one] = tuple(None if n in lost else v for n, v in enumerate(rows[one]))
    before, after = (_scores(_scan(some), weights) for some in (rows, poorer))
    for other in range(len(rows)):
        if before[other] >= before[one]:
            assert after[other] >= after[one] - 1e-9


@given(ROWS, WEIGHTS, st.data())
def test_a_name_scores_at_least_as_much_with_its_data(
    rows: list[Any], weights: scoring.Weights, data: st.DataObject
) -> None:
    """Side by side in one scan, whatever the filings or the mood say; points add up."""
    full = data.draw(
        st.tuples(st.floats(-9, 9), st.floats(1, 1e10), st.floats(0, 100), st.floats(-1, 1))
    )
    lost = data.draw(st.sets(st.integers(0, 3), min_size=1))
    without = tuple(None if n in lost else v for n, v in enumerate(full))
    table = scoring.score(_scan([full, without, *rows]), weights)
    scores = table["score"].to_list()
    assert scores[0] is not None
    assert (scores[1] if scores[1] is not None else 0.0) <= scores[0] + 1e-9
    points = table.select(pl.sum_horizontal(f"{c}_points" for c in scoring.COMPONENTS)).to_series()
    known = table["score"].is_not_null()
    assert points.filter(known).to_list() == pytest.approx(table["score"].filter(known).to_list())
    assert table["score"].drop_nulls().is_between(-1e-9, 100 + 1e-9).all()


def test_example_of_the_documentation() -> None:
    """The table in docs/gaps.md, with the other names that make the medians."""
    size, money = 4.0, 10 ** (6.698970004336019 + 1.8)
    usual = (2.4, 10 ** (6.698970004336019 + 1.2))
    rows = [(size, money, 100.0, None), (size, money, 0.0, None), (size, money, None, None)]
    rows += [(*usual, 50.0, None)] * 4
    table = scoring.score(_scan(rows), scoring.Weights()).head(3)
    assert table["score"].round(1).to_list() == [97.8, 64.4, 56.3]
    assert table["evidence_pct"].round(0).to_list() == [90, 90, 60]
