"""What the stretches of the past would have done to a book, worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from core.domain.risk.exposure import Stress, stress

FIRST = date(2020, 3, 2)
CASES = (
    Stress("two days", FIRST, FIRST + timedelta(days=1)),
    Stress("before any price", date(2001, 1, 1), date(2001, 1, 31)),
)


def test_returns_of_a_stretch_compound_and_are_weighted() -> None:
    """Its first and last day count, the days beside it do not; names without prices are counted."""
    moves = {
        "AAA": (0.5, -0.5, 0.25, 0.5),  # the day before, the two, and the day after
        "BBB": (0.5, 0.1, 0.1, 0.5),
    }
    rows = [
        (symbol, FIRST + timedelta(days=place - 1), move)
        for symbol, told in moves.items()
        for place, move in enumerate(told)
    ]
    frame = pl.DataFrame(rows, schema=("symbol", "session", "return"), orient="row")
    found = stress(frame, {"AAA": 0.5, "BBB": -0.25, "CCC": 1.0}, CASES)
    assert found.columns == ["name", "first", "last", "return", "names", "of"]
    aaa, bbb = 0.5 * 1.25 - 1, 1.1 * 1.1 - 1
    seen, unseen = found.to_dicts()
    assert seen.pop("return") == pytest.approx(0.5 * aaa - 0.25 * bbb)
    assert seen == {"name": "two days", "first": CASES[0].first, "last": CASES[0].last,
                    "names": 2, "of": 3}  # fmt: skip
    assert (unseen["return"], unseen["names"], unseen["of"]) == (None, 0, 3)
