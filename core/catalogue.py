"""The catalogue of datasets: `data/catalogue.toml`, read and validated.

A mistake is reported with file, line, dataset and key; the other datasets still run.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from core.domain.tables.datasets import ColumnType, Dataset
from core.domain.tables.frames import BASE_TABLES
from core.domain.timetable.schedule import Schedule
from core.domain.timetable.windows import Policy
from core.errors import CatalogueError, NotFoundError, ScheduleError, ValidationError

SOURCES = ("foundry", "sec", "file")
KEYS: Mapping[str, type | tuple[type, ...]] = {
    "source": str,
    "name": str,
    "table": str,
    "key": list,
    "columns": dict,
    "schema": dict,
    "schedule": list,
    "buffer_minutes": (int, float),
    "catch_up": str,
    "enabled": bool,
    "description": str,
    "options": dict,
}
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RESERVED = {
    "pulls",
    "pull_events",
    "watermarks",
    "rejected_rows",
    "source_documents",
    "watchlist",
    "schema_changes",
    "migrations",
    "facts_history",
    "datasets",
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The valid datasets by name, and what is wrong with the rest."""

    datasets: Mapping[str, Dataset]
    problems: tuple[CatalogueError, ...] = ()

    @classmethod
    def load(cls, path: Path, more_sources: Collection[str] = ()) -> Catalogue:
        """The catalogue in a file; CatalogueError when the file is missing or is not TOML.

        `more_sources` are words for sources beside `SOURCES`: those of plugins.
        """
        try:
            return _read(path.read_text(encoding="utf-8"), path, (*SOURCES, *more_sources))
        except FileNotFoundError:
            raise CatalogueError(
                f"the catalogue {path} is missing",
                hint="set OPENBELL_CATALOGUE to a file, or restore data/catalogue.toml",
            ) from None
        except OSError as error:
            raise CatalogueError(
                f"the catalogue {path} cannot be read: {error.strerror}",
                hint="set OPENBELL_CATALOGUE to a file that the user of the desk may read",
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CatalogueError(f"{path} is not valid TOML: {error}") from None

    def get(self, name: str) -> Dataset:
        """The dataset of that name; NotFoundError suggesting the nearest one."""
        if name in self.datasets:
            return self.datasets[name]
        near = difflib.get_close_matches(name, self.datasets, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.datasets)}"
        raise NotFoundError(f"there is no dataset {name!r}", hint=hint)

    @property
    def enabled(self) -> list[Dataset]:
        """The datasets that run, in the order of the file."""
        return [dataset for dataset in self.datasets.values() if dataset.enabled]


@lru_cache(maxsize=8)  # a desk that is opened again reads the same words
def _read(text: str, path: Path, sources: tuple[str, ...]) -> Catalogue:
    return _parse(tomllib.loads(text), text, path, sources)


def _parse(
    document: Mapping[str, Any], text: str, path: Path, sources: Collection[str]
) -> Catalogue:
    datasets: dict[str, Dataset] = {}
    problems: list[CatalogueError] = []
    entries = document.get("datasets", {})
    if not isinstance(entries, dict):
        raise CatalogueError(f'{path}: "datasets" must be tables such as [datasets."prices.daily"]')
    for name, entry in entries.items():
        try:
            datasets[name] = _dataset(name, entry, sources)
        except _EntryError as error:
            line = _line_of(text, name, error.key)
            problems.append(
                CatalogueError(f"{path}, line {line}, dataset {name!r}, key {error.key!r}: {error}")
            )
    return Catalogue(datasets, tuple(problems))


class _EntryError(Exception):
    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _dataset(name: str, entry: object, sources: Collection[str]) -> Dataset:
    if not isinstance(entry, dict):
        raise _EntryError("", "must be a table")
    _check_keys(entry)
    source = entry.get("source", "")
    if source not in sources:
        raise _EntryError("source", f"must be one of {', '.join(sources)}")
    table = _table(entry.get("table", name.replace(".", "_").replace("-", "_").lower()))
    schema = _schema(entry, table)
    key = _key(entry, table, schema)
    return Dataset(
        name=name,
        source=source,
        table=table,
        key=key,
        schema=schema,
        upstream=entry.get("name", name),
        columns=_columns(entry, schema),
        schedule=_schedule(entry),
        buffer_minutes=_buffer(entry),
        catch_up=_catch_up(entry),
        enabled=entry.get("enabled", True),
        description=entry.get("description", ""),
        options=_options(entry),
    )


def _check_keys(entry: Mapping[str, object]) -> None:
    for key, value in entry.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            raise _EntryError(
                key, "is not known" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        kinds = KEYS[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise _EntryError(key, f"has the wrong type: {type(value).__name__}")


def _table(table: str) -> str:
    if not _IDENTIFIER.fullmatch(table) or table in _RESERVED:
        raise _EntryError("table", f"{table!r} cannot be a table: lower-case letters, digits and _")
    return table


def _schema(entry: Mapping[str, Any], table: str) -> dict[str, ColumnType]:
    raw = entry.get("schema")
    if not raw:  # a table without columns would take no row
        if raw is None and table in BASE_TABLES:
            return _base_schema(table)
        raise _EntryError("schema", "is missing: it gives our columns and their types")
    schema: dict[str, ColumnType] = {}
    base = BASE_TABLES.get(table)
    for column, word in raw.items():
        if not _IDENTIFIER.fullmatch(column):
            raise _EntryError(column, "is not a column name: lower-case letters, digits and _")
        try:
            kind = ColumnType.parse(str(word))
        except ValidationError as error:
            raise _EntryError(column, error.message) from None
        if base and kind.kind == "int" and base.columns.get(column) == pl.Float64:
            kind = ColumnType("float", kind.nullable)  # whole numbers are numbers: volumes
        schema[column] = kind
    _fits_base_table(table, schema)
    return schema


def _base_schema(table: str) -> dict[str, ColumnType]:
    base = BASE_TABLES[table]
    return {
        column: ColumnType.of(dtype, nullable=column in base.nullable)
        for column, dtype in base.columns.items()
    }


def _fits_base_table(table: str, schema: Mapping[str, ColumnType]) -> None:
    base = BASE_TABLES.get(table)
    if base is None:
        return
    for column, kind in schema.items():
        if column not in base.columns:
            raise _EntryError(column, f"table {table} has no such column")
        if kind.polars != base.columns[column]:
            raise _EntryError(column, f"table {table} wants {base.columns[column]}, not {kind}")
    missing = [c for c in base.columns if c not in schema and c not in base.nullable]
    if missing:
        raise _EntryError("schema", f"table {table} also needs {', '.join(missing)}")


def _key(entry: Mapping[str, Any], table: str, schema: Mapping[str, ColumnType]) -> tuple[str, ...]:
    base = BASE_TABLES.get(table)
    key = tuple(entry.get("key", base.key if base else ()))
    if not key:
        raise _EntryError("key", "is missing: the columns that make a row unique")
    for column in key:
        if schema and column not in schema:
            raise _EntryError("key", f"{column!r} is not a column of the schema")
    if base and "note" in schema and {*key, "note"} == set(base.key):
        return base.key  # as catalogues before 2026.3 have it: one distribution a day
    if base and set(key) != set(base.key):
        raise _EntryError("key", f"table {table} has the key {', '.join(base.key)}")
    return key


def _columns(entry: Mapping[str, Any], schema: Mapping[str, ColumnType]) -> dict[str, str]:
    columns = entry.get("columns", {})
    for upstream, ours in columns.items():
        if ours not in schema:
            raise _EntryError("columns", f"{upstream!r} goes to {ours!r}, not in the schema")
    return dict(columns)


def _schedule(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    rules = entry.get("schedule", [])
    if not all(isinstance(rule, dict) for rule in rules):
        raise _EntryError("schedule", "must be a list of rules such as { cycle = 'daily', … }")
    try:
        Schedule(rules)
    except ScheduleError as error:
        raise _EntryError("schedule", error.message) from None
    return tuple(rules)


def _options(entry: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(entry.get("options", {}))
    try:
        Policy.of(_catch_up(entry), options)
    except ScheduleError as error:
        raise _EntryError("options", error.message) from None
    share = options.get("most_repeated_pct", 0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100:
        raise _EntryError("options", f"most_repeated_pct {share!r} is not a number from 0 to 100")
    return options


def _buffer(entry: Mapping[str, Any]) -> float:
    buffer = float(entry.get("buffer_minutes", 120))
    if not 0 <= buffer <= 7 * 24 * 60:
        raise _EntryError("buffer_minutes", "must be from 0 to 10080 (a week)")
    return buffer


def _catch_up(entry: Mapping[str, Any]) -> Any:
    policy = entry.get("catch_up", "latest")
    if policy not in ("all", "latest", "none"):
        raise _EntryError("catch_up", "must be all, latest or none")
    return policy


def _line_of(text: str, dataset: str, key: str) -> int:
    """The line in which a key of a dataset stands, or that of the dataset's header."""
    header = 0
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = f'"{dataset}"' in stripped or f".{dataset}]" in stripped
            header = number if inside else header
        elif inside and key and re.search(rf"(^|[\s{{,]){re.escape(key)}\s*=", stripped):
            return number
    return header or 1
