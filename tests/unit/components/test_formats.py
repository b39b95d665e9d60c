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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("since 2026-11-30 14:08Z, asked 14:09Z", "since Mon 30 Nov 09:08 ET, asked 09:09 ET"),
        ("nothing before 2026-11-30 14:08:33Z.", "nothing before Mon 30 Nov 09:08:33 ET."),
        ("at 2026-07-01 02:00Z", "at Tue 30 Jun 22:00 ET"),
        ("asked at 14:09Z", "asked at 14:09Z"),
        ("2026-13-40 25:61Z and 99:99Z", "2026-13-40 25:61Z and 99:99Z"),
        ("2026-02-31 12:00Z, 0001-01-01 00:00Z", "2026-02-31 12:00Z, 0001-01-01 00:00Z"),
        ("", ""),
    ],
)  # fmt: skip
def test_instants_in_a_message_are_the_readers(text: str, said: str) -> None:
    """A time alone is of the date before it; what is none stays."""
    assert formats.localised(text, "America/New_York") == said
