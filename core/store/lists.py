"""Lists of symbols, notes and marks in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from core.domain.symbols import spellings
from core.domain.tables.frames import INSTANT
from core.store.journal import Reader
from core.store.transaction import Transaction


def lists(reader: Reader, whose: str | None = None, name: str | None = None) -> pl.DataFrame:
    """name, owner, owner_name, made_at of lists, by name: every one, somebody's, or of a name."""
    return reader.read(
        "SELECT name, owner, owner_name, made_at FROM symbol_lists "
        "WHERE ($whose IS NULL OR owner = $whose) AND ($name IS NULL OR name = $name) "
        "ORDER BY lower(name), name",
        {"whose": whose, "name": name},
    )


def owner(reader: Reader, name: str) -> str | None:
    """Whose a list is; None when there is none."""
    found = reader.read("SELECT owner FROM symbol_lists WHERE name = ?", [name])
    return None if found.is_empty() else str(found.item())


def members(reader: Reader, name: str) -> list[str]:
    """The symbols of a list, in order."""
    found = reader.read(
        "SELECT symbol FROM symbol_list_members WHERE name = ? ORDER BY symbol", [name]
    )
    return found["symbol"].to_list()


def every_member(reader: Reader, whose: str) -> pl.DataFrame:
    """name, symbol, owner, added_at: a row a symbol of a list of somebody's."""
    return reader.read(
        "SELECT l.name, m.symbol, l.owner_name AS owner, m.added_at FROM symbol_lists l "
        "JOIN symbol_list_members m ON m.name = l.name WHERE l.owner = ? "
        "ORDER BY lower(l.name), l.name, m.symbol",
        [whose],
    )


def make(tx: Transaction, name: str, whose: str, called: str, at: datetime) -> None:
    """Make an empty list."""
    tx.execute(
        "INSERT INTO symbol_lists (name, owner, owner_name, made_at) VALUES (?, ?, ?, ?)",
        [name, whose, called, at],
    )


def call_owner(tx: Transaction, whose: str, called: str) -> None:
    """Tell lists of somebody by what they are called now."""
    tx.execute("UPDATE symbol_lists SET owner_name = ? WHERE owner = ?", [called, whose])


def add(tx: Transaction, name: str, symbols: Sequence[str], at: datetime) -> None:
    """Put symbols on a list that are not on it."""
    if symbols:
        rows = {"name": [name] * len(symbols), "symbol": list(symbols)}
        stamp = pl.lit(at).cast(INSTANT)
        tx.insert("symbol_list_members", pl.DataFrame(rows).with_columns(added_at=stamp))


def remove(tx: Transaction, name: str, symbols: Sequence[str] | None) -> None:
    """Take symbols off a list; None takes the list away."""
    if symbols is None:
        tx.execute("DELETE FROM symbol_lists WHERE name = ?", [name])
        tx.execute("DELETE FROM symbol_list_members WHERE name = ?", [name])
        return
    tx.execute(
        "DELETE FROM symbol_list_members WHERE name = ? AND symbol IN (SELECT unnest(?))",
        [name, [way for symbol in symbols for way in spellings(symbol)]],
    )


def notes(
    reader: Reader, whose: str, symbol: str | None = None, day: date | None = None
) -> pl.DataFrame:
    """symbol, day, text, written_by, written_at of a reader's notes, newest first."""
    return reader.read(
        "SELECT symbol, day, text, written_by, written_at FROM notes WHERE reader = $reader "
        "AND ($symbol IS NULL OR symbol IN (SELECT unnest($ways))) "
        "AND ($day IS NULL OR day = $day) "
        "ORDER BY day DESC, written_at DESC, symbol",
        {"reader": whose, "symbol": symbol, "ways": spellings(symbol or ""), "day": day},
    )


def write_note(
    tx: Transaction, whose: str, called: str, symbol: str, day: date, text: str, at: datetime
) -> None:
    """Keep the note of a name and day in place of the one before; an empty one takes it away."""
    tx.execute(
        "DELETE FROM notes WHERE reader = ? AND symbol IN (SELECT unnest(?)) AND day = ?",
        [whose, spellings(symbol), day],
    )
    if text:
        tx.execute(
            "INSERT INTO notes (reader, symbol, day, text, written_by, written_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [whose, symbol, day, text, called, at],
        )


def marks(reader: Reader, whose: str, day: date) -> dict[str, str]:
    """Symbol -> star or dismissed, of a reader on a day."""
    found = reader.read(
        "SELECT symbol, mark FROM symbol_marks WHERE reader = ? AND day = ? ORDER BY symbol",
        [whose, day],
    )
    return dict(found.iter_rows())


def set_mark(
    tx: Transaction, whose: str, symbol: str, day: date, mark: str | None, at: datetime
) -> None:
    """Keep the mark of a name on a day; None takes it away."""
    tx.execute(
        "DELETE FROM symbol_marks WHERE reader = ? AND symbol IN (SELECT unnest(?)) AND day = ?",
        [whose, spellings(symbol), day],
    )
    if mark is not None:
        tx.execute(
            "INSERT INTO symbol_marks (reader, symbol, day, mark, marked_at) "
            "VALUES (?, ?, ?, ?, ?)",
            [whose, symbol, day, mark, at],
        )
