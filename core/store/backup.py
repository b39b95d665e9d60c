"""Verified copies of the store and the queue: made aside, hashed, and put in place whole."""

from __future__ import annotations

import errno
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from core import atomic
from core.errors import IntegrityError, NotFoundError, OpenbellError, StoreError
from core.store import asides, files, presence, sealing
from core.store.asides import PART
from core.store.connection import reading, taken_by_another
from core.store.moving import tables_of
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

MANIFEST = "manifest.json"
TIMED = "-timed"  # in the names of backups that nobody asked for, which are thinned out
MIGRATION = "-migration"
ROOM = "make room on the disk, or choose another folder with --to"
STORE, QUEUE = "store", "queue"  # roles: what a file of a backup is, whatever it is called
NAMES = {STORE: "store.duckdb", QUEUE: "queue.sqlite"}
_ELSEWHERE = "name the folder of one that is elsewhere: restore FOLDER"
_KEYS = {"made_at", "files", "rows"}  # of manifests before there were roles
_KEYS_NOW = _KEYS | {"roles", "digest"}


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup folder: its files with sha256 and bytes, their roles, the rows of each table."""

    folder: Path
    made_at: datetime
    files: Mapping[str, Mapping[str, str | int]]
    rows: Mapping[str, int]
    roles: Mapping[str, str]

    def path_of(self, role: str) -> Path | None:
        """The file with a role; None when the backup has none."""
        name = self.roles.get(role)
        return self.folder / name if name else None


def make(
    warehouse: Warehouse, queue_path: Path, folder: Path, now: datetime, *, ending: str = ""
) -> Backup:
    """Copy store and queue into a new folder and verify the copy; readers go on meanwhile.

    Writers wait until both are copied: a job that is done in the one has its data in the other.
    `ending` of its name tells why: TIMED at its time of the day, MIGRATION before one; else none.
    """
    try:
        files.folder(folder)
        with asides.working(folder, f"{now:%Y%m%dT%H%M%S}") as aside:
            with warehouse.still():
                _copy_queue(queue_path, aside / NAMES[QUEUE])
                warehouse.copy_to(aside / NAMES[STORE])
            rows = read_through(aside / NAMES[STORE])
            _write_manifest(aside, rows, now)
            name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{ending}"
            target = _put_in_place(aside, folder / name)
    except OSError as error:
        raise StoreError(
            f"the backup could not be written: {error.strerror}", where=str(folder), hint=ROOM
        ) from error
    except StoreError as error:
        error.hint = error.hint or (ROOM if files.is_full(error.message) else None)
        raise
    return check(target)


def seal(backup: Backup, key: str) -> Backup:
    """Encrypt a backup into one file, open that again, and remove what is not encrypted."""
    folder = backup.folder
    made = sealing.pack(folder, folder, key)
    sealed = check(made, key)
    if (sealed.files, sealed.rows) != (backup.files, backup.rows):
        raise _damaged("the encrypted backup is not what was encrypted", made)
    aside = folder.with_name(f".{folder.name}{PART}")
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    return sealed


@contextmanager
def opened(backup: Backup, key: str | None) -> Iterator[Backup]:
    """A backup whose files can be read: one that is a single file is unpacked as long as it lasts.

    IntegrityError where it is damaged or was encrypted with another key.
    """
    if backup.folder.is_dir():
        yield backup
        return
    with sealing.unpacked(backup.folder, key) as folder:
        yield check(folder)


def check(folder: Path, key: str | None = None) -> Backup:
    """The backup of a folder after hashing its files and counting its rows; else IntegrityError.

    One that is a single file is unpacked for that, with the key if it is encrypted.
    """
    if folder.is_file() or sealing.is_one_file(folder):
        if not folder.is_file():
            raise NotFoundError(f"there is no backup {folder}")
        with sealing.unpacked(folder, key) as inside:
            return replace(check(inside), folder=folder)
    backup = _read(folder)
    for name, stated in backup.files.items():
        path = folder / name
        if not path.is_file() or _stated(path) != stated:
            raise _damaged(f"the backup's {name} is damaged", folder)
    store = backup.path_of(STORE)
    if store is None or store.name not in backup.files:
        raise _damaged("the backup holds no store", folder)
    if read_through(store, count_only=True) != backup.rows:
        raise _damaged("the backup's tables are not as they were", folder)
    return backup


def found(folder: Path) -> list[Path]:
    """Backups, folders and single files, newest first; a damaged one may lack its manifest."""
    if not folder.is_dir():
        return []
    seen = [
        path
        for path in folder.iterdir()
        if path.name[0] != "." and (path.is_dir() or sealing.is_one_file(path))
    ]
    return sorted(seen, reverse=True)


def made_at(folder: Path) -> datetime:
    """When a backup was made, by its manifest; IntegrityError when that cannot be read.

    A single file tells it by its name.
    """
    return named_at(folder.name) if sealing.is_one_file(folder) else _read(folder).made_at


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
        stated = _read(folder).files
        return all((folder / name).stat().st_size == stated[name]["bytes"] for name in stated)
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


def _write_manifest(aside: Path, rows: Mapping[str, int], now: datetime) -> None:
    roles = {role: name for role, name in NAMES.items() if (aside / name).is_file()}
    stated = {name: _stated(aside / name) for name in roles.values()}
    document = {"made_at": now, "files": stated, "rows": rows, "roles": roles}
    document["digest"] = _digest(orjson.loads(orjson.dumps(document)))
    atomic.write(aside / MANIFEST, orjson.dumps(document), alone=True)


def _digest(document: Mapping[str, Any]) -> str:
    """The digest of a manifest but for itself: a flipped bit in it is noticed."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _read(folder: Path) -> Backup:
    if not folder.is_dir():
        raise NotFoundError(f"there is no backup in {folder}")
    try:
        document = orjson.loads((folder / MANIFEST).read_bytes())
        if set(document) == _KEYS:
            document["roles"] = _roles_of(folder, document["files"])
        elif set(document) != _KEYS_NOW or document["digest"] != _digest(document):
            raise ValueError("its digest differs")
        made_at = datetime.fromisoformat(document["made_at"])
        return Backup(folder, made_at, document["files"], document["rows"], document["roles"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged("the backup's manifest is missing or damaged", folder) from error


def _roles_of(folder: Path, names: Mapping[str, Any]) -> dict[str, str]:
    """Roles in a backup that does not state them."""
    known = {name: kind_of(folder / name) for name in names}
    return {kind: name for name, kind in known.items() if kind}


def kind_of(path: Path) -> str | None:
    """Whether a file that nobody has open begins like a store or like a queue."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(16)
    return (
        STORE if head[8:12] == b"DUCK" else QUEUE if head.startswith(b"SQLite format 3") else None
    )


def _damaged(message: str, folder: Path) -> IntegrityError:
    return IntegrityError(
        f"{message} ({folder.name})",
        where=str(folder),
        hint="python -m app restore passes it over; make a new one with: python -m app backup",
    )


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


def _stated(path: Path) -> dict[str, str | int]:
    return {"sha256": files.sha256(path), "bytes": path.stat().st_size}
