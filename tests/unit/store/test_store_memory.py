"""Answers kept until the next commit: the same while nothing changes, never an old one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import StoreError
from core.store.memory import LARGEST_BYTES, QueryCache
from core.store.warehouse import Warehouse

COUNT = "SELECT count(*) AS n FROM presets"


def save(warehouse: Warehouse, name: str) -> None:
    with warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO presets (reader, page, name, query, saved_at) "
            "VALUES ('r', 'p', ?, '', now())",
            [name],
        )


def test_an_answer_is_shared_until_a_commit(tmp_path: Path) -> None:
    """The same question gives the same frame; after a commit it gives the new one."""
    with Warehouse.open(tmp_path / "w.duckdb") as warehouse:
        first = warehouse.read(COUNT)
        assert warehouse.read(COUNT) is first
        save(warehouse, ["a"])
        assert warehouse.read(COUNT).item() == 1


def test_a_rollback_leaves_no_trace(tmp_path: Path) -> None:
    """What was never committed is not in an answer."""
    with Warehouse.open(tmp_path / "w.duckdb") as warehouse:
        with pytest.raises(ZeroDivisionError), warehouse.transaction() as tx:
            tx.execute("INSERT INTO presets VALUES ('r', 'p', 'x', '', now())")
            raise ZeroDivisionError
        assert warehouse.read(COUNT).item() == 0


def test_parameters_tell_questions_apart(tmp_path: Path) -> None:
    """1, true and '1' are three questions."""
    with Warehouse.open(tmp_path / "w.duckdb") as warehouse:
        found = [warehouse.read("SELECT typeof(?) AS t", [v]).item() for v in (1, True, "1")]
    assert found == ["INTEGER", "BOOLEAN", "VARCHAR"]


def test_a_closed_store_answers_nothing(tmp_path: Path) -> None:
    """An answer does not outlive the store."""
    warehouse = Warehouse.open(tmp_path / "w.duckdb")
    warehouse.read(COUNT)
    warehouse.close()
    with pytest.raises(StoreError):
        warehouse.read(COUNT)


def test_an_answer_that_a_commit_overtook_is_not_kept() -> None:
    """A frame read before a commit never stands for the version after it."""
    memory, old, new = QueryCache(), pl.DataFrame({"n": [1]}), pl.DataFrame({"n": [2]})

    def overtaken() -> pl.DataFrame:
        assert memory.get(("q", ""), 2, lambda: new) is new
        return old

    assert memory.get(("q", ""), 1, overtaken) is old
    assert memory.get(("q", ""), 2, lambda: old) is new


def test_large_answers_are_not_kept() -> None:
    """What a pull reads does not fill the memory of the pages."""
    memory, large = QueryCache(), pl.DataFrame({"n": range(LARGEST_BYTES // 8 + 1)})
    assert memory.get(("q", ""), 1, lambda: large) is large
    other = pl.DataFrame({"n": [1]})
    assert memory.get(("q", ""), 1, lambda: other) is other
