"""The clock of a desk: this machine's, or one that runs so many seconds beside it.

A demo of another morning sets the offset once, in the environment; every process below it, and
every command beside it, then tells the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import UsageError

NEW_YORK = ZoneInfo("America/New_York")
Clock = Callable[[], datetime]


def running(offset_seconds: float = 0.0) -> Clock:
    """A clock that is `offset_seconds` ahead of this machine's (behind, when negative)."""
    offset = timedelta(seconds=offset_seconds)
    return lambda: datetime.now(UTC) + offset


def offset_to(at: datetime, now: datetime) -> float:
    """Seconds from `now` to `at`, both aware: what makes a clock show `at` now."""
    return (at - now).total_seconds()


def instant(text: str) -> datetime:
    """An instant as a user writes it: ISO, New York time without a zone; UsageError otherwise."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        at = None
    if at is None or "T" not in text.strip().upper().replace(" ", "T"):
        raise UsageError(
            f"{text!r} is not a day and time", hint="write it as 2026-11-30T09:05 (New York time)"
        )
    return (at if at.tzinfo else at.replace(tzinfo=NEW_YORK)).astimezone(UTC)
