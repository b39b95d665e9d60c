"""Guard of CSV text cells against formula injection, and its undoing.

A cell that a spreadsheet would run as a formula gets an apostrophe in front. So does a cell that
begins with apostrophes and then such a character, which makes the guard reversible.
"""

from __future__ import annotations

import polars as pl

_ACTIVE = r"^'*[=+\-@\t\r]"
_GUARDED = r"^'('*[=+\-@\t\r])"


def guard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cell made harmless for spreadsheets; other columns untouched."""
    names = _text_columns(frame)
    suspect = frame.select(_suspect(name) for name in names).row(0) if names else ()
    return frame.with_columns(
        _guarded(name) for name, found in zip(names, suspect, strict=True) if found
    )


def _suspect(name: str) -> pl.Expr:
    """Whether any cell may need the guard: by order, all such characters stand around the digits.

    Two comparisons with a text are far cheaper than a pattern, and most columns are clean.
    """
    text = pl.col(name).cast(pl.String)
    return ((text < "0") | text.is_between(pl.lit(":"), pl.lit("A"), closed="left")).any()


def unguard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it was before `guard`."""
    return frame.with_columns(
        pl.col(name).str.replace(_GUARDED, "${1}") for name in _text_columns(frame)
    )


def _guarded(name: str) -> pl.Expr:
    column = pl.col(name)
    return (
        pl.when(column.str.contains(_ACTIVE))
        .then(pl.concat_str(pl.lit("'"), column))
        .otherwise(column)
        .alias(name)
    )


def _text_columns(frame: pl.DataFrame) -> list[str]:
    return [
        name
        for name, dtype in frame.schema.items()
        if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
    ]
