"""The warehouse: merges by natural key, history, read-only queries, ownership, migrations."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.domain.tables.datasets import ColumnType, Dataset
from core.errors import OwnershipError, SchemaError, StoreError
from core.store import migrate
from core.store.connection import CACHED_BYTES
from core.store.transaction import MergeCounts
from core.store.warehouse import Warehouse

KEY = ("symbol", "ex_date", "kind")


def action(symbol: str, ratio: float | None, note: str | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": [symbol],
            "ex_date": [date(2024, 6, 10)],
            "kind": ["split"],
            "ratio": [ratio],
            "amount": [None],
            "currency": [None],
            "note": [note],
        },
        schema_overrides={
            "ratio": pl.Float64,
            "amount": pl.Float64,
            "currency": pl.String,
            "note": pl.String,
        },
    )


def merge(warehouse: Warehouse, frame: pl.DataFrame, pull: str) -> MergeCounts:
    with warehouse.transaction() as tx:
        return tx.merge("corporate_actions", frame, KEY, pull)


def test_merge_counts_new_changed_and_same(warehouse: Warehouse) -> None:
    """A merge says what it did, and writes only what differs."""
    both = pl.concat([action("A", 2.0), action("B", 3.0)])
    assert merge(warehouse, both, "p1") == MergeCounts(2, 0, 0)
    assert merge(warehouse, both, "p2") == MergeCounts(0, 0, 2)
    assert merge(warehouse, pl.concat([action("B", 4.0), action("C", None)]), "p3") == MergeCounts(
        1, 1, 0
    )
    rows = warehouse.read("SELECT symbol, ratio, pull_id FROM corporate_actions ORDER BY symbol")
    assert rows.rows() == [("A", 2.0, "p1"), ("B", 4.0, "p3"), ("C", None, "p3")]


def test_what_is_overwritten_leaves_a_trace(warehouse: Warehouse) -> None:
    """The row as it was goes to row_history with both pulls."""
    merge(warehouse, action("B", 3.0), "p1")
    merge(warehouse, action("B", 4.0), "p2")
    history = warehouse.read("SELECT table_name, row_json, pull_id, replaced_by FROM row_history")
    ((table, row, before, after),) = history.rows()
    assert (table, before, after) == ("corporate_actions", "p1", "p2")
    assert '"ratio":3.0' in row


def test_a_repeated_key_in_one_frame_is_refused(warehouse: Warehouse) -> None:
    """Two rows of one key would make the result depend on their order."""
    with pytest.raises(SchemaError, match="repeat a key"):
        merge(warehouse, pl.concat([action("A", 1.0), action("A", 2.0)]), "p1")
    assert warehouse.read("SELECT count(*) FROM corporate_actions").item() == 0


def test_a_failing_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    """All or none."""
    with pytest.raises(RuntimeError), warehouse.transaction() as tx:
        tx.merge("corporate_actions", action("A", 1.0), KEY, "p1")
        raise RuntimeError
    assert warehouse.read("SELECT count(*) FROM corporate_actions").item() == 0


def test_empty_cells_in_keys_match_each_other(warehouse: Warehouse) -> None:
    """A null in a key is a value like any other."""
    dataset = Dataset(
        "x", "file", "mine", ("a",), {"a": ColumnType.parse("str?"), "b": ColumnType.parse("int")}
    )
    frame = pl.DataFrame({"a": [None, "x"], "b": [1, 2]}, schema={"a": pl.String, "b": pl.Int64})
    with warehouse.transaction() as tx:
        tx.ensure_table(dataset)
        assert tx.merge("mine", frame, ("a",), "p1") == MergeCounts(2, 0, 0)
    with warehouse.transaction() as tx:
        assert tx.merge("mine", frame, ("a",), "p2") == MergeCounts(0, 0, 2)


def test_a_table_grows_with_its_schema_but_keeps_its_types(warehouse: Warehouse) -> None:
    """New columns are added; a changed type is refused with what to do."""
    schema = {"a": ColumnType.parse("str"), "b": ColumnType.parse("decimal(18,4)?")}
    with warehouse.transaction() as tx:
        assert tx.ensure_table(Dataset("x", "file", "mine", ("a",), schema)) == []
        wider = {**schema, "c": ColumnType.parse("datetime?")}
        assert tx.ensure_table(Dataset("x", "file", "mine", ("a",), wider)) == ["c"]
        assert tx.ensure_table(Dataset("x", "file", "mine", ("a",), wider)) == []
        with pytest.raises(SchemaError, match="column b"):
            tx.ensure_table(
                Dataset("x", "file", "mine", ("a",), {**schema, "b": ColumnType.parse("int")})
            )


def test_instants_come_back_in_utc(warehouse: Warehouse) -> None:
    """TIMESTAMPTZ columns are UTC in frames."""
    frame = warehouse.read("SELECT TIMESTAMPTZ '2024-07-01 09:30:00-04' AS t")
    assert frame.schema["t"] == pl.Datetime("us", "UTC")
    assert frame["t"][0].hour == 13


def test_readers_see_whole_transactions(warehouse: Warehouse) -> None:
    """Threads that read while one writes see all of a transaction or nothing of it."""
    seen: set[int] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(warehouse.read("SELECT count(*) FROM corporate_actions").item())

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(10):
        merge(warehouse, pl.concat([action(f"{number}{n}", 1.0) for n in range(10)]), "p")
    stop.set()
    for reader in readers:
        reader.join()
    assert seen <= set(range(0, 101, 10))


def test_migrations_run_once_and_must_not_change(tmp_path: Path) -> None:
    """Reopening applies nothing; an edited or unknown migration is refused."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_one.sql").write_text("CREATE TABLE one (a INTEGER)")
    with Warehouse.open(tmp_path / "x.duckdb") as warehouse:
        with warehouse.transaction() as tx:
            tx.execute("DELETE FROM migrations")
            assert [m.name for m in migrate.migrate(tx, folder)] == ["one"]
            assert migrate.migrate(tx, folder) == []
        (folder / "0001_one.sql").write_text("CREATE TABLE one (a BIGINT)")
        with warehouse.transaction() as tx, pytest.raises(StoreError, match="edited"):
            migrate.migrate(tx, folder)
        (folder / "0001_one.sql").unlink()
        with warehouse.transaction() as tx, pytest.raises(StoreError, match="newer"):
            migrate.migrate(tx, folder)


def test_a_damaged_file_is_not_opened_in_silence(tmp_path: Path) -> None:
    """A file that is no database is a StoreError that says what to do."""
    path = tmp_path / "desk.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises((StoreError, OwnershipError)) as caught:
        Warehouse.open(path)
    assert "restore" in str(caught.value) or "cannot be opened" in str(caught.value)


def test_what_bulk_transactions_write_does_not_stay_in_memory(warehouse: Warehouse) -> None:
    """The cache of written rows is bounded, and the limit of memory is what it was before."""
    setting = "SELECT current_setting('memory_limit'), current_setting('threads')"
    with warehouse.cursor() as cursor:
        before = cursor.execute(setting).fetchall()
    numbers = pl.select(pl.int_range(1_000_000).hash(seed=1).alias("n")).to_series()
    frame = pl.DataFrame({"n": numbers, "m": numbers.hash(seed=2)})
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE many (n UBIGINT, m UBIGINT)")
    for _ in range(4):
        with warehouse.transaction(bulk=True) as tx:
            tx.insert("many", frame)
    cached = "SELECT sum(memory_usage_bytes) FROM duckdb_memory() WHERE tag = 'BASE_TABLE'"
    with warehouse.cursor() as cursor:
        (held,) = cursor.execute(cached).fetchone() or (None,)
        assert held <= CACHED_BYTES
        assert cursor.execute(setting).fetchall() == before
    assert warehouse.read("SELECT count(*), count(DISTINCT n) FROM many").row(0) == (
        4_000_000, 1_000_000,
    )  # fmt: skip


def test_a_checkpoint_waits_for_readers_of_what_was_changed(tmp_path: Path) -> None:
    """A query that began before a commit holds its rows; one that goes on for long is told."""
    with Warehouse.open(tmp_path / "a.duckdb") as warehouse, warehouse.cursor() as reader:
        for _ in range(2):
            reader.execute("BEGIN TRANSACTION READ ONLY")
            reader.execute("SELECT * FROM store_commits").fetchall()
            with warehouse.transaction() as tx:
                tx.execute("INSERT INTO watchlist VALUES (1, 'A', now())")
            with pytest.raises(StoreError, match="other write transactions"):
                warehouse.checkpoint(patience_seconds=0.05)
            ending = threading.Timer(0.2, lambda: reader.execute("ROLLBACK"))
            ending.start()
            warehouse.checkpoint()
            ending.join()
        assert warehouse.read("SELECT count(*) FROM watchlist").item() == 2
