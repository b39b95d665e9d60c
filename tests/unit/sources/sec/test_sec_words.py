"""Values read out of bytes eight at a time, against the slow and obvious way."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sources.pulled import Pulled
from core.sources.sec import texts as sec_words


def _at(values: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The bytes of some values, their words, where each begins and how long it is."""
    data = np.frombuffer("".join(values).encode() + b" " * sec_words.WIDEST, np.uint8)
    length = np.array([len(value) for value in values], np.int64)
    return data, sec_words.words_of(data), np.cumsum(length) - length, length


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


DATES = st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(str)
ODD = st.from_regex(r"(19|20)[0-9x/:-]{8}", fullmatch=True)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(DATES | ODD, min_size=1, max_size=20))
def test_dates_are_days_or_null(values: list[str]) -> None:
    """Leap days, months of thirty days, letters and dashes out of place included."""
    _, words, begin, _ = _at(values)
    days = sec_words.dates(words, begin)
    plain = [v if v[4] == v[7] == "-" and v.replace("-", "").isdigit() else "" for v in values]
    assert days is not None
    column = sec_words.column(days, days != sec_words.NO_DAY, pa.date32())
    assert column.to_list() == [_date(value) for value in plain]


@pytest.mark.parametrize("value", ["1899-12-31", "2100-01-01", "null      "])
def test_dates_of_other_centuries_are_left_to_another_reader(value: str) -> None:
    """One is enough."""
    _, words, begin, _ = _at(["2020-01-01", value])
    assert sec_words.dates(words, begin) is None


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.text("ab,-+", max_size=60), min_size=1, max_size=20))
def test_the_first_comma_is_found_wherever_it_stands(values: list[str]) -> None:
    """In any of the words that are looked at; 0 when it is beyond them or first."""
    _, words, begin, _ = _at([value + " " * 60 for value in values])
    found = sec_words.first_of(words, begin, ",").tolist()
    at = [value.find(",") for value in values]
    assert found == [place if 0 < place < sec_words.WIDEST else 0 for place in at]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.text("abcXYZ019-/", max_size=sec_words.WIDEST), min_size=1, max_size=20))
def test_texts_of_any_length_are_cut_as_they_stand(values: list[str]) -> None:
    """Empty, within a view, and beyond it."""
    data, words, begin, length = _at(values)
    assert sec_words.texts(data, words, begin, length).to_list() == values


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.text("ab", max_size=30), min_size=1, max_size=30))
def test_equal_texts_are_of_one_kind(values: list[str]) -> None:
    """Kinds come in the order of their first text."""
    data, words, begin, length = _at(values)
    distinct, which = sec_words.kinds(sec_words.texts(data, words, begin, length))
    assert distinct.to_list() == list(dict.fromkeys(values))
    assert distinct.gather(which).to_list() == values


def test_the_record_of_a_pull_tells_what_was_missing() -> None:
    """What failed first, then three of the notes and how many more there are."""
    assert Pulled().remark() is None
    assert Pulled(partial="1 failed", notes=("a",)).remark() == "1 failed; a"
    assert Pulled(notes=tuple("abcde")).remark() == "a; b; c; and 2 more like these"
