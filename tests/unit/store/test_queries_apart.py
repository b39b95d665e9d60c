"""Both halves of a user's query, the desk's and its own process's, only read, as of one moment."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.store import queries, query_process
from core.store.queries import Queries, QueryLimits
from core.store.warehouse import Warehouse


@pytest.fixture
def asked(warehouse: Warehouse, tmp_path: Path) -> Iterator[Queries]:
    """A runner on a store with two tables that every commit fills alike."""
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE one AS SELECT 1 AS a")
        tx.execute("CREATE TABLE two AS SELECT 1 AS b")
    runner = Queries(warehouse, tmp_path / "spill", QueryLimits(seconds=60))
    yield runner
    runner.close()


def before_each_table(monkeypatch: pytest.MonkeyPatch, call: Callable[[Any], object]) -> None:
    """Do something whenever the desk is about to hand over a table."""
    send = queries._send

    def sent(cursor: Any, *arguments: Any) -> None:
        call(cursor)
        send(cursor, *arguments)

    monkeypatch.setattr(queries, "_send", sent)


def test_the_tables_of_a_query_are_as_of_one_moment(
    asked: Queries, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed between the first and the second is in neither."""

    def fill(_: object) -> None:
        with warehouse.transaction() as tx:
            tx.execute("INSERT INTO one VALUES (2)")
            tx.execute("INSERT INTO two VALUES (2)")

    before_each_table(monkeypatch, fill)
    counts = "SELECT (SELECT count(a) FROM one) AS n, (SELECT count(b) FROM two) AS m"
    assert asked.run(counts) == [{"n": 1, "m": 1}]


def test_the_desks_half_cannot_write(asked: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a query might make it do."""
    refusals: list[str] = []

    def write(cursor: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(duckdb.Error) as caught:
            cursor.execute("INSERT INTO one VALUES (2)")
        refusals.append(str(caught.value))

    before_each_table(monkeypatch, write)
    try:
        asked.run("SELECT a FROM one")
    except duckdb.Error:
        refusals.append("and the transaction is over")
    assert "read-only" in refusals[0]


def test_the_other_half_cannot_write_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copies are its own, and still no query changes them."""

    def write(connection: duckdb.DuckDBPyConnection, *_: Any) -> None:
        connection.execute("CREATE TABLE t (a INTEGER)")

    monkeypatch.setattr(query_process, "_rows", write)
    task = {"query": "SELECT 1", "schema": [], "memory": 2**28, "spill": 2**28}
    with pytest.raises(duckdb.Error, match="read-only"):
        query_process._answer(task | {"folder": str(tmp_path)}, io.BytesIO(), io.BytesIO())
