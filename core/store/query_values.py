"""How values of a user's query appear in JSON: whole, whatever their type.

What JSON has, stays; numbers that a common reader would cut (integers beyond 64 bits, decimals
that a double does not hold) and types that JSON lacks (intervals, blobs, …) come as the text that
the engine writes and reads back; instants are ISO text, in UTC with `Z`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from duckdb.sqltypes import DuckDBPyType

_PLAIN = {"boolean", "tinyint", "smallint", "integer", "bigint", "varchar"}
_PLAIN |= {"utinyint", "usmallint", "uinteger"}
_WIDE = {"ubigint", "hugeint", "uhugeint"}
_INSTANT = re.compile(r"(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?")
_BITS64 = range(-(2**63), 2**64)


@dataclass(frozen=True, slots=True)
class Shown:
    """The SQL type to cast a column to, and how its Python values then become JSON's."""

    sql: str
    value: Callable[[Any], Any]


def shown(kind: DuckDBPyType) -> Shown:
    """How a type is shown; nested types by their parts."""
    name = kind.id
    if name in _PLAIN:
        return Shown(str(kind) if name != "varchar" else "VARCHAR", _same)
    if name in _WIDE:
        return Shown(name.upper(), _or_none(lambda n: n if n in _BITS64 else str(n)))
    if name in ("float", "double"):
        return Shown(name.upper(), _or_none(_number))
    if name == "decimal":
        return Shown(str(kind), _or_none(_decimal))
    if name.startswith("timestamp"):
        return Shown("VARCHAR", _or_none(_instant))
    nested = {"list": _list, "array": _list, "struct": _struct, "map": _map}.get(name)
    return (nested(kind) if nested else None) or Shown("VARCHAR", _same)


def _list(kind: DuckDBPyType) -> Shown:
    item = shown(_children(kind)[0][1])
    return Shown(f"{item.sql}[]", _or_none(lambda values: [item.value(v) for v in values]))


def _struct(kind: DuckDBPyType) -> Shown | None:
    fields = {name: shown(child) for name, child in _children(kind)}
    if "" in fields:  # a row without names: its text says all
        return None
    named = ((name.replace('"', '""'), field) for name, field in fields.items())
    sql = ", ".join(f'"{name}" {field.sql}' for name, field in named)
    return Shown(
        f"STRUCT({sql})",
        _or_none(lambda row: {name: fields[name].value(value) for name, value in row.items()}),
    )


def _map(kind: DuckDBPyType) -> Shown | None:
    key, value = (shown(child) for _, child in _children(kind))
    if key.sql != "VARCHAR":
        key = Shown("VARCHAR", _same)
    return Shown(
        f"MAP({key.sql}, {value.sql})",
        _or_none(lambda row: {str(key.value(k)): value.value(v) for k, v in row.items()}),
    )


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    # what the stubs say beside: sizes of arrays and words of enums, none of which is asked for
    return [(name, child) for name, child in kind.children if isinstance(child, DuckDBPyType)]


def _same(value: Any) -> Any:
    return value


def _or_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _decimal(value: Decimal) -> float | str:
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _instant(text: str) -> str:
    found = _INSTANT.fullmatch(text)
    return f"{found[1]}T{found[2]}{'Z' if found[3] else ''}" if found else text
