"""The clock of a desk, and an instant as a user writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-30T09:05", datetime(2026, 11, 30, 14, 5, tzinfo=UTC)),
        ("2026-07-01 09:05", datetime(2026, 7, 1, 13, 5, tzinfo=UTC)),
        ("2026-11-30T23:05+09:00", datetime(2026, 11, 30, 14, 5, tzinfo=UTC)),
        ("2026-11-30T14:05:00Z", datetime(2026, 11, 30, 14, 5, tzinfo=UTC)),
    ],
)
def test_an_instant_is_of_new_york_without_a_zone(text: str, at: datetime) -> None:
    """Winter and summer; one that names its zone is of that zone."""
    assert clock.instant(text) == at


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-11-30", "09:05", "2026-13-01T09:05"])
def test_other_texts_are_refused(text: str) -> None:
    """With one sentence that says how to write it."""
    with pytest.raises(UsageError, match="not a day and time"):
        clock.instant(text)


def test_a_clock_runs_from_its_instant_on() -> None:
    """The offset makes it show that instant now, and time goes on from there."""
    at = datetime(2030, 1, 2, tzinfo=UTC)
    shown = clock.running(clock.offset_to(at, clock.running()()))()
    assert timedelta(0) <= shown - at < timedelta(seconds=30)
