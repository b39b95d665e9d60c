"""Identifiers of others against ours: every kind of mismatch, and what is none."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.filings.outside_ids import Borne, Mismatch, compare, registry, summary

OURS = registry(
    [
        Borne("AAPL", 320193),
        Borne("BRK-B", 1067983),
        Borne("META", 1326801),
        Borne("FB", 1326801, date(2022, 6, 8)),
        Borne("META", 999, date(2021, 1, 31)),
    ],
    [320193, 1067983, 1326801, 999],
    {320193: "AAPL"},
)


def kinds(*rows: tuple[str | None, str | None]) -> list[str]:
    """Mismatches of rows beside one that has what is followed."""
    return [item.kind for item in compare([("320193", None), *rows], OURS)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("320193", "AAPL"), []),
        (("0000320193", "aapl"), []),
        (("CIK0000320193", None), []),
        ((None, "brk.b"), []),
        ((None, "BRK/B"), []),
        (("1067983", "BRK B"), []),
        (("7", None), ["unknown cik"]),
        (("7", "AAPL"), ["unknown cik", "other company"]),
        ((None, "NOPE"), ["unknown ticker"]),
        (("320193", "NOPE"), ["unknown ticker"]),
        (("320193", "META"), ["other company"]),
        (("1326801", "FB"), ["former ticker"]),
        ((None, "FB"), ["former ticker"]),
        (("999", "META"), ["former ticker"]),
        ((None, None), ["malformed"]),
        (("", " "), ["malformed"]),
        (("x", "AAPL"), ["malformed"]),
        (("0", None), ["malformed"]),
        (("12345678901", None), ["malformed"]),
        (("²", None), ["malformed"]),
    ],
)
def test_a_row_against_the_registry(
    row: tuple[str | None, str | None], expected: list[str]
) -> None:
    """One spelling of tickers; a ticker's company of today decides."""
    assert kinds(row) == expected


def test_a_ticker_twice_and_what_is_followed_and_lacks_are_told() -> None:
    """With the row it was in before; rows are counted from the first under the header."""
    found = compare([(None, "META"), ("320193", "META")], OURS)
    assert [(item.kind, item.row) for item in found] == [
        ("doubled", 2),
        ("other company", 2),
    ]
    lacks = compare([], OURS)
    assert lacks == [
        Mismatch("missing outside", None, 320193, "AAPL", "followed here, and not in the file")
    ]
    assert summary([*found, *lacks]) == {"doubled": 1, "other company": 1, "missing outside": 1}
