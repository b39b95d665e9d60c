"""The table of the New York exchange is what the library says, and takes neither it nor pandas."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from core.domain.timetable import exchanges, sessions, xnys
from tools import exchange_days


def test_the_table_is_that_of_the_library() -> None:
    """Every session and every early close of 41 years: after an update, write it anew."""
    days, early = exchange_days.told()
    table = xnys.table()
    assert set(table["session"]) == days
    assert table["session"].is_sorted()
    closes = table.filter("early_close").select(
        "session", pl.col("close_at").dt.convert_time_zone(xnys.ZONE).dt.time()
    )
    assert dict(closes.iter_rows()) == early


def test_the_file_is_as_the_tool_writes_it() -> None:
    """Nobody edits the days by hand."""
    text = Path(xnys.__file__).read_text(encoding="utf-8")
    assert (
        text.partition(exchange_days.MARK)[2]
        == exchange_days.written().partition(exchange_days.MARK)[2]
    )


def test_hours_are_those_of_new_york() -> None:
    """Half past nine to four there, in winter and summer, and half days."""
    at = datetime(2026, 7, 1, 13, 30, tzinfo=UTC), datetime(2026, 7, 1, 20, tzinfo=UTC)
    assert sessions.hours_of(date(2026, 7, 1)) == at
    half = datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert sessions.hours_of(date(2026, 11, 27)) == half
    assert xnys.table().schema == {
        "session": pl.Date,
        "open_at": pl.Datetime("us", "UTC"),
        "close_at": pl.Datetime("us", "UTC"),
        "early_close": pl.Boolean,
    }


def test_new_york_is_told_without_the_library(monkeypatch) -> None:
    """By both of its names, from the first to the last whole decade of the table."""
    monkeypatch.setattr(exchanges, "_library", lambda: None)
    exchanges._built.cache_clear()
    exchanges.is_exchange.cache_clear()
    for name in xnys.NAMES:
        assert exchanges.is_exchange(name)
        found = exchanges.sessions(name, date(1990, 1, 1), date(2029, 12, 31))
        assert [row[0] for row in found] == [
            day for day in xnys.table()["session"] if day.year < 2030
        ]
    exchanges._built.cache_clear()
    exchanges.is_exchange.cache_clear()
