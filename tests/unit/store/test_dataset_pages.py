"""Pages of a dataset's rows: every row once and in order, also where cells of the key are empty."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import polars as pl
import pytest

from core.domain.tables.datasets import ColumnType, Dataset
from core.errors import UsageError
from core.store.dataset_pages import Wanted, page
from core.store.warehouse import Warehouse

SCHEMA = {
    "symbol": ColumnType.parse("str?"),
    "day": ColumnType.parse("date?"),
    "n": ColumnType.parse("int"),
}
DATASET = Dataset("d", "file", "kept", ("symbol", "day"), SCHEMA)
DAYS = (date(2026, 3, 9), date(2026, 3, 10), None)
SYMBOLS = ("AAA", "BBB", None)


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """A row for each symbol and day, each of which may be empty."""
    rows = [(symbol, day, n) for n, (symbol, day) in enumerate(product(SYMBOLS, DAYS))]
    frame = pl.DataFrame(rows, schema=DATASET.polars_schema, orient="row")
    with warehouse.transaction() as tx:
        tx.ensure_table(DATASET)
        tx.insert("kept", frame.with_columns(pull_id=pl.lit("p")))
    return warehouse


def walked(warehouse: Warehouse, wanted: Wanted, limit: int) -> list[tuple[Any, ...]]:
    """All rows, page by page."""
    found: list[tuple[Any, ...]] = []
    after: list[Any] | None = None
    while True:
        rows, after = page(warehouse, DATASET, wanted, after, limit)
        assert rows.height <= limit
        found += rows.rows()
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 4, 8, 9, 100])
def test_however_long_a_page_is_the_list_is_the_same(filled: Warehouse, limit: int) -> None:
    """The last day first, within it the last symbol; empty cells at the end."""
    found = walked(filled, Wanted([], {}), limit)
    order = [(symbol, day) for day in (DAYS[1], DAYS[0], None) for symbol in ("BBB", "AAA", None)]
    assert [(symbol, day) for symbol, day, _ in found] == order


def test_a_list_may_be_narrowed_by_symbol_and_by_days(filled: Warehouse) -> None:
    """Both ends belong to it; what has no day is in no span of days."""
    day = datetime(2026, 3, 10, 23, 59)  # noqa: DTZ001 - as an address may give it
    wanted = Wanted.of(DATASET, symbol="AAA", since=day, until=day.replace(tzinfo=UTC))
    assert [row[:2] for row in walked(filled, wanted, 2)] == [("AAA", DAYS[1])]


def test_before_any_pull_a_page_is_empty_and_has_its_columns(warehouse: Warehouse) -> None:
    """There is no table yet."""
    rows, after = page(warehouse, DATASET, Wanted([], {}), None, 5)
    assert (rows.columns, rows.height, after) == (["symbol", "day", "n"], 0, None)


@pytest.mark.parametrize(
    "after",
    ["text", {}, 7, [], ["2026-03-10"], ["2026-03-10", "AAA", "x"], ["no day", "AAA"],
     ["2026-03-10", 7], ["2026-03-10", "A\0"]],
)  # fmt: skip
def test_a_cursor_of_another_list_is_refused(filled: Warehouse, after: Any) -> None:
    """It is what somebody sent: no query is made of it."""
    with pytest.raises(UsageError, match="none of this list"):
        page(filled, DATASET, Wanted([], {}), after, 5)


def test_what_a_dataset_does_not_have_cannot_be_asked_for() -> None:
    """A symbol, or days, of a table without such a column."""
    bare = Dataset("bare", "file", "bare", ("n",), {"n": ColumnType.parse("int")})
    now = datetime(2026, 3, 10, tzinfo=UTC)
    with pytest.raises(UsageError, match="no column symbol"):
        Wanted.of(bare, symbol="AAA", since=None, until=None)
    for since, until in ((now, None), (None, now)):
        with pytest.raises(UsageError, match="no column of days"):
            Wanted.of(bare, symbol=None, since=since, until=until)
