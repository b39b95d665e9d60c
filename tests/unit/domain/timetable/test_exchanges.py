"""Sessions of exchanges are those of the package, over blocks of years and within its bounds."""

from __future__ import annotations

import warnings
from datetime import UTC, date

import pytest

from core.domain.timetable import exchanges

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import exchange_calendars as library


def of_the_package(exchange: str, first: date, last: date) -> list[tuple[object, ...]]:
    """Its own table of one range, asked in one piece."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = library.get_calendar(exchange, start=first, end=last).schedule
    rows = zip(table.index, table["open"], table["close"], strict=True)
    return [(d.date(), o.to_pydatetime(), c.to_pydatetime()) for d, o, c in rows]


@pytest.mark.parametrize(
    ("exchange", "first", "last"),
    [
        ("XNYS", date(2019, 12, 24), date(2020, 1, 3)),  # over the end of a block
        ("NYSE", date(2029, 12, 31), date(2030, 1, 2)),  # by another name
        ("XLON", date(2020, 3, 26), date(2020, 3, 31)),  # where clocks change on another day
    ],
)
def test_sessions_are_those_of_the_package(exchange: str, first: date, last: date) -> None:
    """Day, open and close in UTC, the first and the last day with them."""
    found = exchanges.sessions(exchange, first, last)
    assert list(found) == of_the_package(exchange, first, last)
    assert {moment.tzinfo for _, *moments in found for moment in moments} == {UTC}


def test_one_day_and_a_day_without_session() -> None:
    """A session, a Saturday, and a span that ends before it begins."""
    friday, saturday = date(2026, 3, 6), date(2026, 3, 7)
    assert [s[0] for s in exchanges.sessions("XNYS", friday, friday)] == [friday]
    assert exchanges.sessions("XNYS", saturday, saturday) == ()
    assert exchanges.sessions("XNYS", saturday, friday) == ()


def test_a_calendar_that_is_known_for_some_years_only() -> None:
    """Hong Kong's holidays are known from 1960 to a year in this century; others have no end."""
    factory = library.calendar_utils._default_calendar_factories["XHKG"]
    least, most = factory.bound_min().date(), factory.bound_max().date()
    found = exchanges.sessions("XHKG", date(1950, 1, 1), date(1960, 1, 31))
    assert least <= found[0][0] <= date(1960, 1, 5)
    at_the_end = exchanges.sessions("XHKG", most.replace(month=12, day=1), date(2069, 12, 31))
    assert most.replace(day=24) <= at_the_end[-1][0] <= most
    assert exchanges.sessions("XHKG", date(1940, 1, 1), date(1949, 12, 31)) == ()


def test_names_of_exchanges() -> None:
    """Codes and their other names; nothing else."""
    assert [exchanges.is_exchange(code) for code in ("XNYS", "NYSE", "MOON")] == [True, True, False]
