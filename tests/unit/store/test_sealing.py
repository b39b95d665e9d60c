"""Backups in one file: encrypted, damaged, with another key."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import IntegrityError, NotFoundError, StoreError
from core.service.data_folder import backups_of, bring_back, would_bring_back
from core.service.desk import Desk
from core.store import backup as backups
from core.store import manifests, migrate, sealing
from core.store.warehouse import Warehouse
from tests import begun
from tests.filled import fill

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
KEY, OTHER = sealing.new_key(), sealing.new_key()


@pytest.fixture
def sealed(make_desk: Callable[..., Desk]) -> manifests.Backup:
    """An encrypted backup of a desk that is closed again."""
    desk = make_desk(begun.put_filled)
    where = backups_of(desk.settings.data_dir)
    made = backups.make(desk.warehouse, desk.settings.queue_path, where, NOW)
    found = backups.seal(made, KEY)
    desk.close()
    return found


def test_what_was_encrypted_comes_back_the_same(sealed: manifests.Backup) -> None:
    """Only the file is left; nothing of the store can be read in it."""
    folder = sealed.folder.parent
    assert [path.name for path in folder.iterdir()] == ["20261120T233000.tar.age"]
    assert sealed.folder.stat().st_mode & 0o777 == 0o600
    assert b"DUCK" not in sealed.folder.read_bytes()
    assert backups.check(sealed.folder, KEY) == sealed
    assert backups.latest_good(folder, KEY) == (sealed, [])
    assert backups.made_at(sealed.folder) == NOW
    assert backups.looks_good(sealed.folder)
    with backups.opened(sealed, KEY) as plain:
        assert plain.files == sealed.files
        assert backups.check(plain.folder).rows == sealed.rows
    assert [path.name for path in folder.iterdir()] == ["20261120T233000.tar.age"]


@pytest.mark.parametrize("name", ["kept", "of-friday.bak", "20261120T233000.age"])
def test_one_that_was_moved_and_renamed_is_what_it_was(
    sealed: manifests.Backup, tmp_path: Path, name: str
) -> None:
    """How a file begins tells what it is; something else under such a name is no backup."""
    moved = sealed.folder.rename(tmp_path / name)
    found = backups.check(moved, KEY)
    assert (found.rows, found.files) == (sealed.rows, sealed.files)
    with backups.opened(found, KEY) as plain:
        assert plain.rows == sealed.rows
    moved.write_bytes(b"something else")
    with pytest.raises(IntegrityError, match=f"{name} is damaged"):
        backups.check(moved, KEY)


def test_what_lacks_its_key_alone_says_so(sealed: manifests.Backup) -> None:
    """It is not damaged, and no other backup is needed."""
    with pytest.raises(IntegrityError, match="none of the 1 backups can be used") as told:
        backups.latest_good(sealed.folder.parent, None)
    assert told.value.hint == sealing.NO_KEY


@pytest.mark.parametrize(
    ("key", "told"),
    [(None, "no key"), (OTHER, "cannot be decrypted"), ("x", "no age key")],
    ids=["none", "another", "malformed"],  # the keys are new in every process
)
def test_without_its_key_it_stays_shut(
    sealed: manifests.Backup, key: str | None, told: str
) -> None:
    """And nothing is left beside it of the try."""
    with pytest.raises((IntegrityError, StoreError), match=told):
        backups.check(sealed.folder, key)
    assert len(list(sealed.folder.parent.iterdir())) == 1


@pytest.mark.few(3)
@pytest.mark.parametrize("place", [0, 30, 300, 0.5, -1])
def test_a_flipped_byte_or_a_cut_is_found(sealed: manifests.Backup, place: float) -> None:
    """Wherever it is: in the header, the body, the last byte."""
    body = bytearray(sealed.folder.read_bytes())
    at = int(place * len(body)) if isinstance(place, float) else place
    body[at] ^= 1
    sealed.folder.write_bytes(body)
    with pytest.raises(IntegrityError):
        backups.check(sealed.folder, KEY)
    body[at] ^= 1
    sealed.folder.write_bytes(body[: len(body) // 2])
    with pytest.raises(IntegrityError):
        backups.check(sealed.folder, KEY)


def test_an_archive_of_a_stranger_writes_nothing_elsewhere(tmp_path: Path) -> None:
    """Paths, links and hidden names are no backup's."""
    for name in ("../x", "a/b", ".part", "/etc/x"):
        path = tmp_path / f"{name.replace('/', '_')}.tar"
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
        with pytest.raises(IntegrityError, match="no backup's"):
            backups.check(path)
    (tmp_path / "n.tar").write_bytes(b"no archive")
    with pytest.raises(IntegrityError, match="damaged"):
        backups.check(tmp_path / "n.tar")
    with pytest.raises(NotFoundError):
        backups.check(tmp_path / "gone.tar")


def test_an_encrypted_backup_is_restored(
    make_desk: Callable[..., Desk], sealed: manifests.Backup
) -> None:
    """The latest good one, by itself, with the desk's key; what a key is missing for is told."""
    chosen = make_desk(backup_key=KEY).settings
    assert would_bring_back(chosen, None).folder == sealed.folder


@pytest.mark.in_file
def test_with_a_key_backups_are_encrypted_and_come_back(make_desk: Callable[..., Desk]) -> None:
    """From the command to the restore, over what has happened since."""
    desk = fill(make_desk(backup_key=KEY))
    rows = desk.warehouse.read("SELECT count(*) FROM bars_daily").item()
    where = backups_of(desk.settings.data_dir)
    made = backups.make(desk.warehouse, desk.settings.queue_path, where, NOW)
    backups.seal(made, KEY)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily")
    desk.close()
    done = bring_back(desk.settings, None, NOW)
    assert done.folder.name == "20261120T233000.tar.age"
    again = make_desk(backup_key=KEY)
    assert again.warehouse.read("SELECT count(*) FROM bars_daily").item() == rows


@pytest.mark.in_file
def test_an_older_store_is_backed_up_before_it_is_migrated(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once, as it was; neither a new store nor one that lacks nothing is."""
    desk = fill(make_desk())
    where = backups_of(desk.settings.data_dir)
    desk.close()
    make_desk().close()
    assert backups.found(where) == []
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in migrate.FOLDER.iterdir():
        if path.suffix == ".sql":
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "9000_more.sql").write_text("CREATE TABLE more (n INTEGER);")
    for function in (migrate.migrate, migrate.behind):
        monkeypatch.setattr(function, "__defaults__", (folder,))
    make_desk().close()
    make_desk().close()
    (made,) = backups.found(where)
    assert made.name.endswith(backups.MIGRATION)
    assert "more" not in backups.check(made).rows
    with Warehouse.open(desk.settings.store_path) as store:
        assert "more" in store.read_anew("SELECT table_name FROM duckdb_tables()")["table_name"]
