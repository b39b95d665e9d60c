"""A store moves to another engine: every table copied and compared, the old one left as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from core import atomic
from core.addresses import LAKE, LakeAddress, Storage, file_of
from core.errors import SettingsError, StoreError, UsageError
from core.store import ownership, restore
from core.store.connection import first_line, rollback
from core.store.engines import FOLD_SECONDS, FileEngine, StoreEngine
from core.store.moving import TableDigest, copy_all, tables_of
from core.store.transaction import Transaction


def migrate_store(
    source: str,
    target: str,
    folder: Path,
    tell: Callable[[str, TableDigest], None],
    storage: Storage | None = None,
) -> dict[str, Any]:
    """Copy a store from one address to an empty other one; `tell` hears of each table.

    Both are owned meanwhile: OwnershipError when a desk has one of them. UsageError when there is
    no store at `source`, or one at `target`; IntegrityError when a table came over otherwise, and
    then nothing is kept. A file gets its name once all is in it: whoever is stopped before leaves
    none that could be taken for a store.
    """
    old = engine_at(source, folder, storage, "FROM")
    new = engine_at(target, folder, storage, "TO")
    if old.where == new.where:
        raise UsageError(f"{old.where} is where the store is already")
    if isinstance(old, FileEngine) and not old.path.is_file():
        raise UsageError(f"there is no store at {old.where}")
    if isinstance(new, FileEngine) and new.path.exists():
        raise UsageError(f"{new.where} is there already", hint="name a file that is not there")
    ownership.private()
    with old.own(), new.own():
        tables = (
            _into_file(old, new, tell) if isinstance(new, FileEngine) else _moved(old, new, tell)
        )
    return {
        "from": old.where,
        "to": new.where,
        "rows": sum(table.rows for table in tables.values()),
        "tables": {name: {"rows": t.rows, "digest": t.digest} for name, t in tables.items()},
        "equal": True,
    }


def engine_at(
    url: str, folder: Path, storage: Storage | None = None, name: str = "the address"
) -> StoreEngine:
    """The engine of an address: `duckdb:///PATH` or `ducklake:…`; SettingsError with its `name`."""
    if url.startswith(LAKE):
        from core.store.lake import LakeEngine  # needs extensions that few have

        address = LakeAddress(url, storage, name)
        if address.snapshot is not None and name != "FROM":
            raise SettingsError(f"{name} must not name a snapshot: nothing is written to what was")
        return LakeEngine(address, folder / "migrated.lake")
    if not url:
        raise SettingsError(f"{name} must begin with duckdb:/// or {LAKE}")
    return FileEngine(file_of(url, "duckdb", folder / "desk.duckdb", name))


def _into_file(
    old: StoreEngine, new: StoreEngine, tell: Callable[[str, TableDigest], None]
) -> dict[str, TableDigest]:
    aside = restore.moved(new.path)
    restore.drop(aside)
    try:
        tables = _moved(old, FileEngine(aside), tell)
        atomic.sync(aside)
        aside.replace(new.path)
    except OSError as error:
        raise StoreError(
            f"the copy could not be written: {error.strerror}",
            where=new.where,
            hint="make room on the disk, then try again",
        ) from error
    finally:
        restore.drop(aside)
    atomic.sync(new.path.parent)
    return tables


def _moved(
    old: StoreEngine, new: StoreEngine, tell: Callable[[str, TableDigest], None]
) -> dict[str, TableDigest]:
    with old.connect() as source, new.connect() as target:
        to, read = new.cursor(target), old.cursor(source)
        if tables_of(to):
            raise UsageError(f"{new.where} holds a store already", hint="name an empty database")
        if not tables_of(read):
            raise UsageError(f"there is no store at {old.where}")
        try:
            to.execute("BEGIN TRANSACTION")
            read.execute("BEGIN TRANSACTION READ ONLY")
            done = copy_all(read, Transaction(to), tell)
            to.execute("COMMIT")
            new.fold(to, FOLD_SECONDS)
        except duckdb.Error as error:
            rollback(to)
            raise StoreError(first_line(error), where=new.where) from error
        except BaseException:
            rollback(to)
            raise
        return done
