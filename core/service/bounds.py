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

from core.domain import symbols

FIRST_YEAR, LAST_YEAR = 1900, 2199
LARGEST = 10**15  # below it a double still tells cents apart
LONGEST = 200_000  # characters of what may be long
LONGEST_REASON = 4_000  # of what somebody says of one thing
LONG = frozenset({"query", "text", "arguments", "filters", "weights", "against"})
REASONS = frozenset({"memo", "reason", "approve_because", "reject_because"})
LONGEST_NAME, LONGEST_PATH = 255, 4_000  # bytes that file systems take; also of a name of anything


def longest(name: str) -> int:
    """Letters that a text in an argument of this name may have: most arguments name something."""
    if name.removesuffix("s") == "symbol":
        return symbols.LONGEST
    return LONGEST if name in LONG else LONGEST_REASON if name in REASONS else LONGEST_NAME


def fault(value: Any, most: int = LONGEST) -> str | None:
    """What is wrong with a value, or with one inside it; None when all of it is in bounds.

    `most`: letters of a text.
    """
    if isinstance(value, str | PurePath):
        return _text(value, most) if isinstance(value, str) else _path(value)
    if isinstance(value, date):
        inside = FIRST_YEAR <= value.year <= LAST_YEAR
        return None if inside else f"a year must lie between {FIRST_YEAR} and {LAST_YEAR}"
    if isinstance(value, int | float | Decimal):
        return None if _counts(value) else f"a number must lie between -{LARGEST:g} and {LARGEST:g}"
    if isinstance(value, BaseModel):
        return _first(vars(value).values(), most)
    if isinstance(value, Mapping):
        return _first([*value, *value.values()], most)
    return _first(value, most) if isinstance(value, list | tuple | set | frozenset) else None


def _first(values: Any, most: int) -> str | None:
    return next((found for value in values if (found := fault(value, most))), None)


def _counts(value: float | Decimal) -> bool:
    return math.isfinite(value) and -LARGEST < value < LARGEST


def _text(value: str, most: int) -> str | None:
    if len(value) > most:
        return f"a text must be no longer than {most:,} characters"
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return "a text must not hold NUL or halves of characters"
    return None


def _path(value: PurePath) -> str | None:
    if found := _text(str(value), LONGEST):
        return found
    if len(str(value).encode()) > LONGEST_PATH:
        return f"a path must be no longer than {LONGEST_PATH:,} bytes"
    if any(len(part.encode()) > LONGEST_NAME for part in value.parts):
        return f"a name in a path must be no longer than {LONGEST_NAME} bytes"
    return None
