"""Rows as numbers and failures as sentences: the arrays that the filing grade rests on."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.quality.facts import packing
from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.periods import periods
from core.domain.quality.words import FindingText, facts_of, messages, with_columns_from

SMALL = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 4)), max_size=30)
LARGE = st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(0, 2**40)), max_size=30)


def columns(rows: list[tuple[int, int]]) -> list[Numbers]:
    """Two arrays of the rows."""
    return [np.array([row[n] for row in rows], np.int64) for n in (0, 1)]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.one_of(SMALL, LARGE))
def test_packed_numbers_order_and_match_as_the_rows_do(rows: list[tuple[int, int]]) -> None:
    """Equal rows have equal numbers, and a smaller row a smaller one, wide as the columns are."""
    numbers = packing.packed(columns(rows)).tolist()
    pairs = zip(rows, numbers, strict=True)
    assert [row for row, _ in sorted(pairs, key=lambda pair: pair[1])] == sorted(rows)
    assert len(set(numbers)) == len(set(rows))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(SMALL)
def test_rows_group_in_order_of_appearance(rows: list[tuple[int, int]]) -> None:
    """The first row of each group, and for each row the group that it belongs to."""
    first, group = packing.grouped(packing.packed(columns(rows)))
    different = list(dict.fromkeys(rows))
    assert [rows[n] for n in first] == different
    assert [different[n] for n in group] == rows


@settings(deadline=None, derandomize=True, max_examples=60)
@given(SMALL, SMALL)
def test_equal_numbers_are_matched(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    """Every pair of equal numbers once; a number looked up stands where it is, or nowhere."""
    some, others = columns(left)[0], columns(right)[0]
    pairs = list(zip(*(places.tolist() for places in packing.matched(some, others)), strict=True))
    every = [(i, j) for i, a in enumerate(some) for j, b in enumerate(others) if a == b]
    assert sorted(pairs) == every
    known = np.unique(others)
    found = packing.found_in(known, some)
    assert all(
        (known[n] == asked) if n >= 0 else asked not in known
        for n, asked in zip(found, some, strict=True)
    )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.one_of(SMALL, LARGE), st.one_of(SMALL, LARGE))
def test_equal_rows_are_matched(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    """Every pair of rows that are equal in all columns, in order of the left ones."""
    places = packing.matched_rows(columns(left), columns(right))
    pairs = list(zip(*(rows.tolist() for rows in places), strict=True))
    assert pairs == [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a == b]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=9))
def test_ranges_are_spread_one_after_another(ranges: list[tuple[int, int]]) -> None:
    """From the first up to the past one; empty ranges give nothing."""
    first, often = columns(ranges)
    every = [n for begin, count in ranges for n in range(begin, begin + count)]
    assert packing.spread(first, first + often).tolist() == every


def test_days_have_the_same_number_in_every_column() -> None:
    """A missing day is no day of any column, so that it matches missing ones alone."""
    early = pl.Series([date(1969, 12, 31), None, date(1970, 1, 2)])
    assert packing.dated(early).tolist() == [-1, packing.NO_DAY, 1]
    assert packing.dated(pl.Series([None, None], dtype=pl.Date)).tolist() == [packing.NO_DAY] * 2


def test_the_last_of_the_highest_rank_stays() -> None:
    """Of equal numbers the row with the highest rank, of equal ranks the last."""
    kept = packing.last_per_group(np.array([7, 5, 7, 7, 5]), np.array([1, 9, 2, 2, 0]))
    assert kept.tolist() == [1, 3]


def test_days_without_a_date() -> None:
    """A null is before all days as a number, and no number as a day."""
    column = pl.Series([date(1970, 1, 3), None, date(1969, 12, 31)])
    assert packing.as_int(column).tolist() == [2, -2, -1]
    assert np.isnan(packing.days(column)).tolist() == [False, True, False]


def test_sentences_write_numbers_as_people_do() -> None:
    """Numbers of several sentences are written at once, dates and texts as they are."""
    one = pl.DataFrame({"item": ["Assets", "Cash"], "value": [1234567.0, -0.25]})
    two = pl.DataFrame({"end": [date(2020, 1, 2)], "days": [1000], "none": [None]})
    said = [
        FindingText(one, "{item} is {value}."),
        FindingText(two, "Of {end}: {days}."),
        FindingText(two, "{none}."),
    ]
    texts = [message.to_list() for message in messages(said)]
    assert texts == [["Assets is 1,234,567.", "Cash is -0.25."], ["Of 2020-01-02: 1,000."], [None]]


def test_the_period_ends_where_most_flows_end_whatever_their_length() -> None:
    """Quarter, half-year and nine months to one day outweigh a lone flow to a later day."""
    flows = pl.DataFrame(
        {
            "fid": pl.Series([0, 0, 0, 0], dtype=pl.UInt32),
            "start": [date(2012, 7, 1), date(2012, 4, 1), date(2012, 1, 1), date(2013, 1, 1)],
            "end": [date(2012, 9, 30)] * 3 + [date(2013, 9, 30)],
        }
    )
    found = periods(flows, np.ones(4, bool)).latest(2, least=1)
    assert found[0] == np.datetime64("2012-09-30")
    assert np.isnat(found[1])


def test_rows_are_taken_by_their_places_and_are_null_where_there_is_none() -> None:
    """A place of -1 gives a row of nulls, also where the frame has no rows."""
    frame = pl.DataFrame({"name": ["a", "b"]})
    assert packing.gathered(frame, np.array([1, -1, 0]))["name"].to_list() == ["b", None, "a"]
    assert packing.gathered(frame, np.array([1, 0]))["name"].to_list() == ["b", "a"]
    assert packing.gathered(frame.clear(), np.array([-1]))["name"].to_list() == [None]


def test_a_frame_is_given_columns_of_names_arrays_and_single_values() -> None:
    """Columns of the same name are replaced; a list stands in every row."""
    frame = pl.DataFrame({"value": [1.0, 2.0], "end": [3, 4]})
    told = with_columns_from(
        frame, end="value", room=np.array([5.0, 6.0]), tolerance=7.0, items=["a", "b"]
    )
    assert told.to_dict(as_series=False) == {
        "value": [1.0, 2.0], "end": [1.0, 2.0], "room": [5.0, 6.0], "tolerance": [7.0, 7.0],
        "items": [["a", "b"], ["a", "b"]],
    }  # fmt: skip


def test_facts_are_named_as_lists_without_those_that_are_missing() -> None:
    """One list a row, in the order of the columns."""
    frame = pl.DataFrame({"row": [1, 2], "was_row": [3, None]}, schema_overrides={"row": pl.UInt32})
    assert facts_of(frame, "row").to_list() == [[1], [2]]
    assert facts_of(frame, "row", "was_row").to_list() == [[1, 3], [2]]
