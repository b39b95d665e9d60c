"""Guard of CSV text cells against formula injection, and its undoing.

A cell that a spreadsheet may run as a formula gets an apostrophe in front: one that begins with a
sign of formulas, also a full-width one or one behind blanks and characters nobody sees, and one
that begins with a line break, TAB or NUL. So does a cell that begins with apostrophes and then so,
which makes the guard reversible. Headings are cells, too.

Where the comma is a decimal sign spreadsheets part cells at semicolons and take no notice of quotes
that do not stand first: what follows a semicolon, a TAB or a line break in the midst of a cell may
begin one there, and is guarded in the same way.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

_INVISIBLE = r"\s\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
_UNSEEN = f"[{_INVISIBLE}]*"
_SIGN = "[=+\\-@|%＝＋－＠｜％﹢﹣﹦﹫﹪]"
_BEGINNING = rf"'*(?:[\t\r\n\x00]|{_UNSEEN}{_SIGN})"
_ACTIVE = rf"^{_BEGINNING}"
_GUARDED = rf"^'({_BEGINNING})"
_PARTED = r"[;\t\r\n]"
_BLANK = rf"[[{_INVISIBLE}'\"]--[\t\r\n]]*"
_WITHIN = rf"({_PARTED})({_BLANK}{_SIGN})"
_GUARDED_WITHIN = rf"({_PARTED})'({_BLANK}{_SIGN})"


def guard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cell made harmless for spreadsheets; other columns untouched."""
    names = _text_columns(frame)
    suspect = frame.select(_suspect(name) for name in names).row(0) if names else ()
    safe = frame.with_columns(
        _guarded(name) for name, found in zip(names, suspect, strict=True) if found
    )
    return _renamed(safe, _guarded)


def _suspect(name: str) -> pl.Expr:
    """Whether any cell may need the guard: by order, no such character is a digit or Latin letter.

    Comparisons with a text are far cheaper than a pattern, and most columns are clean.
    """
    text = pl.col(name).cast(pl.String)
    between = text.is_between(pl.lit(":"), pl.lit("A"), closed="left")
    return ((text < "0") | between | (text >= "|") | text.str.contains(_PARTED)).any()


def unguard(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it was before `guard`."""
    plain = frame.with_columns(_unguarded(name) for name in _text_columns(frame))
    return _renamed(plain, _unguarded)


def _unguarded(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    return text.str.replace(_GUARDED, "${1}").str.replace_all(_GUARDED_WITHIN, "${1}${2}")


def _renamed(frame: pl.DataFrame, change: Callable[[str], pl.Expr]) -> pl.DataFrame:
    """The frame with its headings changed as cells would be."""
    headings = pl.DataFrame({"heading": frame.columns}, schema={"heading": pl.String})
    return frame.rename(
        dict(zip(frame.columns, headings.select(change("heading")).to_series(), strict=True))
    )


def _guarded(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)  # it may be kept as a code
    within = text.str.replace_all(_WITHIN, "${1}'${2}")
    return (
        pl.when(text.str.contains(_ACTIVE))
        .then(pl.concat_str(pl.lit("'"), within))
        .otherwise(within)
        .alias(name)
    )


def _text_columns(frame: pl.DataFrame) -> list[str]:
    return [
        name
        for name, dtype in frame.schema.items()
        if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
    ]
