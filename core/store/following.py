"""A lake as a desk sees it that only reads: its newest snapshot, known once it is committed."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import duckdb
import polars as pl

from core.errors import OpenbellError, ReadOnlyError, StoreError
from core.observe import logs
from core.store import presence
from core.store.connection import failure_of
from core.store.lake import LakeEngine
from core.store.lease import LakeWatch
from core.store.migrate import behind
from core.store.ownership import Ownership, lock_of
from core.store.shared_answers import SharedAnswers
from core.store.transaction import Transaction
from core.store.warehouse import Params, Warehouse

LOOK_SECONDS = 1.0
AWAY_SECONDS = 0.25
TELL_SECONDS = 0.25  # how often at most it is told of commits: each may be read from the lake
SHUT_SECONDS = 1.0  # for which a lake that did not let one in is not tried by all who wait
OPEN_SECONDS = 60.0  # for an engine that makes the lake or brings it to today's layout
# what the engine says when PostgreSQL or S3 does not answer
_AWAY = re.compile(r"connect|timeout|timed out|server closed|lake cannot be opened|HTTP", re.I)
log = logs.get("store")


class FollowedWarehouse(Warehouse):
    """A warehouse that another process writes; `commits` is the number of its newest snapshot."""

    def __init__(
        self,
        engine: LakeEngine,
        connection: duckdb.DuckDBPyConnection,
        owned: Ownership,
        advise: Callable[[str], str] = presence.unadvised,
    ) -> None:
        super().__init__(engine, connection, owned, None, advise)
        self._watch, self._asked = LakeWatch(engine.address), LakeWatch(engine.address)
        self._asking = threading.Lock()
        self.answers: SharedAnswers | None = None  # closed with this
        self.listeners: list[Callable[[], None]] = []  # called after commits, in a thread of ours
        self._stop = threading.Event()
        self._alone_since: float | None = None
        self._shut_until = 0.0
        self._away_since: float | None = None  # the first of the reads that failed in a row
        self._follower = threading.Thread(target=self._follow, name="follower", daemon=True)

    @classmethod
    def follow(
        cls,
        engine: LakeEngine,
        advise: Callable[[str], str] = presence.unadvised,
        *,
        patience_seconds: float = OPEN_SECONDS,
    ) -> FollowedWarehouse:
        """The lake of an engine, once that has made it; StoreError when it has not in time."""
        owned = Ownership.take([lock_of(engine.path)])
        ends = time.monotonic() + patience_seconds
        while True:
            try:
                connection = _connected(engine)
            except StoreError:
                if time.monotonic() >= ends:
                    owned.release()
                    raise
                time.sleep(AWAY_SECONDS)
            else:
                break
        warehouse = cls(engine, connection, owned, advise)
        warehouse.catch_up()
        warehouse._follower.start()
        return warehouse

    @property
    def read_only_seconds(self) -> float | None:
        """For how long no engine has led; None while one does."""
        since = self._alone_since
        return None if since is None else time.monotonic() - since

    def catch_up(self) -> None:
        """Know of what is committed by now."""
        try:
            with self._asking:
                self._see(*self._asked.look())
        except StoreError as error:  # the follower looks again
            log.warning("the newest snapshot is not known", error=str(error))

    def keep_owning(self, patience_seconds: float = -1) -> None:
        """See Warehouse: nobody writes here."""
        away = self.read_only_seconds
        raise ReadOnlyError(
            "this desk only reads" if away is None else f"read-only for {away:.0f} s",
            where=self._engine.where,
            hint="what changes something is done by the engine that leads",
        )

    def close(self) -> None:
        """See Warehouse."""
        self._stop.set()
        if self._follower.is_alive():
            self._follower.join()
        with self._asking:
            self._asked.close()
        if self.answers:
            self.answers.close()
        super().close()

    def read(self, sql: str, params: Params | None = None) -> pl.DataFrame:
        """See Warehouse; what another desk has read of the same snapshot is not read again."""
        question, snapshot = (sql, repr(params)), self.commits

        def make() -> pl.DataFrame:
            if self.answers is None:
                return self._read(sql, params)
            found = self.answers.get(snapshot, question)
            if found is None:
                found = self._read(sql, params)
                self.answers.keep(snapshot, question, found)
            return found

        return self._memory.get(question, snapshot, make)

    def _read(self, sql: str, params: Params | None = None) -> pl.DataFrame:
        """See Warehouse; once more over a new connection, for a server may have come back.

        ReadOnlyError when it has not: what is not known here already cannot be shown now.
        """
        used = self._connection
        try:
            return self._told(super()._read(sql, params))
        except StoreError as error:
            if not _AWAY.search(str(error)):
                raise
        try:
            self._replace(used)
            return self._told(super()._read(sql, params))
        except StoreError as error:
            if not _AWAY.search(str(error)):
                raise
            self._away_since = self._away_since or time.monotonic()
            raise ReadOnlyError(
                f"read-only for {time.monotonic() - self._away_since:.0f} s: the lake is out of "
                "reach, and what was not read before cannot be shown",
                where=self._engine.where,
                hint="it is shown again once the lake answers",
            ) from error

    def _replace(self, used: duckdb.DuckDBPyConnection) -> None:
        """Connect anew, once however many have found that the connection `used` is dead.

        That one is not closed: others may read through it, and it goes with the last of them.
        """
        with self._write_lock:
            if self._connection is not used:
                return
            if time.monotonic() < self._shut_until:
                raise StoreError("the lake cannot be opened: it did not answer a moment ago")
            try:
                self._connection = self._engine.connect()
            except StoreError:
                self._shut_until = time.monotonic() + SHUT_SECONDS
                raise

    def _told(self, frame: pl.DataFrame) -> pl.DataFrame:
        self._away_since = None
        return frame

    def _follow(self) -> None:
        told, again = -1, 0.0
        while not self._stop.is_set():
            try:
                self._see(*self._watch.look())
                if told != self.commits and time.monotonic() >= again:
                    told, again = self.commits, time.monotonic() + TELL_SECONDS
                    self._tell()
                self._watch.wait(LOOK_SECONDS if told == self.commits else TELL_SECONDS)
            except StoreError as error:
                log.warning("the lake is not followed", error=str(error))
                self._see(self.commits, led=False)
                self._stop.wait(AWAY_SECONDS)
        self._watch.close()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            try:
                listener()
            except OpenbellError as error:  # it is told of the next commit, too
                log.warning("what a commit changes was not seen", error=str(error))
            except Exception:  # whatever it is, the lake must be followed on
                log.exception("what a commit changes was not seen")

    def _see(self, snapshot: int, led: bool) -> None:
        self.commits = max(self.commits, snapshot)
        if led:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()


def _connected(engine: LakeEngine) -> duckdb.DuckDBPyConnection:
    """A connection to a lake that has today's tables."""
    connection = engine.connect()
    try:
        with engine.cursor(connection) as cursor:
            if behind(Transaction(cursor)) == 0:
                return connection
    except duckdb.Error as error:
        connection.close()
        raise failure_of(error, engine.where) from error
    connection.close()
    raise StoreError(
        "no engine has made this lake yet, or brought it to today's layout",
        where=engine.where,
        hint="start an engine: OPENBELL_ROLE=engine",
    )
