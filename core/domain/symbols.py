"""Symbols as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import UsageError

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-/^ ]{0,19}")


def spelled(symbol: str) -> str:
    """A symbol as it is kept: capitals, no space around; UsageError for what is none."""
    found = symbol.strip().upper()
    if not _SYMBOL.fullmatch(found):
        raise UsageError(f"{symbol[:30]!r} is no symbol", hint="write it like AAPL or BRK.B")
    return found


def one_spelling(symbol: str) -> str:
    """What spellings of a class have in common: BRK.B, brk/b and BRK-B are one name."""
    return re.sub(r"[./]", "-", symbol.strip().upper())


def several(symbols: Iterable[str]) -> list[str]:
    """Symbols as they are kept, each once, in their order."""
    return list(dict.fromkeys(map(spelled, symbols)))
