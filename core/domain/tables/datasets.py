"""What a dataset is: its schema, key, schedule and policies; and the window of one pull."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import polars as pl

from core.errors import ValidationError

CatchUp = Literal["all", "latest", "none"]
TYPES = "str int float bool date datetime decimal(p,s)"
_DECIMAL = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)")
_POLARS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "str": pl.String,
    "int": pl.Int64,
    "float": pl.Float64,
    "bool": pl.Boolean,
    "date": pl.Date,
    "datetime": pl.Datetime("us", "UTC"),
}
_DUCKDB = {
    "str": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One column's type as the catalogue words it: `float`, `date?`, `decimal(18,4)`."""

    kind: str
    nullable: bool = False
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, text: str) -> ColumnType:
        """ColumnType of a catalogue word; ValidationError naming what is allowed."""
        word = text.strip()
        nullable = word.endswith("?")
        word = word.removesuffix("?")
        if word in _POLARS:
            return cls(word, nullable)
        match = _DECIMAL.fullmatch(word.replace(" ", ""))
        if match and 0 < int(match[1]) <= 38 and int(match[2]) <= int(match[1]):
            return cls("decimal", nullable, int(match[1]), int(match[2]))
        raise ValidationError(
            f"{text!r} is not a type; allowed are {TYPES}, with ? for empty cells"
        )

    @classmethod
    def of(cls, dtype: pl.DataType | type[pl.DataType], *, nullable: bool) -> ColumnType:
        """ColumnType of a Polars type; Int32 counts as int."""
        kind = next((name for name, known in _POLARS.items() if known == dtype), "int")
        return cls(kind, nullable)

    @property
    def polars(self) -> pl.DataType | type[pl.DataType]:
        """The Polars type of the column."""
        if self.kind == "decimal":
            return pl.Decimal(self.precision, self.scale)
        return _POLARS[self.kind]

    @property
    def duckdb(self) -> str:
        """The DuckDB type of the column."""
        if self.kind == "decimal":
            return f"DECIMAL({self.precision},{self.scale})"
        return _DUCKDB[self.kind]

    def __str__(self) -> str:
        name = f"decimal({self.precision},{self.scale})" if self.kind == "decimal" else self.kind
        return name + ("?" if self.nullable else "")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One entry of the catalogue. `columns` maps upstream names to ours; `schema` names ours."""

    name: str
    source: str
    table: str
    key: tuple[str, ...]
    schema: Mapping[str, ColumnType]
    upstream: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    schedule: tuple[Mapping[str, Any], ...] = ()
    buffer_minutes: float = 120
    catch_up: CatchUp = "latest"
    enabled: bool = True
    description: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def polars_schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Our column names with their Polars types, in order."""
        return {name: kind.polars for name, kind in self.schema.items()}

    @property
    def newest_first(self) -> tuple[str, ...]:
        """Columns of the key from the one to sort by first: its days and instants, then the rest,
        each from the last.
        """
        moments = [name for name in self.key if self.polars_schema[name].is_temporal()]
        return tuple(dict.fromkeys([*reversed(moments), *reversed(self.key)]))

    @property
    def schema_hash(self) -> str:
        """A short hash of columns and types: it changes when the schema does."""
        text = ",".join(f"{name}:{kind}" for name, kind in self.schema.items())
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Window:
    """The from/to instants of one pull (UTC). `due_at` is the refresh it answers, if any."""

    dataset: str
    start: datetime
    end: datetime
    due_at: datetime | None = None
    closes_at: datetime | None = None
    zone: str = "UTC"

    @property
    def id(self) -> str:
        """Deterministic id and idempotency key: one pull per dataset and due instant."""
        at = (self.due_at or self.start).isoformat()
        return hashlib.sha256(f"{self.dataset}|{at}".encode()).hexdigest()[:32]
