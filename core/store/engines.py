"""Where the tables of the warehouse are kept: in a DuckDB file, or in what else speaks its SQL."""

from __future__ import annotations

import time
from collections.abc import Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import duckdb

from core.errors import StoreError
from core.store import files, presence
from core.store.connection import connect, identity, lean
from core.store.ownership import Ownership, lock_of

FOLD_SECONDS = 30.0  # longer than any query reads
LOG_BYTES = 8 * 2**20  # of the write-ahead log; a commit beyond it folds the log into the file


class StoreEngine(Protocol):
    """What a warehouse needs of the place where its tables are."""

    where: str
    """The place in messages, without secrets."""
    path: Path
    """The file, or a path that stands for it in the data folder."""

    def own(self) -> Ownership:
        """The right to write, for this process alone; OwnershipError when another has it."""
        ...

    def must_own(self) -> bool:
        """Whether the right to write was lost and taken again: then it must be opened anew.

        LostLeaseError when another has it, StoreError when that cannot be known.
        """
        ...

    def has_lost(self) -> bool:
        """Whether the right to write is gone, which explains why writing failed."""
        ...

    def must_be(self, evidence: str | None) -> None:
        """StoreError when the store is gone though there is evidence of one."""
        ...

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open it; StoreError when that cannot be."""
        ...

    def cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one thread or one piece of work."""
        ...

    def close(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Close such a connection, or the first, whatever has happened to the store meanwhile."""
        ...

    def identity(self) -> Hashable:
        """What tells this store from another in its place; raises OSError when it is gone."""
        ...

    def lean(self, cursor: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
        """Work as frugally as this place allows, as long as the block lasts."""
        ...

    def has_long_log(self) -> bool:
        """Whether so much stands in a log that it should be folded in."""
        ...

    def fold(self, cursor: duckdb.DuckDBPyConnection, patience_seconds: float) -> None:
        """Fold the log into the store; waits for transactions that are in the way."""
        ...

    def copy_to(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        """A DuckDB file with all tables, made while nobody writes."""
        ...


class FileEngine:
    """One DuckDB file; a lock file beside it tells who has it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def own(self) -> Ownership:
        """See StoreEngine."""
        files.folder(self.path.parent)
        return Ownership.take([lock_of(self.path)])

    def must_own(self) -> bool:
        """See StoreEngine: the lock goes with the process alone."""
        return False

    def has_lost(self) -> bool:
        """See StoreEngine."""
        return False

    def must_be(self, evidence: str | None) -> None:
        """See StoreEngine."""
        presence.must_be(self.path, evidence)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        return connect(self.path)

    def cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        return connection.cursor()

    def close(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """See StoreEngine."""
        cursor.close()

    def identity(self) -> Hashable:
        """See StoreEngine."""
        return identity(self.path)

    def lean(self, cursor: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
        """See StoreEngine: with one thread, and little in memory."""
        return lean(cursor)

    def has_long_log(self) -> bool:
        """See StoreEngine."""
        try:
            return presence.wal_of(self.path).stat().st_size > LOG_BYTES
        except FileNotFoundError:
            return False

    def fold(self, cursor: duckdb.DuckDBPyConnection, patience_seconds: float) -> None:
        """See StoreEngine: rows changed by a commit are held for readers that began before it."""
        ends = time.monotonic() + patience_seconds
        while True:
            try:
                cursor.execute("CHECKPOINT")
            except duckdb.TransactionException:
                if time.monotonic() >= ends:
                    raise
                time.sleep(0.02)
            else:
                return

    def copy_to(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        """See StoreEngine."""
        files.copy_by_another(self.path, target)
        wal = presence.wal_of(self.path)
        if wal.exists() and wal.stat().st_size:  # a reader kept the checkpoint from emptying it
            files.copy_by_another(wal, presence.wal_of(target))


def must_stand(engine: StoreEngine, known: Hashable) -> None:
    """StoreError when the store has gone or another took its place: then writing is in vain."""
    try:
        found = engine.identity()
    except OSError as error:
        raise StoreError(
            f"the store's file cannot be seen: {error.strerror}", where=engine.where
        ) from error
    if found != known:
        raise StoreError("another file stands in the store's place", where=engine.where)
