"""Symbols as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import UsageError

LONGEST = 32  # letters, wherever a symbol comes in; one of an option has 21
_SYMBOL = re.compile(rf"[A-Z0-9][A-Z0-9.\-/^ ]{{0,{LONGEST - 1}}}")


def spelled(symbol: str) -> str:
    """A symbol as it is kept: capitals, no space around; UsageError for what is none."""
    found = symbol.strip().upper()
    if not _SYMBOL.fullmatch(found):
        raise UsageError(f"{symbol[:30]!r} is no symbol", hint="write it like AAPL or BRK.B")
    return found


def one_spelling(symbol: str) -> str:
    """What spellings of a class have in common: BRK.B, brk/b and BRK-B are one name."""
    return re.sub(r"[./]", "-", symbol.strip().upper())


def spellings(symbol: str) -> list[str]:
    """The ways in which vendors write a symbol, the given one first: BRK.B, BRK-B, BRK/B."""
    bare = one_spelling(symbol)
    return list(dict.fromkeys([symbol, *(bare.replace("-", mark) for mark in "-./")]))


def several(symbols: Iterable[str]) -> list[str]:
    """Symbols as they are kept, each once in the spelling that came first, in their order."""
    found: dict[str, str] = {}
    for name in map(spelled, symbols):
        found.setdefault(one_spelling(name), name)
    return list(found.values())
