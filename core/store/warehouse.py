"""The warehouse: one DuckDB file or DuckLake, one writer at a time, any number of readers.

One process holds it open; every thread reads through a cursor of the same connection. Who
that is tells a lock file beside it: `core.store.ownership`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from core.errors import LostLeaseError, StoreError
from core.observe import logs, traces, work
from core.store import connection, presence
from core.store import mark as marks
from core.store.connection import as_of_now, failure_of, first_line, rollback, way_back
from core.store.engines import FOLD_SECONDS, FileEngine, StoreEngine, must_stand
from core.store.mark import CommitMark, MarkKeeper
from core.store.memory import QueryCache
from core.store.migrate import behind, migrate
from core.store.ownership import Ownership
from core.store.transaction import Transaction

Params = Sequence[Any] | Mapping[str, Any]
log = logs.get("store")


class Warehouse:
    """The store of all tables; open it with `Warehouse.open`, close it when done."""

    def __init__(
        self,
        engine: StoreEngine,
        connection: duckdb.DuckDBPyConnection,
        owned: Ownership,
        keeper: MarkKeeper | None,
        advise: Callable[[str], str] = presence.unadvised,
    ) -> None:
        self.path = engine.path
        self._engine = engine
        self._connection = connection
        self._owned = owned
        self._keeper = keeper
        self._advise = advise
        self._marked: int | None = None  # the last commit whose mark stands in the other file
        self._write_lock = threading.RLock()
        self.commits = 0  # counts up after each: what was read before it may be old
        self.before_commit: list[Callable[[Transaction], None]] = []  # what is written with each
        self._memory = QueryCache()
        self._identity = engine.identity()

    @classmethod
    def open(
        cls,
        place: Path | StoreEngine,
        keeper: MarkKeeper | None = None,
        *,
        evidence: str | None = None,
        accept_loss: bool = False,
        advise: Callable[[str], str] = presence.unadvised,
        before_migration: Callable[[Warehouse], None] = lambda _: None,
    ) -> Warehouse:
        """The warehouse in a file or an engine, made and migrated when needed, marked by `keeper`.

        `advise` turns the hint of an error into one that names what there is to mend it with.

        OwnershipError when another process holds it. StoreError when it cannot be opened, is gone
        although there is `evidence` of one, or lacks commits that its mark tells of; with
        `accept_loss` the mark is set back to what the store holds.
        """
        engine = FileEngine(place) if isinstance(place, Path) else place
        owned = engine.own()
        try:
            engine.must_be(evidence)
            warehouse = cls(engine, engine.connect(), owned, keeper, advise)
        except BaseException:
            owned.release()
            raise
        try:
            warehouse._agree(accept_loss)
            warehouse._migrate(before_migration)
        except BaseException:
            warehouse._abandon()
            raise
        return warehouse

    def close(self) -> None:
        """Let go of the file; what is committed is on disk."""
        self._memory.clear()
        self._engine.close(self._connection)
        self._owned.release()

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cursor(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection of its own for one thread or one piece of work."""
        return connection.ending(self._engine.cursor(self._connection), self._engine.close)

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

    def read_anew(self, sql: str, params: Params | None = None) -> pl.DataFrame:
        """The rows of a query as `read` gives them, never those of a time before."""
        return self._read(sql, params)

    @contextmanager
    def moment(self) -> Iterator[Transaction]:
        """Reads that belong together, as of one moment."""
        with self._mapped(), self.cursor() as cursor, as_of_now(cursor):
            yield Transaction(cursor)

    @contextmanager
    def transaction(self, *, bulk: bool = False) -> Iterator[Transaction]:
        """One writing transaction: commits at the end, rolls back on any exception.

        `bulk`: one of many large inserts. Statements run in the calling thread alone: an insert of
        one frame has work for one thread; the others spin beside it, for the interpreter lock too,
        and slow what decodes. What was written does not stay in memory.
        """
        with self._owning() as cursor, self._lean(bulk):
            cursor.execute("BEGIN TRANSACTION")
            began = time.perf_counter()
            try:
                tx = Transaction(cursor)
                yield tx
                for write in self.before_commit:
                    write(tx)
                with traces.span("commit"):
                    mark = marks.count_up(cursor, self._marked)
                    cursor.execute("COMMIT")
                self.commits += 1
            except BaseException:
                rollback(cursor)
                raise
            self._keep(mark)
            work.COMMIT_SECONDS.observe(time.perf_counter() - began)
            for told in tx.after_commit:
                told()
        if not bulk:
            self._fold_long_log()

    def _migrate(self, before: Callable[[Warehouse], None]) -> None:
        """Bring the tables to today's layout.

        Those of an older store by one transaction a migration: in one of them the engine alters no
        table whose rows it has changed. Killed in between, the next start goes on.
        """
        with self._mapped(), self.cursor() as cursor:
            steps = behind(Transaction(cursor), strict=True)
        if steps == 0:
            return
        if steps:
            before(self)
        for _ in range(steps or 0):
            with self.scratch(-1) as step:
                assert step is not None
                migrate(step, most=1)
                if marks.state_of(step.cursor):
                    marks.count_up(step.cursor, self._marked)
        with self.transaction() as tx:
            migrate(tx)

    def _agree(self, accept_loss: bool) -> None:
        """Compare the store with its mark before anything is written to it."""
        if self._keeper is None:
            return
        with self._mapped(), self.cursor() as cursor:
            state = marks.state_of(cursor)
        if accept_loss and state:
            self._keeper.write(state.mark)
        kept = self._keeper.read()
        marks.compare(state, kept)
        if kept is None:
            self._keep(state.mark if state else marks.NOTHING)
        else:
            self._marked = kept.number

    def compare_with_mark(self) -> CommitMark:
        """The store's own mark after comparing it with the one kept beside it; else StoreError."""
        with self._write_lock, self._mapped(), self.cursor() as cursor:
            state = marks.state_of(cursor)
            if self._keeper:
                marks.compare(state, self._keeper.read())
        return state.mark if state else marks.NOTHING

    def _keep(self, mark: CommitMark) -> None:
        """Mark a commit that stands: when that fails the mark is behind, which loses nothing."""
        if self._keeper is None:
            return
        try:
            self._keeper.write(mark)
            self._marked = mark.number
        except StoreError as error:
            log.warning("the commit was not marked", number=mark.number, error=str(error))

    def _fold_long_log(self) -> None:
        """Checkpoint when much stands in the log; the commit before it stands in any case."""
        try:
            if self._engine.has_long_log():
                self.checkpoint(patience_seconds=0)
        except StoreError as error:
            log.warning("the write-ahead log was not folded in", error=str(error))

    def _abandon(self) -> None:
        """Close a store that was refused, and leave its files as they are."""
        try:
            self._connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        except duckdb.Error as error:
            log.warning("the refused store could not be left alone", error=first_line(error))
        self.close()

    @contextmanager
    def scratch(self, patience_seconds: float) -> Iterator[Transaction | None]:
        """A transaction for what no page asks about: kept answers stay as they are.

        None when another writer is still at work after the patience.
        """
        if not self._write_lock.acquire(timeout=patience_seconds):
            yield None
            return
        try:
            with self._owning() as cursor:
                cursor.execute("BEGIN TRANSACTION")
                try:
                    yield Transaction(cursor)
                    cursor.execute("COMMIT")
                except BaseException:
                    rollback(cursor)
                    raise
        finally:
            self._write_lock.release()

    def has_lost(self) -> bool:
        """Whether the right to write is gone; waits for no transaction."""
        return self._engine.has_lost()

    def keep_owning(self, patience_seconds: float = -1) -> None:
        """See that this process may write, and get it back when it was lost for a moment.

        LostLeaseError when another has it. StoreError when that cannot be known (in time).
        """
        if not self._write_lock.acquire(timeout=patience_seconds):
            raise StoreError("a transaction hangs", where=self._engine.where)
        try:
            if self._engine.must_own():
                self._reopen()
        finally:
            self._write_lock.release()

    @contextmanager
    def _owning(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of whoever may write, for one transaction at a time."""
        with self._write_lock, self._mapped():
            self.keep_owning()
            with self.cursor() as cursor:
                try:
                    yield cursor
                except duckdb.Error as error:
                    if self._engine.has_lost():
                        raise LostLeaseError(f"lost to another: {first_line(error)}") from error
                    raise

    def must_be_there(self) -> None:
        """StoreError when the file has gone or another took its place: then writing is in vain."""
        must_stand(self._engine, self._identity)

    @contextmanager
    def _lean(self, bulk: bool) -> Iterator[None]:
        if bulk:
            with self.cursor() as cursor, self._engine.lean(cursor):
                yield
        else:
            yield

    def checkpoint(self, patience_seconds: float = FOLD_SECONDS) -> None:
        """Fold the write-ahead log into the file; StoreError when readers stay in the way."""
        with self._write_lock, self._mapped(), self.cursor() as cursor:
            self._engine.fold(cursor, patience_seconds)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep writers out, and everything in the file itself, as long as the block lasts."""
        with self._write_lock:
            self.checkpoint()
            yield

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the database file, made while no writer is at work."""
        with self.still(), self._mapped(), self.cursor() as cursor:
            self._engine.copy_to(cursor, target)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turn DuckDB's failures into ours, with hints that name ways there are."""
        try:
            with self._typed():
                yield
        except StoreError as error:
            error.hint = self._advise(error.hint) if error.hint else None
            raise

    @contextmanager
    def _typed(self) -> Iterator[None]:
        """After a fatal failure the file is opened anew."""
        try:
            yield
        except duckdb.FatalException as error:
            self._reopen()
            raise StoreError(
                f"the store failed and was opened again: {first_line(error)}",
                where=self._engine.where,
                hint=way_back(error) or "check free disk space, then try again",
            ) from error
        except duckdb.Error as error:
            raise failure_of(error, self._engine.where) from error

    def _reopen(self) -> None:
        with self._write_lock:
            self._connect_anew()
            self.commits += 1  # what was read may be from what was lost

    def _connect_anew(self) -> None:
        self._engine.close(self._connection)
        self._connection = self._engine.connect()
        self._identity = self._engine.identity()
