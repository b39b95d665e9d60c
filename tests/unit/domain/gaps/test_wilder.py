"""Wilder's average of many symbols in one recursion: none takes digits from another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.gaps.wilder import ATR_SESSIONS, wilder

Ranges = list[float | None]
USUAL = st.floats(0.5, 4.0)
ODD = st.sampled_from([None, 0.0, 1e-12, 1e-6, 1e4, 1e9, 1e15, 1e300])
NAME = st.lists(st.one_of(USUAL, USUAL, USUAL, ODD), min_size=1, max_size=45)
FLAT = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5]), min_size=14, max_size=30)


def _exact(ranges: Ranges) -> Iterator[Fraction | None]:
    """The mean of 14 ranges, then a' = a x 13/14 + range / 14, without rounding."""
    seen: list[Fraction] = []
    average: Fraction | None = None
    for found in ranges:
        if found is not None:
            seen.append(Fraction(found))
            if len(seen) == ATR_SESSIONS:
                average = sum(seen, Fraction()) / ATR_SESSIONS
            elif average is not None:
                average = (average * (ATR_SESSIONS - 1) + seen[-1]) / ATR_SESSIONS
        yield average


def _work(names: list[Ranges]) -> pl.DataFrame:
    starts = [sum(map(len, names[:n])) for n, name in enumerate(names) for _ in name]
    ranges = [one for name in names for one in name]
    return pl.DataFrame(
        {"true_range": ranges, "row": range(len(ranges)), "start": starts},
        schema={"true_range": pl.Float64, "row": pl.UInt32, "start": pl.UInt32},
    )


def _agrees(names: list[Ranges]) -> None:
    expected = [one for name in names for one in _exact(name)]
    found = wilder(_work(names)).to_list()
    assert [one is None for one in found] == [one is None for one in expected]
    for one, exact in zip(found, expected, strict=True):
        if exact is not None:
            assert abs(Fraction(one) - exact) <= Fraction(1, 10**11) * exact


@pytest.mark.parametrize("huge", [1e3, 1e6, 1e9, 1e12, 1e15, 1e300])
@pytest.mark.parametrize("bar", [5, 18, 29])
def test_a_range_of_another_magnitude_takes_no_digits_from_the_next_name(
    huge: float, bar: int
) -> None:
    """Wherever it is, and whether the name has an average at all, or an average of 0."""
    odd: Ranges = [2.0] * 30
    odd[bar] = huge
    usual: Ranges = [2.0] * 20
    short: Ranges = [huge, 2.0]
    flat: Ranges = [*[0.0] * 16, huge, None, 1e-3]
    _agrees([odd, usual, short, usual, flat, usual])


@given(st.lists(st.one_of(NAME, NAME, FLAT), min_size=1, max_size=6))
def test_any_names_side_by_side_have_the_averages_they_have_alone(names: list[Ranges]) -> None:
    """To eleven digits, with ranges missing, huge and tiny."""
    _agrees(names)
