"""Batches judged ahead: in order, few at a time, errors in their turn."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from core.service.filings.ahead import ahead


def test_results_come_in_order_and_few_are_made_ahead() -> None:
    """However long each takes: the second may be done before the first."""
    begun: list[int] = []
    second = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            assert second.wait(30)
        if number == 1:
            second.set()
        return 10 * number

    with closing(ahead(work, range(6), 2)) as made:
        assert next(made) == 0
        assert set(begun) <= {0, 1, 2}, "one is taken, two are made"
        assert list(made) == [10, 20, 30, 40, 50]
    assert sorted(begun) == list(range(6))


def test_what_was_not_begun_when_it_is_closed_is_left() -> None:
    """And nothing goes on behind the back of whoever closed it."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number

    made = ahead(work, range(100), 2)
    assert next(made) == 0
    made.close()
    known = list(begun)
    assert len(known) <= 3
    assert list(made) == []
    assert begun == known


def test_an_error_comes_in_its_turn() -> None:
    """What was made before it is handed over first."""

    def work(number: int) -> int:
        return 1 // (2 - number)

    made = ahead(work, range(5), 3)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_a_single_item_is_worked_where_it_is_asked_for() -> None:
    """One changed filing starts no threads."""
    assert list(ahead(lambda _: threading.get_ident(), [1], 2)) == [threading.get_ident()]


def test_nothing_makes_nothing() -> None:
    """No items, no threads, no results."""
    assert list(ahead(str, [], 2)) == []
