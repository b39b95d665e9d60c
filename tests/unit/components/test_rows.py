"""Values in the words of cells."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from components.kit import rows


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("x", None, "–"),
        ("gap_pct", 4.256, "+4.26 %"),
        ("premarket_gap_pct", -4.0, "−4.00 %"),
        ("share_pct", 4.0, "4.00 %"),
        ("score", 57.8, "58"),
        ("value", 1234567.5, "1,234,567.50"),
        ("n", 1234, "1,234"),
        ("ok", True, "yes"),
        ("day", date(2026, 11, 30), "Mon 30 Nov 2026"),
        ("at", datetime(2026, 11, 30, 14, 5, tzinfo=UTC), "Mon 30 Nov 09:05 ET"),
        ("list", ["a", "b"], "a, b"),
        ("left_value", 1813334000.0, "1,813,334,000"),
        ("value", 1.25, "1.25"),
        ("cik", 9900032, "9900032"),
        ("fiscal_year", 2026, "2026"),
        ("revision_risk_pct", 13.6, "14 %"),
        ("bytes", 19_200_000, "19.2 MB"),
        ("elapsed_seconds", 35.94, "35.9 s"),
        ("change", -3, "−3"),
        ("debit", Decimal("-1234.500000"), "−1,234.50"),
        ("rate", Decimal("1.234560"), "1.23456"),
    ],
)
def test_a_value_is_written_by_the_name_of_its_column(name: str, value: object, said: str) -> None:
    """With its sign, its unit and its zone."""
    assert rows.told(name, value) == said


def test_what_may_be_won_or_lost_has_its_sign() -> None:
    """A plus too, so that a column of gaps in ATR does not mix signed and bare figures."""
    told = [rows.told(name, value) for name in ("gap_atr", "rvol") for value in (2.5, -1.25)]
    assert told == ["+2.50", "−1.25", "2.50", "−1.25"]
