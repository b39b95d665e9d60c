"""A lake is kept up: small files become one, old snapshots and lost files go, the rows stay."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.access.principals import ENGINE
from core.errors import StoreError, UsageError
from core.service.care import health, upkeep
from core.service.desk import Desk
from core.service.kernel import access
from core.settings import load
from core.store import events as store
from core.store import lake_upkeep
from tests import postgres_server


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on a lake with a table in many small files, of which some rows are gone."""
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    with postgres_server.running() as server:
        catalogue = postgres_server.make(server, "kept")
        url = f"ducklake:{catalogue}?data={tmp_path / 'lake'}"
        with Desk.open(load(data_dir=tmp_path / "desk", store_url=url)) as opened:
            for n in range(12):
                with opened.warehouse.transaction() as tx:
                    rows = f"SELECT range, 'X', now() FROM range({n * 100}, {n * 100 + 100})"
                    tx.execute(f"INSERT INTO watchlist {rows}")
            with opened.warehouse.transaction() as tx:
                tx.execute("DELETE FROM watchlist WHERE cik % 3 = 0")
            yield opened


def _files(desk: Desk) -> int:
    found = {name: count for name, count, *_ in lake_upkeep.files_of(desk.warehouse).iter_rows()}
    return found.get("watchlist", 0)


def _rows(desk: Desk) -> object:
    return desk.warehouse.read_anew("SELECT count(*), sum(cik) FROM watchlist").row(0)


@pytest.mark.thorough
def test_small_files_and_old_snapshots_go_and_the_rows_stay(desk: Desk, tmp_path: Path) -> None:
    """Files of snapshots that are kept stay; a file that no snapshot knows goes when it is old."""
    rows, many = _rows(desk), _files(desk)
    assert many > lake_upkeep.FEW_FILES
    lost = tmp_path / "lake" / "main" / "watchlist" / "lost.parquet"
    lost.write_bytes(b"of a transaction that was killed")
    os.utime(lost, (0, 0))
    with access.acting(ENGINE):
        done = upkeep.keep_up(desk)
    assert done["snapshots_expired"] == 0
    assert not lost.exists()
    assert _files(desk) == 1
    assert _rows(desk) == rows
    assert store.last_of(desk.warehouse, ["lake.kept"])
    later = desk.now() + timedelta(days=30)
    done_later = lake_upkeep.keep_up(desk.warehouse, later, timedelta(days=7))
    assert done_later.snapshots_expired > 12
    assert done_later.files_removed >= many
    assert _rows(desk) == rows
    with desk.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (-1, 'Y', now())")


def test_rows_of_small_commits_leave_the_catalogue_when_they_are_many(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written as a file."""
    for n in range(3):
        with desk.warehouse.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (?, 'Z', now())", [n - 10])
    rows = _rows(desk)
    monkeypatch.setattr(lake_upkeep, "FEW_ROWS", 1)
    done = lake_upkeep.keep_up(desk.warehouse, desk.now(), timedelta(days=7))
    assert done.tables > 1
    assert _rows(desk) == rows


@pytest.mark.thorough
def test_health_tells_of_many_files_and_of_upkeep_that_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both want a look; neither stops the desk from serving."""
    look = health.CHECKS["lake"]
    assert not look.stops_serving
    assert look.look(desk).status == "ok"
    with monkeypatch.context() as patch:
        patch.setattr(lake_upkeep, "MOST_FILES", 3)
        many = look.look(desk)
        assert (many.status, "watchlist" in many.message) == ("warn", True)
    with monkeypatch.context() as patch, access.acting(ENGINE):
        patch.setattr(lake_upkeep, "keep_up", _fails)
        with pytest.raises(StoreError):
            upkeep.keep_up(desk)
    assert "the last upkeep failed" in look.look(desk).message
    with access.acting(ENGINE):
        upkeep.keep_up(desk)
    assert look.look(desk).status == "ok"


def _fails(*_: object) -> None:
    raise StoreError("no room")


def test_a_store_in_a_file_needs_no_upkeep(tmp_path: Path) -> None:
    """Health says so, and who asks for it is told."""
    with Desk.open(load(data_dir=tmp_path)) as plain, access.acting(ENGINE):
        assert health.CHECKS["lake"].look(plain).message == "the store is a file"
        with pytest.raises(UsageError, match="needs no upkeep"):
            upkeep.keep_up(plain)
