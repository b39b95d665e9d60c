"""Incremental backups of a desk: made by setting, told, thinned out with their pieces, drilled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest

from core.errors import IntegrityError, StoreError
from core.observe.registry import REGISTRY
from core.service.activity import feed
from core.service.care import backing_up, drill
from core.service.data_folder import backups_of, key_of
from core.service.desk import Desk
from core.service.kernel import commands, handlers
from core.store import backup as backups
from core.store import pieces, sealing, sweeping
from core.store.objects import FOLDER, Objects
from tests.filled import fill

EVENING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
KEY = sealing.new_key()


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def kept(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Desk:
    """A desk that makes incremental backups and keeps two days of them."""
    return fill(make_desk(backup_kind="incremental", backup_keep="2d", backup_key=request.param))


def told(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    return feed.following(desk, feed.chosen(kinds), "")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[!.]*")}


def evening(desk: Desk, day: int) -> None:
    """The backup of a day, after a change of that day."""
    desk.now = lambda: EVENING + timedelta(days=day)  # type: ignore[method-assign]
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE companies SET name = ?", [f"Day {day}"])
    job = SimpleNamespace(payload={}, id="j", event_name="backup")
    context = SimpleNamespace(report=lambda *_, **__: None)
    asyncio.run(handlers.HANDLERS["backup"](desk, job, context))  # type: ignore[arg-type]


@pytest.mark.few(1)
def test_evenings_share_pieces_and_take_theirs_along(kept: Desk) -> None:
    """Two of four stay; pieces of the others go, none that is named; what was new is told."""
    for day in range(4):
        evening(kept, day)
    where = backups_of(kept.settings.data_dir)
    key = key_of(kept.settings)
    found = [path.name[:8] for path in backups.found(where)]
    assert found == ["20261123", "20261122"]
    assert all(backups.is_set(path) for path in backups.found(where))
    assert names(where / FOLDER) == sweeping.named(where, key)
    for path in backups.found(where):
        backups.check(path, key)
    first, *_, last = told(kept, "backup")
    assert first["kind"] == last["kind"] == "backup.made"
    assert last["after"]["written"] < first["after"]["written"]
    assert "of it new), verified" in last["message"]
    text = generate_latest(REGISTRY).decode()
    assert 'openbell_backup_bytes_total{how="reused"}' in text


@pytest.mark.few(1)
def test_a_drill_puts_it_together_and_finds_all_equal(kept: Desk) -> None:
    """By the way that restore goes; a damaged piece fails it by name."""
    made = commands.run(kept, "backup", {}).document
    assert made["encrypted"] is (kept.settings.backup_key is not None)
    found = commands.run(kept, "drill", {}).document
    assert found["equal"] is True
    assert found["digests"]["facts"]["backup"].startswith("32:")
    where = backups_of(kept.settings.data_dir) / FOLDER
    harmed = min(names(where))
    with (where / harmed).open("r+b") as file:
        file.seek(-20, 2)
        file.write(b"\xff" * 9)
    with pytest.raises(IntegrityError, match=harmed):
        drill.drill(kept)
    assert [event["kind"] for event in told(kept, "drill")] == ["drill.passed", "drill.failed"]
    checks = commands.run(kept, "verify", {}).document["checks"]
    assert [harmed in c["message"] for c in checks if c["check"].startswith("backup")] == [True]


def test_one_elsewhere_stands_on_its_own(kept: Desk, tmp_path: Path) -> None:
    """`backup --to` is carried away: it is whole."""
    made = backing_up.make(kept, tmp_path / "there")
    assert not backups.is_set(Path(made["folder"]))
    assert made["written"] == made["bytes"]
    assert not (tmp_path / "there" / FOLDER).exists()


@pytest.mark.few(1)
def test_one_that_fails_leaves_no_pieces(kept: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were written before it failed go; those of the older set stay."""
    backing_up.make(kept)
    where = backups_of(kept.settings.data_dir)
    before = names(where / FOLDER)
    with kept.warehouse.transaction() as tx:
        tx.execute("UPDATE companies SET name = 'Other'")
        tx.execute("DELETE FROM watchlist")
    write, calls = pieces.write, []

    def second_fails(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise StoreError("No space left on device")
        write(*args)

    monkeypatch.setattr(pieces, "write", second_fails)
    with pytest.raises(StoreError, match="No space"):
        backing_up.make(kept)
    assert names(where / FOLDER) == before
    assert len(backups.found(where)) == 1


@pytest.mark.few(1)
def test_a_second_place_gets_new_pieces_alone(
    kept: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotated there as here; the drill brings a set back; one without a piece is passed over."""
    there = tmp_path / "elsewhere"
    kept.settings = kept.settings.model_copy(update={"backup_url": str(there)})
    for day in range(4):
        evening(kept, day)
    key = key_of(kept.settings)
    assert names(there / FOLDER) == sweeping.named(backups_of(kept.settings.data_dir), key)
    lists = {name for name in names(there) if name.endswith(".pieces")}
    sets = {name for name in names(there) if sealing.is_one_file(Path(name))}
    assert {f"{name}.pieces" for name in sets} == lists
    assert len(sets) == 2
    before = {path.name: path.stat().st_mtime_ns for path in (there / FOLDER).iterdir()}
    found = drill.drill(kept, from_second_place=True)
    assert (found["equal"], found["second_place"]) == (True, True)
    evening(kept, 3)
    after = {path.name: path.stat().st_mtime_ns for path in (there / FOLDER).iterdir()}
    assert len(set(before.items()) & set(after.items())) > 20
    newest = max(name for name in names(there) if sealing.is_one_file(Path(name)))
    listed = {path.name: set(path.read_text().split()) for path in there.glob("*.pieces")}
    own = listed.pop(f"{newest}.pieces").difference(*listed.values())
    (there / FOLDER / min(own)).unlink()
    with pytest.raises(IntegrityError, match="newer backups than"):
        drill.drill(kept, from_second_place=True)


def test_nothing_is_swept_while_a_piece_may_be_named(tmp_path: Path) -> None:
    """A maker holds the folder; what is no piece is never touched."""
    objects = Objects(tmp_path, None)
    piece = tmp_path / f"{'0' * 64}.parquet"
    other = tmp_path / "notes.txt"
    for path in (piece, other):
        path.write_text("x")
    with objects.in_use():
        assert objects.sweep(set) == []
    assert objects.sweep(lambda: {piece.name}) == []
    assert objects.sweep(set) == [piece.name]
    assert other.exists()
