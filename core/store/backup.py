"""Verified copies of the store and the queue: made aside, hashed, and put in place whole."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from core import atomic
from core.errors import IntegrityError, NotFoundError, OpenbellError, StoreError
from core.store import asides, files, manifests, piece_sets, presence, sealing
from core.store.asides import PART
from core.store.connection import reading, taken_by_another
from core.store.manifests import NAMES, QUEUE, STORE, Backup, damaged
from core.store.moving import tables_of
from core.store.objects import FOLDER as OBJECTS
from core.store.objects import Objects
from core.store.piece_sets import PieceSet, Written
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

TIMED = "-timed"  # in the names of backups that nobody asked for, which are thinned out
MIGRATION = "-migration"
SET = "-set"  # a backup in pieces, which lie beside it in a folder that all of them share
ROOM = "make room on the disk, or choose another folder with --to"
_ELSEWHERE = "name the folder of one that is elsewhere: restore FOLDER"


def make(
    warehouse: Warehouse, queue_path: Path, folder: Path, now: datetime, *, ending: str = ""
) -> Backup:
    """Copy store and queue into a new folder and verify the copy; readers go on meanwhile.

    Writers wait until both are copied: a job that is done in the one has its data in the other.
    `ending` of its name tells why: TIMED at its time of the day, MIGRATION before one; else none.
    """
    with _making(folder, now) as aside:
        with warehouse.still():
            _copy_queue(queue_path, aside / NAMES[QUEUE])
            warehouse.copy_to(aside / NAMES[STORE])
        rows = read_through(aside / NAMES[STORE])
        manifests.write(aside, rows, now)
        target = _put_in_place(aside, folder / _name(now, ending))
    made = check(target)
    return replace(made, written=Written(made.bytes, len(made.files)))


def make_set(
    warehouse: Warehouse,
    queue_path: Path,
    folder: Path,
    now: datetime,
    *,
    ending: str = "",
    key: str | None = None,
) -> Backup:
    """As `make`, but the store as pieces, of which those that are there are not written again.

    Writers wait for the copy of the queue alone. With a key new pieces are encrypted; `seal` does
    so with the rest.
    """
    with _making(folder, now) as aside, ExitStack() as stack:
        objects = Objects(files.folder(folder / OBJECTS), key)
        stack.enter_context(objects.in_use())
        with warehouse.still():
            _copy_queue(queue_path, aside / NAMES[QUEUE])
            tx = stack.enter_context(warehouse.moment())
            tx.read("SELECT number FROM store_commits")  # the moment begins with the first read
        scratch = stack.enter_context(asides.working(folder))
        pieces, written = piece_sets.made_of(tx, objects, scratch, _last_set(folder, key))
        manifests.write(aside, pieces.rows, now, pieces)
        target = _put_in_place(aside, folder / _name(now, f"{ending}{SET}"))
        made = check(target, key)
    own = made.bytes - written.bytes - written.reused_bytes
    whole = replace(written, bytes=written.bytes + own, files=written.files + len(made.files))
    return replace(made, written=whole)


@contextmanager
def _making(folder: Path, now: datetime) -> Iterator[Path]:
    """A folder to make a backup in; what goes wrong is told with a way on."""
    try:
        files.folder(folder)
        with asides.working(folder, f"{now:%Y%m%dT%H%M%S}") as aside:
            yield aside
    except OSError as error:
        raise StoreError(
            f"the backup could not be written: {error.strerror}", where=str(folder), hint=ROOM
        ) from error
    except StoreError as error:
        error.hint = error.hint or (ROOM if files.is_full(error.message) else None)
        raise


def _name(now: datetime, ending: str) -> str:
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{ending}"


def _last_set(folder: Path, key: str | None) -> PieceSet | None:
    """The pieces of the newest set whose manifest can be read."""
    for path in filter(is_set, found(folder)):
        try:
            return pieces_of(path, key)
        except OpenbellError:
            continue
    return None


def is_set(path: Path) -> bool:
    """Whether a backup is one in pieces, by its name."""
    return SET in path.name


def pieces_of(path: Path, key: str | None) -> PieceSet | None:
    """The pieces that a backup names, none of which is read; IntegrityError when it is damaged."""
    if sealing.is_one_file(path):
        with sealing.unpacked(path, key) as inside:
            return manifests.read(inside).pieces
    return manifests.read(path).pieces


def seal(backup: Backup, key: str) -> Backup:
    """Encrypt a backup into one file, open that again, and remove what is not encrypted."""
    folder = backup.folder
    made = sealing.pack(folder, folder, key)
    sealed = check(made, key)
    if (sealed.files, sealed.rows, sealed.pieces) != (backup.files, backup.rows, backup.pieces):
        raise damaged("the encrypted backup is not what was encrypted", made)
    aside = folder.with_name(f".{folder.name}{PART}")
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    return replace(sealed, written=backup.written)


@contextmanager
def opened(backup: Backup, key: str | None) -> Iterator[Backup]:
    """A backup whose files can be read: one that is a single file is unpacked as long as it lasts,
    and the store of a set is put together.

    IntegrityError where it is damaged or was encrypted with another key.
    """
    with ExitStack() as stack:
        folder = backup.folder
        if not folder.is_dir():
            folder = stack.enter_context(sealing.unpacked(folder, key))
        if backup.pieces:
            objects = _objects(backup.folder, key)
            whole = stack.enter_context(sealing.working_beside(backup.folder)) / folder.name
            _put_together(folder, backup, objects, whole)
            folder = whole
        yield check(folder)


def _put_together(folder: Path, backup: Backup, objects: Objects, whole: Path) -> None:
    """Make a whole backup of a set whose files lie in a folder."""
    assert backup.pieces is not None
    whole.mkdir(mode=0o700)
    queue = folder / NAMES[QUEUE]
    if QUEUE in backup.roles:
        shutil.copyfile(queue, whole / NAMES[QUEUE])
    piece_sets.rebuild(backup.pieces, objects, whole / NAMES[STORE])
    rows = read_through(whole / NAMES[STORE])
    if rows != backup.rows:
        raise damaged("what was put together of pieces is not what the backup tells", folder)
    manifests.write(whole, rows, backup.made_at)


def _objects(path: Path, key: str | None) -> Objects:
    """The pieces of a set: beside it."""
    return Objects(path.parent / OBJECTS, key)


def check(folder: Path, key: str | None = None) -> Backup:
    """The backup of a folder after hashing its files and counting its rows; else IntegrityError.

    One that is a single file is unpacked for that, with the key if it is encrypted.
    """
    if folder.is_file() or sealing.is_one_file(folder):
        if not folder.is_file():
            raise NotFoundError(f"there is no backup {folder}")
        with sealing.unpacked(folder, key) as inside:
            return replace(_checked(inside, _objects(folder, key)), folder=folder)
    return _checked(folder, _objects(folder, key))


def _checked(folder: Path, objects: Objects) -> Backup:
    backup = manifests.read(folder)
    for name, stated in backup.files.items():
        path = folder / name
        if not path.is_file() or manifests.stated_of(path) != stated:
            raise damaged(f"the backup's {name} is damaged", folder)
    if backup.pieces:
        _must_stand(backup, objects)
        return backup
    store = backup.path_of(STORE)
    if store is None or store.name not in backup.files:
        raise damaged("the backup holds no store", folder)
    if read_through(store, count_only=True) != backup.rows:
        raise damaged("the backup's tables are not as they were", folder)
    return backup


def _must_stand(backup: Backup, objects: Objects) -> None:
    assert backup.pieces is not None
    try:
        with sealing.working_beside(backup.folder) as scratch:
            piece_sets.must_stand(backup.pieces, objects, scratch)
    except IntegrityError as error:
        raise damaged(error.message, backup.folder) from error


def found(folder: Path) -> list[Path]:
    """Backups, folders and single files, newest first; a damaged one may lack its manifest."""
    if not folder.is_dir():
        return []
    seen = [
        path
        for path in folder.iterdir()
        if path.name[0] != "." and path.name != OBJECTS
        if path.is_dir() or sealing.is_one_file(path)
    ]
    return sorted(seen, reverse=True)


def made_at(folder: Path) -> datetime:
    """When a backup was made, by its manifest; IntegrityError when that cannot be read.

    A single file tells it by its name.
    """
    return named_at(folder.name) if sealing.is_one_file(folder) else manifests.read(folder).made_at


def named_at(name: str) -> datetime:
    """When a backup was made, by its name; IntegrityError when that does not tell."""
    try:
        return datetime.strptime(name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise IntegrityError(f"{name} does not tell when it was made") from error


def latest_good(folder: Path, key: str | None = None) -> tuple[Backup, list[OpenbellError]]:
    """The newest backup that is whole, and what was wrong with newer ones."""
    passed: list[OpenbellError] = []
    for path in found(folder):
        try:
            return check(path, key), passed
        except OpenbellError as error:
            passed.append(error)
    if passed:
        raise IntegrityError(
            f"none of the {len(passed)} backups can be used: "
            + "; ".join(e.message for e in passed),
            where=str(folder),
            hint=next((e.hint for e in passed if e.hint == sealing.NO_KEY), _ELSEWHERE),
        )
    raise NotFoundError(f"there is no backup in {folder}", hint=_ELSEWHERE)


def looks_good(folder: Path) -> bool:
    """Whether a backup's manifest is sound and its files are there in full; nothing is hashed."""
    try:
        if sealing.is_one_file(folder):
            return sealing.looks_whole(folder)
        backup = manifests.read(folder)
        sizes = {folder / name: stated["bytes"] for name, stated in backup.files.items()}
        if backup.pieces:
            there = _objects(folder, None).folder
            sizes |= {there / piece.file: piece.bytes for piece in backup.pieces.pieces}
        return all(path.stat().st_size == size for path, size in sizes.items())
    except (OSError, KeyError, OpenbellError):
        return False


def read_through(path: Path, *, count_only: bool = False) -> dict[str, int]:
    """Rows per table of a database file that nobody has open, after reading every cell of it."""
    look = "count(*)" if count_only else "count(*), bit_xor(hash(t))"
    folding = presence.wal_of(path).exists()
    try:
        with reading(path, folding=folding) as connection:
            sql = f"SELECT {look} FROM "
            names = tables_of(connection)
            counts = {name: _first(connection, f"{sql}{quoted(name)} t") for name in names}
            if folding:
                connection.execute("CHECKPOINT")
            return counts
    except duckdb.Error as error:
        if taken := taken_by_another(error, path):
            raise taken from None
        raise IntegrityError(f"the database cannot be read: {error}", where=str(path)) from error


def _first(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _put_in_place(aside: Path, wanted: Path) -> Path:
    """Give the finished folder its name; a second one of the same second gets a number."""
    for name in (wanted.name, *(f"{wanted.name}-{n:02}" for n in range(2, 100))):
        target = wanted.with_name(name)
        try:
            aside.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            continue
        atomic.sync(target.parent)
        return target
    raise StoreError("a hundred backups were made in this second", where=str(wanted.parent))


def _copy_queue(path: Path, target: Path) -> None:
    """A copy made by SQLite itself, which shares the file with the open queue of this process."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"the queue could not be copied: {error}", where=str(path)) from error
    if found != "ok":
        raise IntegrityError(f"the queue is damaged: {found}", where=str(path))
    target.chmod(0o600)
    atomic.sync(target)
