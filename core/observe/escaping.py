"""Text of strangers on its way to a terminal or a log: control characters spelled out."""

from __future__ import annotations

import unicodedata


def escape(text: str) -> str:
    """Text in which control and direction characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(
        _spelled(char) if unicodedata.category(char)[0] == "C" else char for char in text
    )


def _spelled(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
