"""One SQLite file for all threads of a process: WAL, `synchronous=FULL`, typed errors."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from core.errors import StoreError
from core.jobs.queue.count_file import CountFile, beside
from core.store.mark import WAYS_BACK
from core.store.presence import RESTORE, unadvised

BUSY_MS = 10_000
FULL = "make room on the disk, then try again"
OTHERS = "give the file and its folder to the user of the desk"
LEAST_BYTES = 2**20
_NUMBER = "SELECT max(number) FROM (SELECT number FROM writes UNION ALL SELECT write_no FROM jobs)"
_COUNT = "UPDATE writes SET number = ?"
_UNREADABLE = "Could not decode to UTF-8"  # as sqlite3 says it
_OLDER = "SELECT 1 FROM pragma_table_info('jobs') WHERE name = 'write_no'"

T = TypeVar("T")


class SqliteFile:
    """A connection guarded by a lock. `layout` numbers the schema that `statements` make.

    Writes are counted in the file and beside it: StoreError when it lacks some that were
    acknowledged, unless `accept_loss`. A write that puts jobs is counted in their rows: the table
    of other writes would be one page more to sync. `advise` turns the hint of an error into one
    that names what there is to mend it with.
    """

    def __init__(
        self,
        path: Path,
        statements: Sequence[str],
        layout: int,
        *,
        accept_loss: bool = False,
        advise: Callable[[str], str] = unadvised,
    ) -> None:
        self.path = path
        self._typed = _Typed(path, advise)
        self._lock = threading.RLock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as unfinished:
            with self._typed:
                self._db = _connect(path)
                unfinished.callback(self._db.close)
                self._check()
                self._migrate(statements, layout)
                self._number = self._count()
                self._numbered = False  # whether rows hold the number of the write under way
            self._counted = CountFile(beside(path))
            unfinished.callback(self._counted.close)
            self._agree(accept_loss)
            unfinished.pop_all()

    @property
    def number(self) -> int:
        """How many writes there were, without waiting for the one under way."""
        return self._number

    def read(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows of a query."""
        with self._lock, self._typed:
            try:
                return self._db.execute(sql, params).fetchall()
            except sqlite3.OperationalError as error:
                if not str(error).startswith(_UNREADABLE):
                    raise
                return self._damaged_rows(sql, params)

    def change(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Execute a statement; how many rows it changed."""
        with self._lock, self._typed:
            return self._db.execute(sql, params).rowcount

    def put(self, sql: str, make: Callable[[int], Iterable[Sequence[Any]]]) -> None:
        """Execute a statement for every row, in a write; `make` gives them their write's number.

        It is their first cell, and the jobs keep it: `jobs.write_no`.
        """
        with self._lock, self._typed:
            done = self._db.executemany(sql, make(self._number + 1))
            self._numbered |= done.rowcount > 0

    def write(self, work: Callable[[], T]) -> T:
        """Do work in one durable transaction; inside another it is part of that one."""
        with self._lock, self._typed:
            if self._db.in_transaction:
                return work()
            self._numbered, before = False, self._db.total_changes
            with _Transaction(self._db):
                done = work()
                if self._db.total_changes == before:
                    return done  # what changes nothing need not be synced
                if not self._numbered:
                    self._db.execute(_COUNT, (self._number + 1,))
            self._number += 1
            self._counted.write(self._number)
            return done

    def _damaged_rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        """All rows of a query, broken UTF-8 and all: a flipped bit is the checksum's to judge."""
        self._db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            return self._db.execute(sql, params).fetchall()
        finally:
            self._db.text_factory = str  # decoding in Python would be half the price of a read

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()
            self._counted.close()

    def _count(self) -> int:
        """How many writes there were; begun at 0 in a file that did not count them yet."""
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'writes'").fetchone():
            self._db.execute("CREATE TABLE writes (number INTEGER NOT NULL)")
        if not self._db.execute("SELECT 1 FROM writes").fetchone():
            self._db.execute("INSERT INTO writes VALUES (0)")
        if not self._db.execute(_OLDER).fetchone():  # made before jobs were numbered
            self._db.execute("ALTER TABLE jobs ADD COLUMN write_no INTEGER NOT NULL DEFAULT 0")
        return int(self._db.execute(_NUMBER).fetchone()[0])

    def _agree(self, accept_loss: bool) -> None:
        """Compare the file with the count beside it; of one made anew the store's mark tells."""
        known = self._counted.read()
        if known is not None and known > self._number > 0 and not accept_loss:
            raise StoreError(
                f"{self.path.name} lacks its last {known - self._number} writes (its write-ahead "
                "log was cut or removed, or an older copy put in its place)",
                where=str(self.path),
                hint=WAYS_BACK,
            )
        self._counted.write(self._number)

    def _check(self) -> None:
        """Refuse a file whose pages or indexes do not fit together: rows would go missing."""
        found = [row[0] for row in self._db.execute("PRAGMA integrity_check(1)")]
        if found != ["ok"]:
            self._db.close()
            raise StoreError(
                f"{self.path.name} is damaged: {found[0]}",
                where=str(self.path),
                hint=_damaged(self.path),
            )

    def _migrate(self, statements: Sequence[str], layout: int) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found > layout:
            raise StoreError(
                f"{self.path.name} was written by a newer Openbell (layout {found})",
                where=str(self.path),
                hint="start that version, or restore an older backup",
            )
        if found == 0:
            with _Transaction(self._db):
                for statement in statements:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {int(layout)}")


class _Typed:
    """Turns failures of SQLite into StoreError; entered with every call, so it is no generator."""

    def __init__(self, path: Path, advise: Callable[[str], str]) -> None:
        self._path = path
        self._advise = advise

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise StoreError(
                f"{self._path.name} cannot be used: {error}",
                where=str(self._path),
                hint=self._way_out(error),
            ) from error

    def _way_out(self, error: sqlite3.Error) -> str:
        """What helps: a full disk and a file of another owner are no reason to give jobs up."""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) and self._is_disk_full():
            return FULL
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            return OTHERS
        return FULL if name.startswith("SQLITE_FULL") else self._advise(_damaged(self._path))

    def _is_disk_full(self) -> bool:
        try:
            return shutil.disk_usage(self._path.parent).free < LEAST_BYTES
        except OSError:
            return False


class _Transaction:
    """One durable transaction: committed at the end, rolled back on any exception."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _: object, __: object) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def _damaged(path: Path) -> str:
    return (
        f"check the disk; {RESTORE}; or move {path.name}* away, and go on without its "
        "jobs with: python -m app restore --accept-loss"
    )


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        db.close()
        raise
    return db
