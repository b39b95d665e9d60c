"""A reader's notes on a name and the lists it is on: read, written and kept beside it."""

from __future__ import annotations

from datetime import date

import streamlit as st

from components.kit import badges, reader, shell
from components.kit import lists as drawn
from core.service.care import preferences
from core.service.desk import Desk
from core.service.lists import lists, notes
from core.service.trading import journal_notes

NOTES = drawn.ListLook(
    name="notes",
    alt="Notes on names of the journal, newest first",
    columns={
        "symbol": "Symbol",
        "day": "Day",
        "plan_id": "Plan",
        "state": "State",
        "text": "Note",
        "written_at": "Written",
    },
    link=drawn.RowLink("symbol", "symbol"),
    card=("symbol", "day", "state"),
    line="text",
)


def box(desk: Desk, symbol: str, day: date) -> None:
    """A box to write the note of a name and day, and to put the name on a list."""
    found = st.popover("Note, list", type="tertiary", key="note_box", on_change="rerun")
    if bool(found.open):
        with found:
            note(desk, symbol, day)
            put_on_list(desk, symbol)


def note(desk: Desk, symbol: str, day: date) -> None:
    """The reader's note on a name and day, to write and to keep."""
    told = notes.note(desk, symbol, day)
    most = max(notes.LONGEST, len(told))  # of several spellings
    with st.form(f"note_{symbol}_{day}", border=False):
        text = st.text_area(f"Your note on {symbol}", value=told, max_chars=most)
        pressed = st.form_submit_button("Keep the note", **reader.analyst(desk))
    if pressed:
        with shell.guarded("the note"):
            notes.write(desk, symbol, text, day)
            st.rerun()


def put_on_list(desk: Desk, symbol: str) -> None:
    """Put the name on a list of the reader's, or on a new one."""
    with st.form(f"list_{symbol}", border=False):
        name = st.selectbox("List", lists.names(desk), index=None, accept_new_options=True)
        pressed = st.form_submit_button(f"Put {symbol} on it", **reader.analyst(desk))
    if pressed and name:
        with shell.guarded("the list"):
            lists.add(desk, name, [symbol])
            st.rerun()


def kept(desk: Desk, symbol: str, day: date | None = None) -> None:
    """The reader's notes on a name, newest first; nothing without any."""
    found = notes.notes(desk, symbol)
    if found.is_empty():
        return
    for row in found.head(5).iter_rows(named=True):
        when = f"{row['day']:%a} {row['day'].day} {row['day']:%b}"
        mark = " (this session)" if row["day"] == day else ""
        st.markdown(f"**Note** · {badges.plain(row['text'])} {shell.small(when + mark)}")


def of_trades(desk: Desk) -> None:
    """The reader's notes on names of the journal, beside the plans of the day they are about."""
    found = shell.cached_until_commit(
        desk, lambda: journal_notes.of_trades(desk), "notes of trades", preferences.reader_now(desk)
    )
    if found.is_empty():
        shell.empty(
            "No note on a name of the journal.",
            "Write one beside the name on Gap scan, Symbol or Plans.",
            page="gap_scan",
            label="Gap scan",
        )
        return
    drawn.show(found, NOTES)
