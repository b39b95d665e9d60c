"""Backups and restores: by role, the latest good one, whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from core import settings
from core.errors import IntegrityError, NotFoundError, OwnershipError, StoreError
from core.service.data_folder import (
    Restored,
    backups_of,
    bring_back,
    own,
    places_of,
)
from core.service.desk import Desk
from core.service.kernel import commands
from core.settings import Settings
from core.store import asides, files, manifests, restore
from core.store import backup as backups
from tests import begun
from tests.damaged import damage

NOW = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """A data folder with a store of two rows, backed up when it held one."""
    begun.put_made(_backed_up_and_changed, tmp_path / "desk")
    return settings.load(data_dir=tmp_path / "desk")


def _backed_up_and_changed(folder: Path) -> None:
    given = settings.load(data_dir=folder)
    write(given, 1)
    backed_up(given)
    write(given, 2)


def write(given: Settings, company: int) -> None:
    with Desk.open(given) as desk, desk.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (?, 'A', now())", [company])
        desk.queue.publish("pull", {"n": company})


def backed_up(given: Settings) -> manifests.Backup:
    with Desk.open(given, lambda: NOW) as desk:
        return make(desk)


def make(desk: Desk) -> manifests.Backup:
    where = backups_of(desk.settings.data_dir)
    return backups.make(desk.warehouse, desk.settings.queue_path, where, NOW)


def held(given: Settings) -> tuple[int, int]:
    """Rows of the store and jobs of the queue."""
    with Desk.open(given) as desk:
        rows = desk.warehouse.read("SELECT count(*) FROM watchlist").item()
        return rows, len(desk.queue.find())


def brought(given: Settings, folder: Path | None = None) -> Restored:
    return bring_back(given, folder, NOW)


def parts(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if ".part" in path.name]


def test_a_backup_comes_back_and_what_was_there_is_kept(chosen: Settings) -> None:
    """Store and queue are those of the backup; the later ones can be brought back as well."""
    assert held(chosen) == (2, 2)
    done = brought(chosen)
    assert held(chosen) == (1, 1)
    brought(chosen, done.kept[0])
    assert held(chosen) == (2, 2)


def test_what_is_told_of_the_old_files_is_there(chosen: Settings, tmp_path: Path) -> None:
    """Each folder with something in it, and none that was never made or is empty."""
    (made,) = backups.found(backups_of(chosen.data_dir))
    fresh = settings.load(
        data_dir=tmp_path / "fresh", queue_url=f"sqlite:///{tmp_path}/near/book.db"
    )
    assert brought(fresh, made).kept == ()
    fresh.store_path.unlink()
    (kept,) = brought(fresh, made).kept
    assert [path.name for path in kept.iterdir()] == ["book.db"]


def test_roles_decide_what_a_file_is(chosen: Settings, tmp_path: Path) -> None:
    """With other names and other folders for store and queue the backup still comes back."""
    elsewhere = settings.load(
        data_dir=chosen.data_dir,
        store_url=f"duckdb:///{tmp_path}/far/book.db",
        queue_url=f"sqlite:///{tmp_path}/near/book.db",
    )
    brought(elsewhere)
    assert held(elsewhere) == (1, 1)
    assert held(chosen) == (2, 2)


def test_backups_of_before_there_were_roles_come_back(chosen: Settings) -> None:
    """An old manifest names files alone: their first bytes tell which is the store."""
    (made,) = backups.found(backups_of(chosen.data_dir))
    document = orjson.loads((made / manifests.MANIFEST).read_bytes())
    renamed = {"store.duckdb": "x", "queue.sqlite": "y"}
    for name, other in renamed.items():
        (made / name).rename(made / other)
    document["files"] = {renamed[name]: stated for name, stated in document["files"].items()}
    del document["roles"], document["digest"]
    (made / manifests.MANIFEST).write_bytes(orjson.dumps(document))
    brought(chosen)
    assert held(chosen) == (1, 1)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", ["store.duckdb", "queue.sqlite", "manifest.json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_newest_backup_is_named_and_passed_over(
    chosen: Settings, name: str, harm: str
) -> None:
    """The latest good one is taken; a damaged one alone moves nothing."""
    newest = backed_up(chosen).folder
    damage(newest / name, harm)
    done = brought(chosen)
    assert [newest.name in error.message for error in done.passed] == [True]
    assert held(chosen) == (1, 1)
    shutil.rmtree(done.folder)
    with pytest.raises(IntegrityError, match=newest.name):
        brought(chosen)
    assert held(chosen) == (1, 1)


def test_every_flipped_bit_of_a_manifest_is_noticed(chosen: Settings) -> None:
    """Instants, counts and names in it are under a digest as well."""
    (made,) = backups.found(backups_of(chosen.data_dir))
    path = made / manifests.MANIFEST
    clean = path.read_bytes()
    for at in range(0, len(clean), 7):
        body = bytearray(clean)
        body[at] ^= 1
        path.write_bytes(body)
        with pytest.raises(IntegrityError):
            backups.check(made)


def test_two_backups_of_one_second_stand_side_by_side(chosen: Settings) -> None:
    """The second gets a number, and is the newer one."""
    with Desk.open(chosen) as desk:
        second, third = make(desk), make(desk)
    assert [path.name for path in backups.found(second.folder.parent)] == [
        "20260302T113000-03",
        "20260302T113000-02",
        "20260302T113000",
    ]
    assert (second.folder.name, third.folder.name) == ("20260302T113000-02", "20260302T113000-03")


def test_what_a_killed_backup_left_is_swept_but_not_one_that_is_made(chosen: Settings) -> None:
    """Its folder is locked as long as its process lives."""
    where = backups_of(chosen.data_dir)
    dead = where / ".20260101T000000.part"
    dead.mkdir()
    (dead / "store.duckdb").write_bytes(b"half")
    with asides.working(where) as living:
        with Desk.open(chosen):
            assert parts(where) == [living]
        assert not dead.exists()


def test_no_room_is_a_sentence_and_nothing_is_moved(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while copying: old desk, no leftovers, neither of backup nor of restore."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    with monkeypatch.context() as patch:
        patch.setattr(files, "_COPY", limit + files._COPY)
        with pytest.raises(StoreError, match="large; nothing was moved"):
            brought(chosen)
        with (
            Desk.open(chosen) as desk,
            pytest.raises(StoreError, match=r"could not be copied: .*make room"),
        ):
            make(desk)
    assert held(chosen) == (2, 2)
    assert parts(chosen.data_dir) == []
    assert len(backups.found(backups_of(chosen.data_dir))) == 1


def test_restore_needs_the_locks(chosen: Settings) -> None:
    """Under a desk or a command nothing is touched."""
    with Desk.open(chosen), pytest.raises(OwnershipError, match="owned by process"):
        brought(chosen)
    with own(chosen), pytest.raises(OwnershipError):
        Desk.open(chosen)
    assert held(chosen) == (2, 2)


def test_no_backup_is_said(tmp_path: Path) -> None:
    """Nothing to restore: the folder that was looked at is named."""
    with pytest.raises(NotFoundError, match=r"backups.*there is no good backup; .*an empty folder"):
        brought(settings.load(data_dir=tmp_path / "desk"))


def test_a_swap_that_was_stopped_is_finished_by_the_next_desk(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever rename was the last, store and queue are both of the backup."""
    replace = Path.replace
    for allowed in range(1, 5):  # of the plan's own and two for each of two files
        write(chosen, 10 + allowed)
        left = [allowed]

        def stopped(path: Path, target: Path, left: list[int] = left) -> Path:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return replace(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stopped)
            with pytest.raises(KeyboardInterrupt):
                brought(chosen)
        assert (chosen.data_dir / restore.PLAN).exists()
        assert held(chosen) == (1, 1)
        assert parts(chosen.data_dir) == []


def test_files_are_their_owners_alone(chosen: Settings) -> None:
    """Files of the data folder are 0600 and folders 0700, those of earlier versions too."""
    old = [chosen.data_dir, chosen.store_path, chosen.queue_path, backups_of(chosen.data_dir)]
    for path in old:
        path.chmod(0o755)
    with Desk.open(chosen) as desk:
        make(desk)
        with desk.warehouse.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (9, 'A', now())")
        assert desk.downloads.exists()
        seen = [chosen.data_dir, *chosen.data_dir.rglob("*")]
        assert any(path.name.endswith(".wal") for path in seen)
        for path in seen:
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_damaged_jobs_are_told_row_by_row_until_they_are_discarded(chosen: Settings) -> None:
    """Each by its id with what to do; restoring brings them back."""
    with closing(sqlite3.connect(chosen.queue_path)) as db:
        db.execute("UPDATE jobs SET priority = 77")
        db.commit()
    with Desk.open(chosen) as desk:
        for _ in range(2):
            result = commands.run(desk, "verify", {})
            bad = [check for check in result.document["checks"] if not check["ok"]]
            assert [check["check"].split()[0] for check in bad] == ["queue", "job", "job"]
            assert all("python -m app restore" in check["message"] for check in bad[1:])
            assert result.exit_code == 3
    brought(chosen)
    with Desk.open(chosen) as desk:
        assert commands.run(desk, "verify", {}).exit_code == 0


def test_where_store_and_queue_are(chosen: Settings) -> None:
    """Copies wait beside what they replace, so that a rename is all that is left to do."""
    places = places_of(chosen)
    assert {path.parent for path in places.staged.values()} == {chosen.data_dir}
