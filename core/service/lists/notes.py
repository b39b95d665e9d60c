"""A reader's notes on names, one a name and day, and the marks of a day: starred, dismissed.

Both are the reader's own: nobody else is shown them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from core.domain import symbols as spelling
from core.domain.access.principals import Role
from core.domain.timetable import sessions as calendar
from core.errors import UsageError
from core.observe.events import Event
from core.service.care import preferences
from core.service.kernel import access
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import events
from core.store import lists as store

if TYPE_CHECKING:
    from core.service.desk import Desk

Mark = Literal["star", "dismiss"]
LONGEST = 4000  # letters of a note
PREMARKET = timedelta(hours=6)


def today(desk: Desk) -> date:
    """The session that a note without a day is about: the latest whose pre-market has begun."""
    return calendar.latest_open(desk.now() + PREMARKET)


def notes(desk: Desk, symbol: str | None = None, day: date | None = None) -> pl.DataFrame:
    """The reader's notes (symbol, day, text, written_by, written_at), newest first."""
    wanted = None if symbol is None else spelling.spelled(symbol)
    return store.notes(desk.warehouse, preferences.reader_now(desk), wanted, day)


def note(desk: Desk, symbol: str, day: date) -> str:
    """The reader's note on a name and day; empty without one.

    All that was written under several spellings, when each had a note of its own: the next text
    takes the place of all of them.
    """
    found = notes(desk, symbol, day).reverse()
    return "\n\n".join(found["text"].unique(maintain_order=True))


@needs(Role.ANALYST)
def write(desk: Desk, symbol: str, text: str, day: date | None = None) -> None:
    """Keep the note of a name and day in place of the one before; an empty text takes it away."""
    name, said, when = spelling.spelled(symbol), text.strip(), day or today(desk)
    if len(said) > LONGEST:
        raise UsageError(f"a note has at most {LONGEST:,} letters")
    before = note(desk, name, when)
    if said == before:
        return
    whose, who = preferences.reader_now(desk), access.principal(desk)
    word = "written" if said else "taken away"
    event = Event.of("note.written", name, f"Note on {name} of {when} {word}")
    with desk.warehouse.transaction() as tx:
        store.write_note(tx, whose, who.name, name, when, said, desk.now())
        events.add(tx, [event], desk.now())


def marks(desk: Desk, day: date, names: Iterable[str] | None = None) -> dict[str, str]:
    """Symbol -> `star` or `dismiss`, as the reader marked names on a day; of some `names`, in their
    own spelling (BRK-B marked, BRK.B scanned).
    """
    found = store.marks(desk.warehouse, preferences.reader_now(desk), day)
    if names is None:
        return found
    known = {spelling.one_spelling(name): mark for name, mark in found.items()}
    told = ((name, known.get(spelling.one_spelling(name))) for name in names)
    return {name: mark for name, mark in told if mark is not None} if known else {}


@needs(Role.ANALYST)
def set_mark(desk: Desk, symbol: str, kind: Mark | None, day: date | None = None) -> None:
    """Star or dismiss a name for a day, or neither."""
    name, when = spelling.spelled(symbol), day or today(desk)
    whose = preferences.reader_now(desk)
    with desk.warehouse.transaction() as tx:
        store.set_mark(tx, whose, name, when, kind, desk.now())
        words = f"Mark on {name} of {when} changed"  # everybody reads it: which one is its own
        events.add(tx, [Event.of("note.marked", name, words)], desk.now())


@command("notes", needs=Role.VIEWER)
def notes_command(
    desk: Desk, *, symbol: str | None = None, date: date | None = None
) -> dict[str, Any]:
    """The reader's own notes: of a name, of a day, or all; and the marks of the day."""
    shown = notes(desk, symbol, date)
    found = marks(desk, date or today(desk))
    return {"notes": shown.to_dicts(), "marks": found}


@command("note_write", needs=Role.ANALYST)
def write_command(
    desk: Desk, *, symbol: str, text: str, date: date | None = None
) -> dict[str, Any]:
    """Keep a note on a name and day; an empty text takes it away."""
    write(desk, symbol, text, date)
    return notes_command(desk, symbol=symbol)


@command("note_mark", needs=Role.ANALYST)
def mark_command(
    desk: Desk, *, symbol: str, mark: Literal["star", "dismiss", "none"], date: date | None = None
) -> dict[str, Any]:
    """Star or dismiss a name for a day, or neither."""
    set_mark(desk, symbol, None if mark == "none" else mark, date)
    return notes_command(desk, date=date)


@export("notes", needs=Role.VIEWER)
def export_notes(desk: Desk, *, symbol: str | None = None) -> pl.DataFrame:
    """The reader's own notes, newest first."""
    return notes(desk, symbol)
