"""Rows as numbers: looked up and grouped as a loop over them would."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.domain.quality.facts import packing
from core.domain.quality.facts.arrays import equal_any, or_zero

NUMBERS = st.lists(st.integers(0, 2**40), max_size=30)
FEW = st.lists(st.integers(0, 6), max_size=60)


def of(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, np.int64)


@given(st.sets(st.integers(0, 2**40), max_size=8), NUMBERS)
def test_numbers_are_found_where_they_stand(known: set[int], other: list[int]) -> None:
    """Also of many asked for beside a few, of which most are told by their last digits."""
    told = sorted(known, key=lambda n: n % 7)
    alike = [n + packing.LOW + 1 for n in told]
    asked = [*other, *alike, *told] * 10
    expected = [told.index(n) if n in known else -1 for n in asked]
    assert packing.found_in(of(told), of(asked)).tolist() == expected
    unsigned = packing.found_in(of(told).astype(np.uint64), of(asked).astype(np.uint64))
    assert unsigned.tolist() == expected


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9), FEW, st.booleans())
def test_rows_are_found_whether_their_numbers_lie_close_or_apart(
    known: set[tuple[int, int]], numbers: list[int], apart: bool
) -> None:
    step = 10**9 if apart else 1
    told = [(one, two * step) for one, two in known]
    asked = [(one, two * step) for one, two in pairwise(numbers)]
    columns = [[of([row[n] for row in rows]) for n in (0, 1)] for rows in (told, asked)]
    expected = [told.index(row) if row in told else -1 for row in asked]
    assert packing.found_rows(*columns).tolist() == expected


@given(FEW)
def test_groups_come_in_order_of_appearance(numbers: list[int]) -> None:
    first, group = packing.grouped(of(numbers))
    seen = list(dict.fromkeys(numbers))
    assert first.tolist() == [numbers.index(n) for n in seen]
    assert group.tolist() == [seen.index(n) for n in numbers]
    order = packing.ordered(of(numbers)).tolist()
    assert order == sorted(range(len(numbers)), key=lambda n: numbers[n])


def test_few_values_and_none_given() -> None:
    numbers = np.array([3.0, np.nan, 9.0, -6.0])
    assert equal_any(numbers, (3, 9)).tolist() == [True, False, True, False]
    assert or_zero(numbers).tolist() == [3.0, 0.0, 9.0, -6.0]


@given(st.lists(st.integers(0, 3)))
def test_groups_begin_and_end(numbers: list[int]) -> None:
    given = np.array(numbers, np.int64)
    assert packing.begins(given).tolist() == [
        n == 0 or numbers[n - 1] != value for n, value in enumerate(numbers)
    ]
    assert packing.ends(given).tolist() == [
        n + 1 == len(numbers) or numbers[n + 1] != value for n, value in enumerate(numbers)
    ]
