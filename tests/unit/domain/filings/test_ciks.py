"""What is a CIK, and what only looks like one."""

from __future__ import annotations

import pytest

from core.domain.filings import edgar


@pytest.mark.parametrize(
    ("text", "cik"),
    [
        ("320193", 320193),
        (" 0000320193 ", 320193),
        ("9999999999", 9_999_999_999),
        ("CIK0000320193", 320193),
        ("cik 320193", 320193),
        ("CIK", None),
        ("C\u0130K320193", None),
        ("99999999999", None),
        ("0", None),
        ("", None),
        ("\u00b2", None),
        ("\u2460", None),
        ("\u0663\u0662", None),
        ("1" * 5000, None),
        ("-1", None),
        ("AAPL", None),
    ],
)
def test_a_cik_is_one_to_ten_plain_digits(text: str, cik: int | None) -> None:
    """Digits of other scripts and numbers without an end are none."""
    assert edgar.cik_of(text) == cik
