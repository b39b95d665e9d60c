"""The warehouse in DuckLake: its catalogue in PostgreSQL, its tables as Parquet in a folder.

DuckLake misses conflicts between writers, so one process writes: it holds an advisory lock of the
catalogue in a session of its own, and every transaction sees first that the session still lives.
Extensions come as packages (requirements-lake.txt); nothing is downloaded when the desk runs.
"""

from __future__ import annotations

import importlib.util
import re
import threading
from collections.abc import Hashable
from pathlib import Path
from typing import LiteralString

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo

from core.addresses import LakeAddress
from core.errors import OwnershipError, StoreError
from core.store import files
from core.store.connection import CONFIG, first_line
from core.store.moving import copy_all
from core.store.ownership import Ownership, lock_of
from core.store.transaction import Transaction

NAME = "lake"
LOCK = 0x6F70656E62656C6C  # "openbell": the advisory lock of the catalogue
_EXTENSIONS = ("postgres_scanner", "ducklake")
_TABLES = f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{NAME}'"
_HELD: LiteralString = (
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
    "AND (classid::bigint << 32) + objid::bigint = %s"
)
# a server that is gone without a word is noticed within seconds, not after two hours
_ALIVE: dict[str, str | int | None] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_HINT = "see that PostgreSQL runs, lets the desk in, and has a database of that name"


class LakeEngine:
    """A `StoreEngine` in DuckLake. `path` stands for it in the data folder of this machine."""

    def __init__(self, address: LakeAddress, path: Path) -> None:
        self.path = path
        self.where = address.where
        self._address = address
        self._lease: _Lease | None = None

    def own(self) -> Ownership:
        """See StoreEngine: the lock of the data folder's own place, and that of the catalogue."""
        owned = Ownership.take([lock_of(self.path)])
        try:
            lease = _Lease(self._address)
        except BaseException:
            owned.release()
            raise
        self._lease = lease
        owned.releases(lease.close)
        return owned

    def must_be(self, evidence: str | None) -> None:
        """See StoreEngine: an empty lake is used only where nothing knows of a store."""
        known = evidence or (f"there is {self.path.name}" if self.path.exists() else None)
        if known is None:
            return
        with self.connect() as connection:
            found = connection.execute(_TABLES).fetchall()
        if not found:
            raise StoreError(
                f"the lake is empty, but {known}, so no empty store is made",
                where=self.where,
                hint="take the store along: python -m app migrate-store FROM TO; or choose an "
                "empty folder with OPENBELL_DATA_DIR",
            )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        files.folder(self._address.data / "main")
        connection = _extended()
        try:
            connection.execute(
                f"ATTACH {_text('ducklake:postgres:' + self._address.catalogue)} AS {NAME} "
                f"(DATA_PATH {_text(str(self._address.data) + '/')})"
            )
            connection.execute("SET GLOBAL allowed_directories = $1", [[f"{self._address.data}/"]])
            connection.execute("SET GLOBAL enable_external_access = false")
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute(f"USE {NAME}")
        except duckdb.Error as error:
            connection.close()
            raise _unreachable(error, self._address) from None
        return connection

    def cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        cursor = connection.cursor()
        cursor.execute(f"USE {NAME}")
        return cursor

    def must_own(self) -> None:
        """See StoreEngine: asks PostgreSQL."""
        if self._lease is not None:
            self._lease.must_be_held()

    def identity(self) -> Hashable:
        """See StoreEngine: the address, for no other lake can take its place."""
        return self.where

    def has_long_log(self) -> bool:
        """See StoreEngine: there is none."""
        return False

    def fold(self, cursor: duckdb.DuckDBPyConnection, patience_seconds: float) -> None:
        """See StoreEngine: there is nothing to fold in."""

    def copy_to(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        """See StoreEngine: every table and view as it is now."""
        with duckdb.connect(str(target.absolute()), config=CONFIG) as copy:
            copy.execute("SET GLOBAL TimeZone = 'UTC'")
            copy.execute("BEGIN TRANSACTION")
            copy_all(cursor, Transaction(copy))
            copy.execute("COMMIT")


class _Lease:
    """An advisory lock of PostgreSQL: held by a session that does nothing else."""

    def __init__(self, address: LakeAddress) -> None:
        self._where = address.where
        self._lock = threading.Lock()
        try:
            self._session = psycopg.connect(make_conninfo(address.catalogue, **_ALIVE))
            self._session.autocommit = True
            got = self._ask("SELECT pg_try_advisory_lock(%s)")
        except psycopg.Error as error:
            raise _unreachable(error, address) from None
        if not got:
            self._session.close()
            raise OwnershipError(
                "another desk writes to this lake", where=self._where, hint="stop it first"
            )

    def must_be_held(self) -> None:
        """StoreError when PostgreSQL no longer knows the session: another may have the lock."""
        try:
            held = self._ask(_HELD)
        except psycopg.Error as error:
            raise StoreError(
                f"the right to write to the lake was lost: {first_line(error)}",
                where=self._where,
                hint="start the desk again",
            ) from error
        if not held:
            raise StoreError("the right to write to the lake was lost", where=self._where)

    def close(self) -> None:
        """Let go of the lock."""
        with self._lock:
            self._session.close()

    def _ask(self, sql: LiteralString) -> bool:
        with self._lock:
            row = self._session.execute(sql, [LOCK]).fetchone()
        return bool(row and row[0])


def _extended() -> duckdb.DuckDBPyConnection:
    """An engine in memory with the extensions of a lake, from their packages."""
    connection = duckdb.connect(":memory:", config={**CONFIG, "enable_external_access": "true"})
    for name in _EXTENSIONS:
        connection.execute(f"LOAD {_text(str(_extension(name)))}")
    return connection


def _extension(name: str) -> Path:
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    folder = Path(found.origin).parent if found and found.origin else None
    version = f"v{duckdb.__version__}"
    file = folder / "extensions" / version / f"{name}.duckdb_extension" if folder else None
    if file is None or not file.is_file():
        raise StoreError(
            f"the extension {name} of DuckDB {duckdb.__version__} is not installed",
            hint="pip install --require-hashes -r requirements-lake.txt",
        )
    return file


def _unreachable(error: Exception, address: LakeAddress) -> StoreError:
    told = re.sub(r"://[^@/\s]*@", "://", first_line(error))
    return StoreError(f"the lake cannot be opened: {told}", where=address.where, hint=_HINT)


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
