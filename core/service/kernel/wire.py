"""Values of Openbell as JSON and back: what one process hands another, with its types.

Not pickle: what comes in can only be plain data, frames, and dataclasses, enums and models of
`core` itself, each made anew by its own constructor.
"""

from __future__ import annotations

import base64
import dataclasses
import importlib
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from pydantic import BaseModel

from core.errors import OpenbellError, ProtocolError, UsageError

OURS = "core."


def dumps(value: Any) -> bytes:
    """A value as JSON; UsageError when it holds what cannot travel (an open file, a client)."""
    return orjson.dumps(_plain(value))


def loads(body: bytes) -> Any:
    """The value of that JSON; ProtocolError when it is none of ours."""
    try:
        return _value(orjson.loads(body))
    except OpenbellError:
        raise
    except Exception as error:  # whatever a constructor says to what is not its own
        raise ProtocolError(f"what came is none of ours: {error}") from error


def _plain(value: Any) -> Any:
    """Scalars of JSON as they are; all else as a list that begins with its kind."""
    if not isinstance(value, Enum) and (value is None or isinstance(value, bool | int | str)):
        return value
    return _tagged(value) or _parted(value)


def _tagged(value: Any) -> list[Any] | None:
    """What is written as one text."""
    if isinstance(value, Enum):
        return ["enum", _name(type(value)), value.value]
    for kind, known in _TEXTS.items():
        if type(value) is known[0] or (kind == "path" and isinstance(value, Path)):
            return [kind, known[1](value)]
    if isinstance(value, BaseModel):
        return ["model", _name(type(value)), value.model_dump_json()]
    return None


def _parted(value: Any) -> list[Any]:
    """What has parts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        return ["data", _name(type(value)), {name: _plain(item) for name, item in held.items()}]
    if isinstance(value, pl.DataFrame):
        buffer = io.BytesIO()
        value.write_ipc(buffer)
        return ["frame", _base64(buffer.getvalue())]
    if isinstance(value, Mapping):
        return ["map", [[_plain(key), _plain(item)] for key, item in value.items()]]
    if isinstance(value, list | tuple | set | frozenset):
        kind = next(n for n, made in _SEQUENCES.items() if isinstance(value, made))
        return [kind, [_plain(item) for item in value]]
    raise UsageError(
        f"{type(value).__name__} cannot be handed to another process",
        hint="do this on the command line of the engine",
    )


def _value(plain: Any) -> Any:
    if not isinstance(plain, list):
        return plain
    kind, first, *rest = plain
    if kind in _TEXTS:
        return _TEXTS[kind][2](first)
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_value(item) for item in first)
    if kind == "map":
        return {_value(key): _value(item) for key, item in first}
    if kind == "frame":
        return pl.read_ipc(io.BytesIO(base64.b64decode(first)))
    return _made(kind, _class(first), rest[0])


def _made(kind: str, known: type, given: Any) -> Any:
    if kind == "enum" and issubclass(known, Enum):
        return known(given)
    if kind == "model" and issubclass(known, BaseModel):
        return known.model_validate_json(given)
    if kind == "data" and dataclasses.is_dataclass(known):
        return known(**{name: _value(item) for name, item in given.items()})
    raise ProtocolError(f"{known.__name__} is no {kind}")


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> type:
    module, _, qualified = name.partition(":")
    if not module.startswith(OURS) or "." in qualified:
        raise ProtocolError(f"{name} is none of ours")
    found = getattr(importlib.import_module(module), qualified)
    if not isinstance(found, type) or found.__module__ != module:
        raise ProtocolError(f"{name} is no class")
    return found


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


_Text = tuple[type, Callable[[Any], str], Callable[[str], Any]]
_TEXTS: dict[str, _Text] = {
    "float": (float, repr, float),
    "decimal": (Decimal, str, Decimal),
    "instant": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "seconds": (
        timedelta,
        lambda v: repr(v.total_seconds()),
        lambda t: timedelta(seconds=float(t)),
    ),
    "path": (Path, str, Path),
    "bytes": (bytes, _base64, base64.b64decode),
}
_SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozen": frozenset}
