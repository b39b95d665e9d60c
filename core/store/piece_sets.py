"""A store as a set of pieces: what a backup names instead of a copy of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.errors import IntegrityError, StoreError
from core.store import pieces
from core.store.moving import columns_of, tables_of
from core.store.objects import Objects, is_name
from core.store.pieces import Columns, Piece, PiecedTable, RowsDigest
from core.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Written:
    """What making a backup wrote, and what it left as it was: bytes and files."""

    bytes: int
    files: int
    reused_bytes: int = 0
    reused_files: int = 0


@dataclass(frozen=True, slots=True)
class PieceSet:
    """All tables of a store, its migrations, and the engine that made the digests."""

    tables: Mapping[str, PiecedTable]
    migrations: tuple[int, ...]
    engine: str

    @property
    def pieces(self) -> Iterator[Piece]:
        """Those of all tables."""
        return (piece for table in self.tables.values() for piece in table.pieces)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return {name: table.digest.rows for name, table in self.tables.items()}

    @property
    def document(self) -> dict[str, Any]:
        """As a manifest holds it; `parse` reads it."""
        tables = {
            name: {
                "columns": [list(column) for column in table.columns],
                "pieces": [[p.key, str(p.digest), p.file, p.bytes] for p in table.pieces],
            }
            for name, table in self.tables.items()
        }
        return {"tables": tables, "migrations": list(self.migrations), "engine": self.engine}


def parse(document: Mapping[str, Any]) -> PieceSet:
    """A set of a manifest; ValueError, KeyError or TypeError where it is none."""
    tables = {str(name): _table(table) for name, table in document["tables"].items()}
    migrations = tuple(int(number) for number in document["migrations"])
    return PieceSet(tables, migrations, str(document["engine"]))


def _table(document: Mapping[str, Any]) -> PiecedTable:
    columns = tuple((str(name), str(kind)) for name, kind in document["columns"])
    made = tuple(
        Piece(str(key), RowsDigest.parse(digest), str(file), int(size))
        for key, digest, file, size in document["pieces"]
    )
    if not all(pieces.is_type(kind) for _, kind in columns):
        raise ValueError("a column is of no type")
    if not all(is_name(piece.file) for piece in made):
        raise ValueError("a piece has no name of one")
    return PiecedTable(columns, made)


def made_of(
    tx: Transaction, objects: Objects, scratch: Path, known: PieceSet | None
) -> tuple[PieceSet, Written]:
    """The tables of a store as pieces; those of `known` that are as they were are not written.

    A piece that is taken again was read and has its digest; one that is damaged is written anew.
    Every new one is read back and compared with the table.
    """
    with pieces.file_engine() as engine:
        writer = _Writer(tx, engine, objects, scratch, known)
        columns = columns_of(tx.cursor)
        tables = {name: writer.table(name, columns[name]) for name in tables_of(tx.cursor)}
    numbers = tx.read("SELECT number FROM migrations ORDER BY number")["number"].to_list()
    objects.synced()
    made = PieceSet(tables, tuple(numbers), pieces.ENGINE)
    sizes = {piece.file: piece.bytes for piece in made.pieces}
    new = {file: size for file, size in sizes.items() if file in writer.new}
    total, files = sum(sizes.values()), len(sizes)
    written = sum(new.values())
    return made, Written(written, len(new), total - written, files - len(new))


class _Writer:
    def __init__(
        self,
        tx: Transaction,
        engine: duckdb.DuckDBPyConnection,
        objects: Objects,
        scratch: Path,
        known: PieceSet | None,
    ) -> None:
        self._tx, self._engine, self._objects, self._scratch = tx, engine, objects, scratch
        self._known = known if known and known.engine == pieces.ENGINE else None
        self.new: set[str] = set()

    def table(self, name: str, found: Sequence[tuple[str, str]]) -> PiecedTable:
        columns = pieces.fitting(name, found)
        digests = pieces.digests_of(self._tx.cursor, name, columns)
        before = self._before(name, columns)
        made = (
            self._as_before(before.get((key, digest))) or self._written(name, columns, key, digest)
            for key, digest in digests.items()
        )
        return PiecedTable(columns, tuple(made))

    def _before(self, name: str, columns: Columns) -> dict[tuple[str, RowsDigest], Piece]:
        table = self._known.tables.get(name) if self._known else None
        if table is None or table.columns != columns:
            return {}
        return {(piece.key, piece.digest): piece for piece in table.pieces}

    def _as_before(self, piece: Piece | None) -> Piece | None:
        if piece is None or not self._objects.fits(piece.file):
            return None
        try:
            with self._objects.opened(piece.file, self._scratch):
                return piece
        except IntegrityError:
            return None  # damaged or gone: its rows are here, and are written anew

    def _written(self, name: str, columns: Columns, key: str, digest: RowsDigest) -> Piece:
        target = self._scratch / "piece.parquet"
        pieces.write(self._engine, self._tx.cursor, name, columns, key, target)
        if pieces.digest_in(self._engine, target, columns) != digest:
            raise StoreError(f"a piece of {name} ({key or 'whole'}) differs from what was written")
        file = self._objects.put(target, self._scratch)
        self.new.add(file)
        return Piece(key, digest, file, (self._objects.folder / file).stat().st_size)


def must_stand(made: PieceSet, objects: Objects, scratch: Path) -> None:
    """Read every piece and compare its digest; IntegrityError naming the first that is wrong."""
    for file in sorted({piece.file for piece in made.pieces}):
        with objects.opened(file, scratch):
            pass


def rebuild(made: PieceSet, objects: Objects, target: Path) -> None:
    """A store file of the pieces, each compared as it is read, and each table when it is made."""

    def opened(piece: Piece) -> AbstractContextManager[Path]:
        return objects.opened(piece.file, target.parent)

    pieces.rebuild(target, made.tables, made.migrations, engine=made.engine, opened=opened)
