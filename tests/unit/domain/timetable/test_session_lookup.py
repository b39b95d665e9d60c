"""Single sessions are looked up as the frame of all of them says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.domain.timetable import sessions
from core.errors import UsageError


@pytest.mark.parametrize("place", [0, 1, 777, -2, -1])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_lookup_is_the_frame_filtered(place: int, shift: int) -> None:
    """At opens and closes to the microsecond; an open counts from its instant, a close too."""
    table = sessions.all_sessions()
    for column in ("open_at", "close_at"):
        now = table[column][place] + timedelta(microseconds=shift)
        opened = table.filter(pl.col("open_at") <= now)["session"]
        coming = table.filter(pl.col("close_at") > now)["session"]
        if opened.len():
            assert sessions.latest_open(now) == opened[-1]
        else:
            with pytest.raises(UsageError, match="begins in 1990"):
                sessions.latest_open(now)
        if coming.len():
            assert sessions.current_session(now) == coming[0]
        else:
            with pytest.raises(UsageError, match="ends in 2030"):
                sessions.current_session(now)


def test_before_and_after_the_calendar() -> None:
    """Years without sessions are told."""
    with pytest.raises(UsageError, match="begins in 1990"):
        sessions.latest_open(datetime(1900, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="ends in 2030"):
        sessions.current_session(datetime(2199, 1, 1, tzinfo=UTC))


def test_hours_are_those_of_the_frame() -> None:
    """Early closes included; a holiday has none."""
    for day in (datetime(2024, 11, 29).date(), datetime(2024, 7, 1).date()):  # noqa: DTZ001
        row = sessions.sessions_between(day, day).select("open_at", "close_at").row(0)
        assert sessions.hours_of(day) == row
    with pytest.raises(UsageError, match="no session"):
        sessions.hours_of(datetime(2024, 7, 4).date())  # noqa: DTZ001
