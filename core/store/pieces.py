"""Tables as Parquet pieces: told apart by digests of their rows, written, put together again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.errors import IntegrityError, StoreError
from core.store import files
from core.store.connection import CONFIG, ending, first_line, written_at
from core.store.migrate import migrate
from core.store.moving import BATCH_ROWS, columns_of, make_table
from core.store.piece_keys import KEY, keyed
from core.store.transaction import Transaction, quoted

ENGINE = duckdb.__version__  # digests are equal between the same versions alone
Columns = tuple[tuple[str, str], ...]
_TYPE = re.compile(r"[A-Z][A-Z0-9 ]*(\(\d+(,\s*\d+)?\))?(\[\])*( NOT NULL)?")
_FLOATS = ("DOUBLE", "FLOAT")


@dataclass(frozen=True, slots=True)
class RowsDigest:
    """How many rows there are, and what two hashes of each come to in whatever order they lie."""

    rows: int
    xor: int
    total: int

    def __add__(self, other: RowsDigest) -> RowsDigest:
        return RowsDigest(self.rows + other.rows, self.xor ^ other.xor, self.total + other.total)

    def __str__(self) -> str:
        return f"{self.rows}:{self.xor}:{self.total}"

    @classmethod
    def parse(cls, text: str) -> RowsDigest:
        """Of what `str` gives; ValueError otherwise."""
        rows, xor, total = (int(number) for number in text.split(":"))
        return cls(rows, xor, total)


NO_ROWS = RowsDigest(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a table in one file of the folder of pieces; `bytes` as it stands there."""

    key: str
    digest: RowsDigest
    file: str
    bytes: int


@dataclass(frozen=True, slots=True)
class PiecedTable:
    """A table: its columns with their types, in order, and its pieces."""

    columns: Columns
    pieces: tuple[Piece, ...]

    @property
    def digest(self) -> RowsDigest:
        """That of all its rows."""
        return sum((piece.digest for piece in self.pieces), NO_ROWS)


def fitting(table: str, columns: Sequence[tuple[str, str]]) -> Columns:
    """Names and types of a table's columns; StoreError where pieces cannot hold one."""
    for name, kind in columns:
        if not is_type(kind):
            raise StoreError(
                f"{table}.{name} is of type {kind}, which no piece of a backup holds",
                hint="make whole copies: OPENBELL_BACKUP_KIND=whole",
            )
    return tuple(columns)


def is_type(kind: str) -> bool:
    """Whether a text names a type of columns that a piece can hold, and nothing else."""
    return _TYPE.fullmatch(kind) is not None


def digests_of(
    cursor: duckdb.DuckDBPyConnection, table: str, columns: Columns
) -> dict[str, RowsDigest]:
    """The digest of each piece of a table as it is now, by key."""
    names = [name for name, _ in columns]
    found = cursor.execute(
        f"SELECT {KEY}, {_digest(columns)} FROM ({keyed(table, names)}) GROUP BY {KEY} ORDER BY 1"
    ).fetchall()
    return {key: RowsDigest(rows, xor, int(total)) for key, rows, xor, total in found}


def write(
    writer: duckdb.DuckDBPyConnection,
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    columns: Columns,
    key: str,
    target: Path,
) -> None:
    """Write one piece of a table into a file; StoreError where that cannot be.

    The cursor's own engine may reach no files, so the rows go through `writer`, in batches.
    """
    names = [name for name, _ in columns]
    listed = ", ".join(map(quoted, names))
    rows = cursor.execute(
        f"SELECT {listed} FROM ({keyed(table, names)}) WHERE {KEY} = ?", [key]
    ).to_arrow_reader(BATCH_ROWS)
    with told(target):
        writer.register("piece_rows", rows)
        writer.execute(
            f"COPY (SELECT {listed} FROM piece_rows) TO {_text(target)} "
            "(FORMAT PARQUET, COMPRESSION ZSTD)"
        )
        writer.unregister("piece_rows")


def digest_in(reader: duckdb.DuckDBPyConnection, path: Path, columns: Columns) -> RowsDigest:
    """The digest of the rows in a file; IntegrityError where it cannot be read."""
    listed = ", ".join(f"CAST({quoted(n)} AS {_bare(kind)}) AS {quoted(n)}" for n, kind in columns)
    try:
        sql = f"SELECT {_digest(columns)} FROM (SELECT {listed} FROM {_parquet(path)})"
        ((rows, xor, total),) = reader.execute(sql).fetchall()
        return RowsDigest(rows, xor, int(total))
    except duckdb.Error as error:
        raise IntegrityError(
            f"a piece cannot be read: {first_line(error)}", where=str(path)
        ) from error


def rebuild(
    target: Path,
    tables: Mapping[str, PiecedTable],
    migrations: Sequence[int],
    *,
    engine: str,
    opened: Callable[[Piece], AbstractContextManager[Path]],
) -> None:
    """Make a store file of pieces: by its migrations, then its rows, each table compared.

    `engine`: the version that made the digests; of another one rows are counted alone.
    StoreError where it cannot be written; IntegrityError where a table is not what it was.
    """
    config = {**CONFIG, "enable_external_access": "true"}
    with told(target), ending(duckdb.connect(written_at(target), config=config)) as store:
        store.execute("SET GLOBAL TimeZone = 'UTC'")
        store.execute("BEGIN TRANSACTION")
        migrate(Transaction(store), only=set(migrations))
        store.execute("COMMIT")
        there = columns_of(store)
        for name, table in tables.items():
            store.execute("BEGIN TRANSACTION")
            make_table(Transaction(store), name, table.columns, there.get(name, ()))
            _fill(store, name, table, opened)
            _must_equal(store, name, table, exact=engine == ENGINE)
            store.execute("COMMIT")
        store.execute("CHECKPOINT")


def _fill(
    store: duckdb.DuckDBPyConnection,
    name: str,
    table: PiecedTable,
    opened: Callable[[Piece], AbstractContextManager[Path]],
) -> None:
    listed = ", ".join(quoted(column) for column, _ in table.columns)
    for piece in table.pieces:
        with opened(piece) as path:
            store.execute(
                f"INSERT INTO {quoted(name)} ({listed}) SELECT {listed} FROM {_parquet(path)}"
            )


def _must_equal(
    store: duckdb.DuckDBPyConnection, name: str, table: PiecedTable, *, exact: bool
) -> None:
    found = store.execute(f"SELECT {_digest(table.columns)} FROM {quoted(name)}").fetchall()
    ((rows, xor, total),) = found
    made = RowsDigest(rows, xor, int(total))
    if made != table.digest if exact else made.rows != table.digest.rows:
        raise IntegrityError(f"{name} came back as {made}, and was {table.digest}")


def _digest(columns: Columns) -> str:
    """Rows, and two hashes of them that have nothing to do with each other.

    Of numbers their sign is told as well: the engine takes 0.0 and -0.0 for one.
    """
    told = [quoted(name) for name, _ in sorted(columns)]
    told += [f"signbit({quoted(name)})" for name, kind in sorted(columns) if _bare(kind) in _FLOATS]
    one, other = ", ".join(told), ", ".join(["'other'", *reversed(told)])
    return (
        f"count(*), coalesce(bit_xor(hash({one})), 0), "
        f"coalesce(sum(hash({other})::HUGEINT), 0)::VARCHAR"
    )


def _bare(kind: str) -> str:
    """A type without whether there must be a value."""
    return kind.removesuffix(" NOT NULL")


@contextmanager
def file_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine in memory that reaches files; it downloads nothing."""
    config = {**CONFIG, "enable_external_access": "true"}
    with ending(duckdb.connect(":memory:", config=config)) as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        yield connection


@contextmanager
def told(target: Path) -> Iterator[None]:
    """Turn the engine's failures to write a file into a StoreError with a way on."""
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(
            f"{target.name} could not be written: {first_line(error)}",
            where=str(target.parent),
            hint=files.ROOM if files.is_full(str(error)) else None,
        ) from error


def _parquet(path: Path) -> str:
    return f"read_parquet([{_text(path)}])"


def _text(path: Path) -> str:
    """A path as SQL writes a text; one of ours, in a folder of the settings."""
    return "'" + str(path.absolute()).replace("'", "''") + "'"
