"""The suite on lakes: with `--lake` every desk and store of a fixture is in a lake of its own.

A folder that `tests.begun` has put something into is brought into a lake once, which is then copied
for each test: the database by PostgreSQL, the tables as files (make test-lake).
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import ExitStack
from pathlib import Path

import duckdb
import psycopg

from core.addresses import LakeAddress
from core.store.connection import CONFIG
from core.store.lake import LakeEngine
from core.store.moving import copy_all
from core.store.warehouse import Warehouse
from tests import lakes

OPTION = "--lake"


class Lakes:
    """The lakes of one process of tests; close it at the end."""

    def __init__(self, folder: Path) -> None:
        """Templates and their tables go into `folder`."""
        self._folder = folder
        self._opened = ExitStack()
        self._server = self._opened.enter_context(lakes.server())
        self._templates: dict[tuple[int, int], tuple[str, Path]] = {}
        self._urls: dict[Path, str] = {}

    def url_of(self, file: Path) -> str:
        """The lake that stands for a store's file from its first opening on."""
        if file not in self._urls:
            self._urls[file] = self._placed(file) if file.exists() else self._new(file)
        return self._urls[file]

    def close(self) -> None:
        """End the server."""
        self._opened.close()

    def _new(self, file: Path) -> str:
        return lakes.empty(self._server, file.with_name(f"{file.stem}-lake"))

    def _placed(self, file: Path) -> str:
        """A lake with what stands in the file, which is taken away."""
        told = file.stat()
        key = (told.st_size, told.st_mtime_ns)  # a copy has those of what it was copied from
        if key not in self._templates:
            self._templates[key] = self._template(file)
        database, tables = self._templates[key]
        file.unlink()
        return self._copied(database, tables, file.with_name(f"{file.stem}-lake"))

    def _template(self, file: Path) -> tuple[str, Path]:
        name = uuid.uuid4().hex
        tables = self._folder / name
        url = lakes.empty(self._server, tables)
        engine = LakeEngine(LakeAddress(url), self._folder / f"{name}.duckdb")
        with (
            duckdb.connect(str(file), config={**CONFIG, "access_mode": "read_only"}) as source,
            Warehouse.open(engine) as store,
            store.transaction() as tx,
        ):
            copy_all(source, tx)
        return LakeAddress(url).catalogue.rpartition("/")[2], tables

    def _copied(self, database: str, tables: Path, to: Path) -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(f"{self._server}postgres", autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database}"'.encode())
        if tables.exists():
            shutil.copytree(tables, to)
        with psycopg.connect(f"{self._server}{name}", autocommit=True) as session:
            session.execute(
                "UPDATE ducklake_metadata SET value = %s WHERE key = 'data_path'", [f"{to}/"]
            )
        return f"ducklake:{self._server}{name}?data={to}"
