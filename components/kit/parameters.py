"""The names in the addresses of the pages: one a thing everywhere, old ones still read, the rest
told.
"""

from __future__ import annotations

import difflib
from datetime import date

import streamlit as st

from components.kit import badges

SESSION = "session"
OLD = ("date", "day")  # what a session was called on some pages
NAMES = """
alert at atr by choice cik columns company concept cost dataset direction documents dollars entry
event filing find followed form forms gap grade hold kind known left list marked part period pick
plan price q rate right risk rule rvol scale sector session severity show side since span state
status stop symbol target view w_catalyst w_liquidity w_sentiment w_volatility within zoom
"""
KNOWN = frozenset(NAMES.split())
OF_STREAMLIT = frozenset({"embed", "embed_options"})


def settle() -> list[str]:
    """Read old names as the new one; the names that no page knows, in order."""
    for old in OLD:
        if old in st.query_params:
            given = st.query_params[old]
            del st.query_params[old]
            if SESSION not in st.query_params:
                _choose(given)
    return sorted(set(st.query_params) - KNOWN - OF_STREAMLIT)


def _choose(given: str) -> None:
    """The session of an old address; a widget looks into the address before the page does."""
    try:
        st.session_state[SESSION] = date.fromisoformat(given)
    except ValueError:
        st.query_params[SESSION] = given  # told as any other that is none


def said(unknown: list[str]) -> str:
    """What a page says of names that nothing reads, as Markdown."""
    words = []
    for name in unknown:
        near = difflib.get_close_matches(name, KNOWN, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        words.append(f"**{badges.plain(name[:40])}**{hint}")
    return f"The address names what no page knows: {', '.join(words)}; it was left out."
