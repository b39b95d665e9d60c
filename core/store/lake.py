"""The warehouse in DuckLake: its catalogue in PostgreSQL, its tables as Parquet in a folder.

DuckLake misses conflicts between writers, so one process writes: the one that has the lease
(`core.store.lease`). Any number read. Extensions come as packages (requirements-lake.txt); nothing
is downloaded when the desk runs.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from core.addresses import LakeAddress, Storage
from core.errors import LostLeaseError, OwnershipError, StoreError
from core.observe import logs
from core.store import files
from core.store.connection import CONFIG, ending, written_at
from core.store.lease import Lease, connection_string, unreachable
from core.store.moving import copy_all
from core.store.ownership import Ownership, lock_of
from core.store.partitions import cut
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.store.warehouse import Warehouse

NAME = "lake"
_EXTENSIONS = ("postgres_scanner", "ducklake")
_S3 = "httpfs"
log = logs.get("lake")
_COLUMNS = f"SELECT 1 FROM duckdb_columns() WHERE database_name = '{NAME}' LIMIT 1"


class LakeEngine:
    """A `StoreEngine` in DuckLake. `path` stands for it in the data folder of this machine."""

    def __init__(self, address: LakeAddress, path: Path, lease: Lease | None = None) -> None:
        """`lease`: one that was taken before, for `own`. Without one nothing can be written."""
        self.path = path
        self.where = address.where
        self.address = address
        self._lease = lease

    def own(self) -> Ownership:
        """See StoreEngine: the lock of the data folder's own place, and that of the catalogue."""
        owned = Ownership.take([lock_of(self.path)])
        if self.address.snapshot is not None:  # nobody writes to what was
            return owned
        try:
            self._lease = self._lease or Lease.take(self.address)
        except BaseException:
            owned.release()
            raise
        owned.releases(self._let_go)
        return owned

    def must_be(self, evidence: str | None) -> None:
        """See StoreEngine: an empty lake is used only where nothing knows of a store."""
        known = evidence or (f"there is {self.path.name}" if self.path.exists() else None)
        if known is None:
            return
        with self.connect() as connection:
            found = connection.execute(_COLUMNS).fetchone()
        if not found:
            raise StoreError(
                f"the lake is empty, but {known}, so no empty store is made",
                where=self.where,
                hint="take the store along: python -m app migrate-store FROM TO; or choose an "
                "empty folder with OPENBELL_DATA_DIR",
            )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        storage = self.address.storage
        if storage is None:
            files.folder(Path(self.address.data) / "main")
        catalogue = connection_string(self.address, self._lease)
        connection = _extended(_needed(self.address))
        try:
            if storage:
                connection.execute(_secret(storage, self.address.data))
            connection.execute(
                f"ATTACH {_text('ducklake:postgres:' + catalogue)} AS {NAME} "
                f"(DATA_PATH {_text(self.address.data + '/')}{self._how()})"
            )
            connection.execute("SET GLOBAL allowed_directories = $1", [[f"{self.address.data}/"]])
            connection.execute("SET GLOBAL enable_external_access = false")
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute(f"USE {NAME}")
        except duckdb.Error as error:
            connection.close()
            raise unreachable(error, self.address) from None
        if self._lease is not None:
            self._lease.fence()
            cut(Transaction(connection))  # a lake that was made before
        return connection

    def _how(self) -> str:
        """How a lake is attached beside its place: what may be done, and as of when."""
        if self.address.snapshot is not None:
            return f", READ_ONLY, SNAPSHOT_VERSION {self.address.snapshot}"
        return "" if self._lease else ", READ_ONLY"

    def cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """See StoreEngine."""
        cursor = connection.cursor()
        cursor.execute(f"USE {NAME}")
        return cursor

    def close(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """See StoreEngine: of a database that has died all is kept for good.

        The end of a transaction in it would ask the catalogue to roll back, and what that raises
        in a destructor ends the process. (Whoever closes the first connection closes its cursors.)
        """
        if not _has_died(cursor):
            cursor.close()
            return
        log.error("the lake's engine failed: a connection of it is kept, for its end is the desk's")
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(cursor))

    def must_own(self) -> bool:
        """See StoreEngine: asks PostgreSQL, and takes the lease again where nobody else has."""
        if self._lease is None or self._lease.is_held():
            return False
        try:
            self._lease = self._lease.retake()
        except OwnershipError as error:
            raise LostLeaseError(
                "the right to write to the lake was lost: another desk has it", where=self.where
            ) from error
        log.warning("the lease was taken again", epoch=self._lease.epoch)
        return True

    @property
    def silence_seconds(self) -> int:
        """After how long a silence others may take the right to write; 0 for never."""
        return self._lease.silence_seconds if self._lease else 0

    def has_lost(self) -> bool:
        """See StoreEngine: asks PostgreSQL."""
        return self._lease is not None and not self._lease.is_held()

    def _let_go(self) -> None:
        if self._lease is not None:
            self._lease.close()

    def identity(self) -> Hashable:
        """See StoreEngine: the address, for no other lake can take its place."""
        return self.where

    def lean(self, cursor: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
        """See StoreEngine: as ever. To change the number of threads while something reads a lake
        hangs both for ever (DuckDB 1.5.5), and no cache of tables has to be let go of.
        """
        return nullcontext()

    def has_long_log(self) -> bool:
        """See StoreEngine: there is none."""
        return False

    def fold(self, cursor: duckdb.DuckDBPyConnection, patience_seconds: float) -> None:
        """See StoreEngine: there is nothing to fold in."""

    def copy_to(self, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
        """See StoreEngine: every table and view as it is now."""
        with ending(duckdb.connect(written_at(target), config=CONFIG)) as copy:
            copy.execute("SET GLOBAL TimeZone = 'UTC'")
            copy.execute("BEGIN TRANSACTION")
            copy_all(cursor, Transaction(copy))
            copy.execute("COMMIT")


def _has_died(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database in memory that the lake is attached to refuses everything."""
    try:
        cursor.cursor().execute("SELECT 1")  # by one that knows of no lake
    except duckdb.FatalException:
        return True
    except duckdb.ConnectionException:  # it is closed already
        return False
    return False


def newest_snapshot(warehouse: Warehouse) -> int:
    """The number of the last commit of a lake."""
    newest = f"SELECT max(snapshot_id) FROM __ducklake_metadata_{NAME}.ducklake_snapshot"
    return int(warehouse.read_anew(newest).item())


def load_extensions(address: LakeAddress) -> None:
    """Load into this process what a lake needs, so that it is opened in less time later.

    StoreError when an extension is not installed.
    """
    _extended(_needed(address)).close()


def _needed(address: LakeAddress) -> tuple[str, ...]:
    return (*_EXTENSIONS, _S3) if address.storage else _EXTENSIONS


def _extended(names: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """An engine in memory with the extensions of a lake, from their packages."""
    connection = duckdb.connect(":memory:", config={**CONFIG, "enable_external_access": "true"})
    for name in names:
        connection.execute(f"LOAD {_text(str(_extension(name)))}")
    return connection


def _secret(storage: Storage, data: str) -> str:
    """What makes the keys of S3 known to the engine, for the place of the lake alone."""
    endpoint = urlsplit(storage.endpoint)
    given = {
        "TYPE": "s3",
        "SCOPE": data,
        "KEY_ID": storage.key_id,
        "SECRET": storage.secret,
        "REGION": storage.region,
        "ENDPOINT": endpoint.netloc,
        "URL_STYLE": "path" if endpoint.netloc else "",
        "USE_SSL": "false" if endpoint.scheme == "http" else "",
    }
    words = ", ".join(f"{name} {_text(value)}" for name, value in given.items() if value)
    return f"CREATE SECRET {NAME} ({words})"


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


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
