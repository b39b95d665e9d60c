"""Which session counts as the latest in a table of bars."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.store import scans
from core.store.warehouse import Warehouse

# six sessions around Thanksgiving 2026, the newest last
DAYS = (date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24),
        date(2026, 11, 25), date(2026, 11, 27))  # fmt: skip


def bars(*counts: tuple[date, int]) -> pl.DataFrame:
    """So many names with a bar on each of the days."""
    rows = [(f"S{n}", day) for day, names in counts for n in range(names)]
    price = [pl.lit(10.0).alias(name) for name in ("open", "high", "low", "close")]
    frame = pl.DataFrame(rows, schema=["symbol", "session"], orient="row")
    return frame.with_columns(*price, volume=pl.lit(1, pl.Int64), pull_id=pl.lit("p"))


@pytest.mark.parametrize(
    ("counts", "latest"),
    [
        ((40, 40, 40, 40, 40, 4), 5),  # a tenth is enough
        ((40, 40, 40, 40, 40, 3), 4),  # less is not there yet
        ((40, 4, 4, 4, 4, 3), 4),  # the busiest of the five before counts, however far back
        ((1, 0, 0, 0, 0, 0), 0),
        ((40, 40, 40, 3, 3, 3), 2),
    ],
)
def test_a_session_is_there_once_a_tenth_of_the_names_is(
    warehouse: Warehouse, counts: tuple[int, ...], latest: int
) -> None:
    """Of the names of the busiest of the five sessions before it."""
    with warehouse.transaction() as tx:
        tx.insert("bars_daily", bars(*zip(DAYS, counts, strict=True)))
    assert scans.latest_session(warehouse, "bars_daily") == DAYS[latest]


def test_days_without_a_session_and_later_days_are_not_looked_at(warehouse: Warehouse) -> None:
    """Thanksgiving and a Saturday have rows by mistake; `until` is the last day that counts."""
    closed = (date(2026, 11, 26), date(2026, 11, 28))
    with warehouse.transaction() as tx:
        tx.insert("bars_daily", bars(*((day, 40) for day in (*DAYS, *closed))))
    ask = [scans.latest_session(warehouse, "bars_daily", day) for day in (None, *closed, DAYS[2])]
    assert ask == [DAYS[-1], DAYS[-2], DAYS[-1], DAYS[2]]
    assert scans.latest_session(warehouse, "bars_daily", date(2026, 11, 1)) is None
    assert scans.closed_days(warehouse, "bars_daily") == list(closed)


def test_bars_without_prices_are_no_session(warehouse: Warehouse) -> None:
    """As of a halted day, or of one that was filled in."""
    hollow = bars((DAYS[5], 40)).with_columns(open=pl.lit(0.0), close=pl.lit(0.0))
    with warehouse.transaction() as tx:
        tx.insert("bars_daily", pl.concat([bars((DAYS[4], 40)), hollow]))
    assert scans.latest_session(warehouse, "bars_daily") == DAYS[4]


def test_a_table_whose_bars_lie_far_apart(warehouse: Warehouse) -> None:
    """Sessions months before count where there are too few lately, and years of stray rows."""
    old = (date(2025, 1, 6), date(2025, 1, 7), date(2025, 1, 8))
    with warehouse.transaction() as tx:
        tx.insert("bars_daily", bars(*((day, 40) for day in old), (DAYS[5], 3)))
    assert scans.latest_session(warehouse, "bars_daily") == old[2]
    assert scans.latest_session(warehouse, "bars_daily", date(2025, 1, 7)) == old[1]
