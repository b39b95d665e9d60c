"""What `Retry-After` asks for, in both forms of RFC 9110, and what is no wish."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import LONGEST_WISH, RateLimitedError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("9" * 99, LONGEST_WISH),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 00:00:00 GMT", LONGEST_WISH),
    ],
)
def test_numbers_and_dates(text: str, seconds: float) -> None:
    """Seconds from now, none for what is over, a year at most."""
    assert RateLimitedError.seconds_asked(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "\u00b2", "1.5", "-1", "9" * 100, "Sat, 99 Nov 2026 25:00:00 GMT",
        "Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    ],
)  # fmt: skip
def test_what_asks_for_no_wait(text: str) -> None:
    """Whoever reads it waits as they would without."""
    assert RateLimitedError.seconds_asked(text, NOW) is None
