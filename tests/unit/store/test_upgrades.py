"""Stores of every earlier layout, with rows in every table, are brought to today's."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from core.addresses import LakeAddress
from core.errors import SettingsError
from core.service.care.moving_house import migrate_store
from core.service.desk import Desk
from core.settings import load
from core.store import migrate, warehouse
from core.store.lease import LakeWatch
from core.store.transaction import Transaction, quoted
from core.store.warehouse import Warehouse
from tests import lakes

NUMBERS = [known.number for known in migrate.available()]
OWN = ("migrations", "store_commits")  # these have their rows
_COLUMNS = """
SELECT table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)
FROM duckdb_columns() JOIN duckdb_tables() USING (table_oid, table_name)
WHERE NOT duckdb_columns.internal GROUP BY table_name ORDER BY table_name
"""


def earlier(path: Path, last: int) -> set[str]:
    """A store as the migrations up to a number leave it, each table filled as soon as it is there.

    The names of the tables.
    """
    folder = path.parent / "earlier"
    folder.mkdir()
    filled: set[str] = set()
    with duckdb.connect(str(path)) as connection:
        for file in sorted(migrate.FOLDER.glob("*.sql")):
            if int(file.name[:4]) > last:
                break
            shutil.copy(file, folder)
            connection.execute("BEGIN")
            migrate.migrate(Transaction(connection), folder)
            connection.execute("COMMIT")
            filled |= _fill(connection)
    return filled


def _fill(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Give every empty table a row; the names of all."""
    tables = [row for row in connection.execute(_COLUMNS).fetchall() if row[0] not in OWN]
    for table, columns, kinds in tables:
        if not _rows(connection, table):
            values, names = ", ".join(map(_value, kinds)), ", ".join(map(quoted, columns))
            connection.execute(f"INSERT INTO {quoted(table)} ({names}) VALUES ({values})")
    return {table for table, _, _ in tables}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()
    assert found is not None
    return int(found[0])


def _value(kind: str) -> str:
    if kind.endswith("[]"):
        return f"[{_value(kind[:-2])}]"
    words = {"DATE": "2024-01-02", "TIMESTAMP WITH TIME ZONE": "2024-01-02T00:00:00Z", "JSON": "{}"}
    return f"CAST('{words.get(kind, '1')}' AS {kind})"


@pytest.mark.few(2)
@pytest.mark.parametrize("last", [1, NUMBERS[-2], 20, 61, 77])
def test_a_filled_store_of_an_earlier_layout_is_upgraded(tmp_path: Path, last: int) -> None:
    """Whatever one migration changes and a later one alters; journal and plans stay."""
    path = tmp_path / "desk.duckdb"
    filled = earlier(path, last)
    with Warehouse.open(path) as upgraded:
        done = upgraded.read("SELECT number FROM migrations ORDER BY number")["number"].to_list()
        assert done == NUMBERS
        for table in filled & {"journal_entries", "plans", "pulls", "watchlist"}:
            assert upgraded.read(f"SELECT count(*) FROM {quoted(table)}").item() == 1
        commits = upgraded.read("SELECT number FROM store_commits").item()
    with Warehouse.open(path) as again:
        assert again.read("SELECT number FROM store_commits").item() == commits


def test_an_upgrade_that_is_killed_goes_on_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each migration stands whole or not at all."""
    path = tmp_path / "desk.duckdb"
    earlier(path, NUMBERS[-4])
    calls = iter(range(10))

    def killed(tx: Transaction, **given: int) -> object:
        if next(calls) == 2:
            raise SystemExit
        return migrate.migrate(tx, **given)

    with monkeypatch.context() as patch:
        patch.setattr(warehouse, "migrate", killed)
        with pytest.raises(SystemExit):
            Warehouse.open(path)
    with duckdb.connect(str(path)) as connection:
        assert _rows(connection, "migrations") == len(NUMBERS) - 1
    with Warehouse.open(path) as upgraded:
        assert upgraded.read("SELECT count(*) FROM migrations").item() == len(NUMBERS)


def test_an_older_store_that_moved_is_brought_to_todays_layout(tmp_path: Path) -> None:
    """It comes over with the migrations that it has had, no more."""
    earlier(tmp_path / "old.duckdb", NUMBERS[-4])
    old, new = (f"duckdb:///{tmp_path}/{name}.duckdb" for name in ("old", "new"))
    migrate_store(old, new, tmp_path, lambda *_: None)
    with duckdb.connect(str(tmp_path / "new.duckdb")) as connection:
        assert _rows(connection, "migrations") == len(NUMBERS) - 3
    with Warehouse.open(tmp_path / "new.duckdb") as upgraded:
        assert upgraded.read("SELECT count(*) FROM migrations").item() == len(NUMBERS)


@pytest.mark.thorough
def test_an_older_lake_keeps_what_was_as_a_snapshot(tmp_path: Path) -> None:
    """Nobody waits for a copy of it; moved out of its snapshot it is what it was."""
    earlier(tmp_path / "old.duckdb", NUMBERS[-4])
    with lakes.server() as server:
        lake = lakes.empty(server, tmp_path / "lake")
        migrate_store(f"duckdb:///{tmp_path}/old.duckdb", lake, tmp_path, lambda *_: None)
        watch = LakeWatch(LakeAddress(lake))
        before, _ = watch.look()
        watch.close()
        with Desk.open(load(data_dir=tmp_path / "desk", store_url=lake)) as desk:
            found = desk.warehouse.read_anew("SELECT count(*) FROM migrations").item()
        assert found == len(NUMBERS)
        assert not (tmp_path / "desk" / "backups").exists()
        was, file = f"{lake}&snapshot={before}", f"duckdb:///{tmp_path}/was.duckdb"
        with pytest.raises(SettingsError, match="TO must not name a snapshot"):
            migrate_store(file, was, tmp_path, lambda *_: None)
        with pytest.raises(SettingsError, match="without &snapshot="):
            Desk.open(load(data_dir=tmp_path / "other", store_url=was))
        migrate_store(was, file, tmp_path, lambda *_: None)
    with duckdb.connect(str(tmp_path / "was.duckdb")) as connection:
        assert _rows(connection, "migrations") == len(NUMBERS) - 3
