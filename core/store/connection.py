"""A connection to the store's file: how it is opened, trimmed, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from core.errors import LostLeaseError, OwnershipError, StoreError
from core.store import files
from core.store.presence import RESTORE

CONFIG: dict[str, str | bool | int | float | list[str]] = {
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
_DAMAGE = re.compile(
    "corrupt|checksum|not a valid|could not read enough|deserialize|serializ|internal error", re.I
)
_STALE = re.compile(r"openbell: a commit of epoch (\w+) where (\d+) writes")  # see lease.py
_MEMORY = """
    SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT,
           coalesce(sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE'), 0)::BIGINT
    FROM duckdb_memory()
"""


def written_at(path: Path) -> str:
    """A database file's path for the engine to write there; StoreError where it cannot.

    The engine puts the log of `a?b/x` at `a.wal?b/x`, and can be told no other place.
    """
    text = str(path.absolute())
    if "?" in text:
        hint = "choose a folder without ? in its path"
        raise StoreError("a database cannot be written below a ?", where=text, hint=hint)
    return text


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """The store's file, opened; OwnershipError when another process has it, else StoreError."""
    try:
        connection = duckdb.connect(written_at(path), config=dict(CONFIG))
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        return connection
    except duckdb.Error as error:
        if taken := taken_by_another(error, path):
            raise taken from None
        rights = "permission denied" in str(error).lower()
        raise StoreError(
            f"the store cannot be opened: {first_line(error)}",
            where=str(path),
            hint="give the file to the user of the desk" if rights else RESTORE,
        ) from error


@contextmanager
def ending(
    cursor: duckdb.DuckDBPyConnection,
    close: Callable[[duckdb.DuckDBPyConnection], None] = duckdb.DuckDBPyConnection.close,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The cursor, closed at the end; what it still does on an exception is called off first.

    Else closing it would run a query that Ctrl-C has broken into to its end.
    """
    try:
        yield cursor
    except BaseException:
        cursor.interrupt()
        raise
    finally:
        close(cursor)


@contextmanager
def reading(path: Path, *, folding: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database file that nobody has open, to be read; `folding`: its log may be folded into it.

    duckdb.Error when it cannot be.
    """
    with ending(duckdb.connect(str(path.absolute()), read_only=not folding)) as connection:
        yield connection


def failure_of(error: duckdb.Error, where: str) -> StoreError:
    """A failure of the engine as ours; LostLeaseError for a commit that a lake has refused."""
    if stale := _STALE.search(str(error)):
        return LostLeaseError(
            f"the commit was refused: it is of epoch {stale[1]}, and {stale[2]} writes", where=where
        )
    return StoreError(first_line(error), where=where, hint=way_back(error))


def taken_by_another(error: duckdb.Error, path: Path) -> OwnershipError | None:
    """The refusal to open a file that another process has open; None when that is not why."""
    owner = re.search(r"\(PID (\d+)\)", str(error))
    return owner and OwnershipError(
        f"the data folder is owned by process {owner[1]}",
        where=str(path),
        hint="use that desk's address, or stop it first",
    )


def way_back(error: duckdb.Error) -> str | None:
    """What to do about a failure: make room on a full disk, restore a damaged file."""
    if files.is_full(str(error)):
        return "make room on the disk, then try again"
    return RESTORE if _DAMAGE.search(str(error)) else None


def identity(path: Path) -> tuple[int, int]:
    """Device and number of the file that stands there."""
    found = path.stat()
    return found.st_dev, found.st_ino


def trim(cursor: duckdb.DuckDBPyConnection) -> None:
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
        _raise_limit(cursor)


def _raise_limit(cursor: duckdb.DuckDBPyConnection) -> None:
    """Give the engine all its memory back.

    RESET brings the setting back and leaves the cache of blocks at the low limit (DuckDB 1.5.5):
    queries spilled, or failed, in a few dozen megabytes from the first bulk insert on. So the limit
    is set once more, to what RESET has found to be the usual one, which is told in round figures: a
    second RESET makes the setting exact again.
    """
    cursor.execute("RESET GLOBAL memory_limit")
    usual = cursor.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    cursor.execute(f"SET GLOBAL memory_limit = '{usual}'")
    cursor.execute("RESET GLOBAL memory_limit")


@contextmanager
def lean(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Work with one thread as long as the block lasts, and keep little of it in memory."""
    cursor.execute("SET GLOBAL threads = 1")
    try:
        yield
    finally:
        usual = CONFIG.get("threads")
        cursor.execute(f"SET GLOBAL threads = {usual}" if usual else "RESET GLOBAL threads")
        trim(cursor)


@contextmanager
def as_of_now(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Read everything as of one moment as long as the block lasts."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        yield
    finally:
        rollback(cursor)


def rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    """Undo the open transaction, if the failure has not ended it already."""
    cursor.interrupt()  # a query that was broken into is else run to its end before
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error as error:
        # the failed statement has ended the transaction already; its own error says more
        if "no transaction is active" not in str(error) and not isinstance(
            error, duckdb.FatalException
        ):
            raise


def first_line(error: BaseException) -> str:
    """The first line of its message, or its kind."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
