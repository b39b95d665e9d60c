"""Charts on a narrow screen: titles wrapped, labels in the margin short, more of the width theirs.

The browser says that its screen is narrow in a cookie (app/static/desk.js): the server hears of it
with the connection, before it draws anything. A figure is made narrow once and shared as the wide.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st

COOKIE = "openbell_narrow"
TITLE_LETTERS, SMALL_LETTERS = 42, 60  # of a line; small ones are in <sup>
LINE_PIXELS = 18
LABELS = 100  # pixels: a right margin from here on holds labels
MARGIN = 92  # pixels for short ones
FONT = 9
MOST_TICKS = 4
SHORT: Mapping[str, str] = {"20-session ": "20-s ", "prior close": "prior"}


def is_narrow() -> bool:
    """Whether the reader's screen is that of a phone."""
    return bool(st.context.cookies.get(COOKIE) == "1")


def drawn(fig: go.Figure) -> go.Figure:
    """The figure for a narrow screen, kept on the wide one."""
    kept = getattr(fig, "_narrow", None)
    if kept is None:
        kept = fig._narrow = _drawn(fig)
    return kept


def _drawn(fig: go.Figure) -> go.Figure:
    made = go.Figure(fig)
    _title(made)
    if (made.layout.margin.r or 0) >= LABELS:
        _labels(made)
    made.for_each_xaxis(lambda axis: axis.nticks and axis.update(nticks=MOST_TICKS))
    return made


def _title(fig: go.Figure) -> None:
    text = fig.layout.title.text
    if not text:
        return
    before = text.split("<br>")
    after = [line for part in before for line in wrapped(part)]
    more = LINE_PIXELS * (len(after) - len(before))
    fig.update_layout(title_text="<br>".join(after))
    if more:
        above = fig.layout.margin.t or fig.layout.template.layout.margin.t or 0
        tall = fig.layout.height  # none: the browser's own
        fig.update_layout(margin_t=above + more, height=tall and tall + more)


def wrapped(part: str) -> list[str]:
    """A line of a title as lines that fit; small print stays small."""
    if not part.startswith("<sup>"):
        return textwrap.wrap(part, TITLE_LETTERS) or [part]
    inner = part.removeprefix("<sup>").removesuffix("</sup>")
    return [f"<sup>{line}</sup>" for line in textwrap.wrap(inner, SMALL_LETTERS)] or [part]


def _labels(fig: go.Figure) -> None:
    fig.update_layout(margin_r=MARGIN)
    fig.update_yaxes(title_text=None)
    for note in fig.layout.annotations:
        if not note.text:  # an arrow
            continue
        for long, short in SHORT.items():
            note.text = note.text.replace(long, short)
        note.font.size = FONT
