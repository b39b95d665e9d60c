"""Bounds of every argument of a command or export, whatever it means there.

Years before the exchanges or beyond any plan, numbers that no price or count reaches, and text that
no encoding holds make arithmetic and the store fail in many places; they are refused in one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

FIRST_YEAR, LAST_YEAR = 1900, 2199
LARGEST = 10**15  # below it a double still tells cents apart
LONGEST = 200_000  # characters
LONGEST_NAME, LONGEST_PATH = 255, 4_000  # bytes that file systems take


def fault(value: Any) -> str | None:
    """What is wrong with a value, or with one inside it; None when all of it is in bounds."""
    if isinstance(value, str | PurePath):
        return _text(value) if isinstance(value, str) else _path(value)
    if isinstance(value, date):
        inside = FIRST_YEAR <= value.year <= LAST_YEAR
        return None if inside else f"a year must lie between {FIRST_YEAR} and {LAST_YEAR}"
    if isinstance(value, int | float | Decimal):
        return None if _counts(value) else f"a number must lie between -{LARGEST:g} and {LARGEST:g}"
    if isinstance(value, BaseModel):
        return _first(vars(value).values())
    if isinstance(value, Mapping):
        return _first([*value, *value.values()])
    return _first(value) if isinstance(value, list | tuple | set | frozenset) else None


def _first(values: Any) -> str | None:
    return next((found for value in values if (found := fault(value))), None)


def _counts(value: float | Decimal) -> bool:
    return math.isfinite(value) and -LARGEST < value < LARGEST


def _text(value: str) -> str | None:
    if len(value) > LONGEST:
        return f"a text must be no longer than {LONGEST:,} characters"
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return "a text must not hold NUL or halves of characters"
    return None


def _path(value: PurePath) -> str | None:
    if found := _text(str(value)):
        return found
    if len(str(value).encode()) > LONGEST_PATH:
        return f"a path must be no longer than {LONGEST_PATH:,} bytes"
    if any(len(part.encode()) > LONGEST_NAME for part in value.parts):
        return f"a name in a path must be no longer than {LONGEST_NAME} bytes"
    return None
