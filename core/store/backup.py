"""Verified copies of the store and the queue: made aside, hashed, and put in place whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import orjson

from core.errors import IntegrityError, NotFoundError, StoreError
from core.store.warehouse import Warehouse

MANIFEST = "manifest.json"
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup folder: its files with sha256 and bytes, and the rows of each table."""

    folder: Path
    made_at: datetime
    files: Mapping[str, Mapping[str, str | int]]
    rows: Mapping[str, int]


def make(warehouse: Warehouse, queue_path: Path, folder: Path, now: datetime) -> Backup:
    """Copy store and queue into a new folder and verify the copy; readers go on meanwhile."""
    target = folder / f"{now:%Y%m%dT%H%M%S}"
    aside = folder / f".{target.name}.part"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        warehouse.copy_to(aside / warehouse.path.name)
        _copy_queue(queue_path, aside / queue_path.name)
        rows = _rows(aside / warehouse.path.name)
        files = {path.name: _stated(path) for path in sorted(aside.iterdir())}
        document = {"made_at": now, "files": files, "rows": rows}
        _write(aside / MANIFEST, orjson.dumps(document))
        aside.rename(target)
    except OSError as error:
        raise StoreError(f"the backup could not be written: {error}", where=str(folder)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return check(target)


def check(folder: Path) -> Backup:
    """The backup of a folder after hashing its files and counting its rows; else IntegrityError."""
    backup = _read(folder)
    for name, stated in backup.files.items():
        path = folder / name
        if not path.is_file() or _stated(path) != stated:
            raise IntegrityError(f"the backup's {name} is damaged", where=str(folder))
    stores = [name for name in backup.files if name.endswith(".duckdb")]
    if stores and _rows(folder / stores[0]) != backup.rows:
        raise IntegrityError("the backup's tables are not as they were", where=str(folder))
    return backup


def found(folder: Path) -> list[Path]:
    """Backup folders, newest first."""
    return sorted((path.parent for path in folder.glob(f"*/{MANIFEST}")), reverse=True)


def restore(backup: Backup, store_path: Path, queue_path: Path, now: datetime) -> Path:
    """Put a verified backup in place of store and queue; the folder with what was there."""
    kept = store_path.parent / f"set-aside-{now:%Y%m%dT%H%M%S}"
    kept.mkdir(parents=True)
    for live in (store_path, queue_path):
        for path in live.parent.glob(f"{live.name}*"):
            path.rename(kept / path.name)
    for live in (store_path, queue_path):
        source = backup.folder / live.name
        if source.is_file():
            aside = live.with_name(f".{live.name}.part")
            shutil.copyfile(source, aside)
            _sync(aside)
            aside.replace(live)
    return kept


def _read(folder: Path) -> Backup:
    try:
        document = orjson.loads((folder / MANIFEST).read_bytes())
        made_at = datetime.fromisoformat(document["made_at"])
        return Backup(folder, made_at, document["files"], document["rows"])
    except FileNotFoundError:
        raise NotFoundError(f"there is no backup in {folder}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("the backup's manifest is damaged", where=str(folder)) from error


def _rows(path: Path) -> dict[str, int]:
    """Rows per table of a database file that nobody has open; reads every table."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY table_name"
            ).fetchall()
            return {name: _count(connection, name) for (name,) in names}
    except duckdb.Error as error:
        raise IntegrityError(f"the database cannot be read: {error}", where=str(path)) from error


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    name = table.replace('"', '""')
    row = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    return int(row[0]) if row else 0


def _copy_queue(path: Path, target: Path) -> None:
    if not path.is_file():
        return
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    _sync(target)


def _stated(path: Path) -> dict[str, str | int]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def _write(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
