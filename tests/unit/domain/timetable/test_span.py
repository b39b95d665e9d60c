"""The span of a session says what the calendar says of it, looked up once."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.domain.timetable import sessions as calendar
from core.domain.timetable.span import span_to
from core.errors import NotFoundError

AFTER_EARLY_CLOSE = date(2025, 12, 26)


def test_a_span_is_the_calendar_up_to_a_session() -> None:
    """The day after an early close: opens, the close before, sessions back."""
    span = span_to(AFTER_EARLY_CLOSE)
    assert (span.day, span.before) == (AFTER_EARLY_CLOSE, date(2025, 12, 24))
    assert span.opens == datetime(2025, 12, 26, 14, 30, tzinfo=UTC)
    assert span.closed_before == datetime(2025, 12, 24, 18, tzinfo=UTC)
    assert [span.back(n) for n in (1, 21, 271)] == [
        calendar.session_back(AFTER_EARLY_CLOSE, n) for n in (1, 21, 271)
    ]
    assert span.days.equals(
        calendar.sessions_between(date(1990, 1, 1), AFTER_EARLY_CLOSE)["session"]
    )
    assert span.row.equals(calendar.sessions_between(AFTER_EARLY_CLOSE, AFTER_EARLY_CLOSE))


@pytest.mark.parametrize("day", [date(2025, 12, 25), date(2025, 12, 27), date(1980, 1, 2)])
def test_a_day_without_trading_has_none(day: date) -> None:
    """A holiday, a Saturday, and what lies before the calendar."""
    with pytest.raises(NotFoundError, match="did not trade"):
        span_to(day)


def test_the_calendar_begins_somewhere() -> None:
    """Before its first session stands the first itself."""
    first = calendar.all_sessions()["session"][0]
    span = span_to(first)
    assert (span.before, span.back(300)) == (first, first)
