"""Figures as people say them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from components.kit import formats


@pytest.mark.parametrize(
    ("place", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st")]
)
def test_places_are_told_as_people_say_them(place: int, word: str) -> None:
    """A pull that waits is "queued, 1st"."""
    assert formats.ordinal(place) == word


def test_prices_that_are_equal_are_written_as_they_are() -> None:
    """What was written before is kept by its digits: equal numbers may be written otherwise."""
    same: list[float | Decimal] = [0.0, -0.0, Decimal("0"), 0.0, -0.0]
    assert [formats.price(value) for value in same] == [
        "0.0000",
        "-0.0000",
        "0.0000",
        "0.0000",
        "-0.0000",
    ]
