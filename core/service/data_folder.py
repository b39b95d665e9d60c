"""The data folder before and after a desk is open: owner, leftovers, evidence, restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import OpenbellError, SettingsError, StoreError, UsageError
from core.jobs.queue.sqlite import SqliteQueue
from core.observe import logs
from core.setting_files import PREFIX
from core.settings import Settings
from core.store import asides, files, manifests, presence, restore
from core.store import backup as backups
from core.store import mark as marks
from core.store.engines import FileEngine, StoreEngine
from core.store.manifests import QUEUE, STORE
from core.store.ownership import Ownership, lock_of, lock_of_folder, private
from core.store.warehouse import Warehouse

if TYPE_CHECKING:
    from core.store.lease import Lease

log = logs.get("store")


def backups_of(data_dir: Path) -> Path:
    """Where backups are kept unless told otherwise."""
    return data_dir / "backups"


def key_of(settings: Settings) -> str | None:
    """The key that backups are encrypted with; None without one."""
    return settings.backup_key.get_secret_value() if settings.backup_key else None


def before_migration(settings: Settings, now: datetime) -> Callable[[Warehouse], None]:
    """What is done before a store of an older Openbell is migrated: it is backed up.

    A lake, which desks read meanwhile and all wait to write to, keeps what was: its snapshot.
    """

    def back_up(warehouse: Warehouse) -> None:
        if settings.lake is not None:
            from core.store.lake import newest_snapshot

            log.warning(
                "the lake is brought to a newer layout",
                before=newest_snapshot(warehouse),
                kept_days=settings.lake_keep_days,
                hint="as it was: migrate-store with &snapshot=N behind its address",
            )
            return
        folder = backups_of(settings.data_dir)
        ending = backups.MIGRATION
        try:
            made = backups.make(warehouse, settings.queue_path, folder, now, ending=ending)
        except StoreError as error:  # nobody chose a folder that could be another
            error.hint = files.ROOM if error.hint == backups.ROOM else error.hint
            raise
        if key := key_of(settings):
            backups.seal(made, key)

    return back_up


def places_of(settings: Settings) -> restore.Places:
    """Where folder, store and queue of these settings are."""
    return restore.Places(settings.data_dir, settings.store_path, settings.queue_path)


def engine_of(settings: Settings, lease: Lease | None = None) -> StoreEngine:
    """Where the store of these settings is; `lease`: of a lake, when it was taken before."""
    if settings.lake is None:
        return FileEngine(settings.store_path)
    from core.store.lake import LakeEngine  # needs extensions that few have

    if settings.lake.snapshot is not None:
        raise SettingsError(f"{PREFIX}STORE_URL must name a lake as it is, without &snapshot=")
    return LakeEngine(settings.lake, settings.store_path, lease)


def _must_be_file(settings: Settings) -> None:
    if settings.lake is not None:
        raise UsageError(
            "a store in a lake is not replaced in place",
            hint="take the store of a backup into an empty database: python -m app migrate-store "
            "duckdb:///BACKUP/store.duckdb ducklake:…",
        )


def own(settings: Settings) -> Ownership:
    """Folder and queue for this process alone; OwnershipError names the one that has them.

    The store has a lock of its own, which opening it takes.
    """
    private()
    return Ownership.take([lock_of_folder(settings.data_dir), lock_of(settings.queue_path)])


def settle(settings: Settings) -> None:
    """Finish a restore that was stopped in its renames, and remove what others left behind."""
    places = places_of(settings)
    restore.finish(places)
    restore.sweep(places)
    for folder in (settings.data_dir, backups_of(settings.data_dir)):
        asides.sweep(folder)
    asides.remove(settings.data_dir / "queries")  # what those spilled that were killed
    folders = [backups_of(settings.data_dir), settings.data_dir / "downloads"]
    folders += presence.set_aside(settings.data_dir)
    folders += [settings.data_dir / "inbox" / there for there in ("done", "refused")]
    live = [*places.live.values(), presence.wal_of(places.store)]
    files.close_to_others(settings.data_dir, folders, live)


def evidence(settings: Settings, queue: SqliteQueue) -> str | None:
    """What knows of a store in this data folder, in words."""
    if queue.knows_a_store():
        return f"{settings.queue_path.name} knows of one"
    made = backups.found(backups_of(settings.data_dir))
    if made:
        return f"there is a backup of {made[0].name}"
    known = presence.noted(settings.data_dir)
    return f"{settings.data_dir.name}/{presence.NOTE} knows of one at {known}" if known else None


@contextmanager
def ways_back(settings: Settings) -> Iterator[None]:
    """Let errors that name the latest good backup name what there is instead, without one.

    A file of the folder that cannot be used is a StoreError, too.
    """
    try:
        with _typed(settings):
            yield
    except OpenbellError as error:
        error.hint = hint_here(settings, error.hint) if error.hint else None
        raise


@contextmanager
def _typed(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the data folder cannot be used: {error.strerror}",
            where=str(error.filename or settings.data_dir),
            hint="give its files and folders to the user of the desk, or make room",
        ) from error


def hint_here(settings: Settings, hint: str) -> str:
    """A hint; where it names the latest good backup and none looks good, what there is instead."""
    kept = backups.found(backups_of(settings.data_dir))
    if presence.RESTORE not in hint or any(backups.looks_good(path) for path in kept):
        return hint
    return _without_backup(settings, hint)


def _without_backup(settings: Settings, hint: str) -> str:
    folders = dict.fromkeys((settings.store_path.parent, settings.data_dir))
    return presence.without_backup(hint, list(folders))


def _latest_good(settings: Settings) -> tuple[manifests.Backup, list[OpenbellError]]:
    """The newest backup that is whole; without one the error names what there is instead."""
    try:
        return backups.latest_good(backups_of(settings.data_dir), key_of(settings))
    except OpenbellError as error:
        error.hint = _without_backup(settings, error.hint or presence.RESTORE)
        raise


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done: from where, where the old files are, what was passed over."""

    folder: Path
    kept: tuple[Path, ...]
    passed: tuple[OpenbellError, ...] = ()


def bring_back(
    settings: Settings, folder: Path | None, now: datetime, *, accept_loss: bool = False
) -> Restored:
    """Put a backup, or a folder that was set aside, in place of store and queue.

    Without a folder the latest good backup is taken. Holds the locks of folder, store and queue
    all the while: OwnershipError when a desk or a command has one of them. Until all is copied
    and checked nothing is moved.
    """
    _must_be_file(settings)
    places = places_of(settings)
    with (
        _typed(settings),
        own(settings),
        Ownership.take([lock_of(settings.store_path)]),
    ):
        settle(settings)
        try:
            source, passed = _stage(settings, places, folder)
            _agree(places, now, accept_loss=accept_loss)
            kept = restore.swap(places, source, now)
        finally:
            if not (places.folder / restore.PLAN).exists():
                restore.sweep(places)
    return Restored(source, tuple(kept), tuple(passed))


@dataclass(frozen=True, slots=True)
class Restorable:
    """What a restore would bring back, and the damaged backups that it would pass over."""

    folder: Path
    rows: int
    passed: tuple[OpenbellError, ...] = ()


def would_bring_back(settings: Settings, folder: Path | None) -> Restorable:
    """What `bring_back` would restore, after checking it; nothing is moved or copied."""
    passed: list[OpenbellError] = []
    if folder is None:
        backup, passed = _latest_good(settings)
    elif folder.is_dir() and not (folder / manifests.MANIFEST).exists():
        rows = backups.read_through(restore.set_aside_store(folder))
        return Restorable(folder, sum(rows.values()))
    else:
        backup = backups.check(folder, key_of(settings))
    return Restorable(backup.folder, sum(backup.rows.values()), tuple(passed))


def _stage(
    settings: Settings, places: restore.Places, folder: Path | None
) -> tuple[Path, list[OpenbellError]]:
    passed: list[OpenbellError] = []
    if folder is None:
        backup, passed = _latest_good(settings)
    elif folder.is_dir() and not (folder / manifests.MANIFEST).exists():
        restore.stage(places, restore.set_aside_sources(folder))
        backups.read_through(places.staged[STORE])
        return folder, passed
    else:
        backup = backups.check(folder, key_of(settings))
    with backups.opened(backup, key_of(settings)) as plain:
        restore.stage(places, {role: plain.path_of(role) for role in (STORE, QUEUE)})
        restore.must_equal(plain, places)
    return backup.folder, passed


def _agree(places: restore.Places, now: datetime, *, accept_loss: bool) -> None:
    """See that the staged queue's mark fits the staged store; a queue is made when there is none.

    Otherwise the desk would refuse to start with them.
    """
    state = marks.state_in(places.staged[STORE])
    alone = not places.staged[QUEUE].exists()
    queue = SqliteQueue(places.staged[QUEUE], lambda: now)
    try:
        if state and (alone or accept_loss):
            queue.store_mark.write(state.mark)
        marks.compare(state, queue.store_mark.read())
    finally:
        queue.close()
