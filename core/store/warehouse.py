"""The warehouse: one DuckDB file, one writer at a time, any number of readers.

One process holds the file open; every thread reads through a cursor of the same connection.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from core.errors import OwnershipError, StoreError
from core.store.memory import Memory
from core.store.migrate import migrate
from core.store.transaction import Transaction

Params = Sequence[Any] | Mapping[str, Any]
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # a checkpoint after every commit of a pull rewrites what the one before has written
    "wal_autocheckpoint": "256MB",
    # a checkpoint that merges all short row groups at once holds them all in memory, at close too
    "max_vacuum_tasks": 4,
    # for files made from here on: one compression for texts instead of two tried in turn, which
    # takes a quarter off an insert of facts; older files stay as they are
    "storage_compatibility_version": "v1.5.0",
}
CACHED_BYTES = 32 * 2**20
_MEMORY = """
    SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT,
           coalesce(sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE'), 0)::BIGINT
    FROM duckdb_memory()
"""


class Warehouse:
    """The store of all tables; open it with `Warehouse.open`, close it when done."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection
        self._write_lock = threading.RLock()
        self.commits = 0  # counts up after each: what was read before it may be old
        self._memory = Memory()

    @classmethod
    def open(cls, path: Path) -> Warehouse:
        """The warehouse in a file, made and migrated when needed.

        OwnershipError when another process holds it, StoreError when it cannot be opened.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        warehouse = cls(path, _connect(path))
        try:
            with warehouse.transaction() as tx:
                migrate(tx)
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    def close(self) -> None:
        """Let go of the file; what is committed is on disk."""
        self._memory.clear()
        self._connection.close()

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one thread or one piece of work."""
        return self._connection.cursor()

    def read(self, sql: str, params: Params | None = None) -> pl.DataFrame:
        """The rows of a query; `?` with a list or `$name` with a dict. StoreError on failure.

        A small answer is kept until the next commit and shared: nobody may change it. So the
        query must not depend on the clock or on chance.
        """
        key = (sql, repr(params))
        return self._memory.get(key, self.commits, lambda: self._read(sql, params))

    def _read(self, sql: str, params: Params | None = None) -> pl.DataFrame:
        with self._mapped(), self.cursor() as cursor:
            if not params:
                return cursor.sql(sql).pl()
            # sql() with parameters copies row by row: 80 times slower on 88,000 rows
            table = cursor.execute(sql, params).to_arrow_table()
            return pl.DataFrame(table)

    @contextmanager
    def transaction(self, *, bulk: bool = False) -> Iterator[Transaction]:
        """One writing transaction: commits at the end, rolls back on any exception.

        `bulk`: one of many large inserts. Statements run in the calling thread alone: an insert of
        one frame has work for one thread; the others spin beside it, for the interpreter lock too,
        and slow what decodes. What was written does not stay in memory.
        """
        with self._write_lock, self._mapped(), self.cursor() as cursor, self._lean(bulk):
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield Transaction(cursor)
                cursor.execute("COMMIT")
                self.commits += 1
            except BaseException:
                _rollback(cursor)
                raise

    @contextmanager
    def _lean(self, bulk: bool) -> Iterator[None]:
        if not bulk:
            yield
            return
        with self.cursor() as cursor:
            cursor.execute("SET GLOBAL threads = 1")
            try:
                yield
            finally:
                cursor.execute("RESET GLOBAL threads")
                _trim(cursor)

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        with self._write_lock, self._mapped(), self.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def verify(self) -> int:
        """Read every row of every table; the number of rows. StoreError when one cannot be."""
        names = self._read("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")
        rows = 0
        for name in names["table_name"]:
            table = name.replace('"', '""')
            rows += self._read(f'SELECT count(*), bit_xor(hash(t)) FROM "{table}" t').row(0)[0]
        return rows

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the database file, made while no writer is at work."""
        with self._write_lock:
            self.checkpoint()
            shutil.copyfile(self.path, target)
            descriptor = os.open(target, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turn DuckDB's failures into ours; after a fatal one the file is opened anew."""
        try:
            yield
        except duckdb.FatalException as error:
            self._reopen()
            raise StoreError(
                f"the store failed and was opened again: {_first_line(error)}",
                where=str(self.path),
                hint="check free disk space, then try again",
            ) from error
        except duckdb.Error as error:
            raise StoreError(_first_line(error), where=str(self.path)) from error

    def _reopen(self) -> None:
        with self._write_lock:
            self._connection.close()
            self._connection = _connect(self.path)
            self.commits += 1  # what was read before may be from what was lost


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), config=dict(_CONFIG))
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        return connection
    except duckdb.IOException as error:
        owner = re.search(r"\(PID (\d+)\)", str(error))
        if owner:
            raise OwnershipError(
                f"the data folder is owned by process {owner[1]}",
                where=str(path),
                hint="use that desk's address, or stop it first",
            ) from None
        raise StoreError(f"the store cannot be opened: {_first_line(error)}") from error
    except duckdb.Error as error:
        raise StoreError(
            f"the store cannot be opened: {_first_line(error)}",
            where=str(path),
            hint="restore it from a backup with: python -m app restore",
        ) from error


def _trim(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let go of cached blocks of tables beyond CACHED_BYTES: the system has them in its own cache.

    The limit goes down to what is left without them and up again at once; queries that run beside
    it have the rest of the cache to take from.
    """
    used, cached = cursor.execute(_MEMORY).fetchall()[0]
    if cached <= CACHED_BYTES:
        return
    try:
        cursor.execute(f"SET GLOBAL memory_limit = '{used - cached + CACHED_BYTES}B'")
    except duckdb.OutOfMemoryException:
        pass  # they are in use: the next transaction tries again
    finally:
        cursor.execute("RESET GLOBAL memory_limit")


def _rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error as error:
        # the failed statement has ended the transaction already; its own error says more
        if "no transaction is active" not in str(error) and not isinstance(
            error, duckdb.FatalException
        ):
            raise


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
