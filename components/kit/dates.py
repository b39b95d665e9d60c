"""The one date box of the pages: empty by default, and its choice stands in the URL."""

from __future__ import annotations

from datetime import date

import streamlit as st

from components.kit import address

WIDTH = 160


def day_box(
    label: str,
    key: str,
    help: str,
    *,
    earliest: date | None = None,
    latest: date | None = None,
    width: int = WIDTH,
) -> date | None:
    """The day that was chosen; None while the box is empty, of which `help` says what it means."""
    return st.date_input(
        label,
        value=None,
        min_value=earliest,
        max_value=latest,
        **address.day(key, earliest, latest),
        width=width,
        help=help,
    )


def session_box() -> date | None:
    """The session that a page is about; None stands for the latest one in the store."""
    return day_box("Session", "session", "Empty: the latest session in the store.")
