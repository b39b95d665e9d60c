"""The names in the addresses of the pages: one a thing everywhere, old ones still read, the rest
told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date

import streamlit as st

from components.kit import badges

SESSION = "session"
OLD = ("date", "day")  # what a session was called on some pages
EVERYWHERE = "zoom"  # of charts
READ: Mapping[str, str] = {
    "Access": "",
    "Activity": "event kind period q severity",
    "Alerts": "alert show",
    "Brief": "at",
    "Companies": "company concept forms known span view",
    "Compare": "concept left right scale",
    "Data quality": "by company dataset documents form grade q since status view",
    "Datasets": "dataset view",
    "Filing": "cik filing part",
    "Gap scan": """
        chart columns dollars followed form gap grade list marked pick price rvol sector session
        side status w_catalyst w_liquidity w_sentiment w_volatility
    """,
    "Gap statistics": "by cost dollars gap hold price rate rvol side stop target view",
    "Glossary": "q",
    "Jobs": "dataset event state view",
    "Journal": "by view",
    "Overview": "find within",
    "Plans": "atr choice direction entry plan risk session stop symbol view",
    "Preferences": "",
    "Reconciliation": "",
    "Risk": "session",
    "Rules": "q rule severity",
    "Search": "q",
    "Symbol": "session span symbol",
}  # the names that a page reads, by its title
OF_STREAMLIT = frozenset({"embed", "embed_options"})
KNOWN = frozenset(" ".join((EVERYWHERE, *READ.values())).split())
SHOWN = 40  # characters of a word of an address
MOST = 10  # words


def settle() -> None:
    """Read old names as the new one."""
    for old in OLD:
        if old in st.query_params:
            given = st.query_params[old]
            del st.query_params[old]
            if SESSION not in st.query_params:
                _choose(given)


def unread(title: str) -> list[str]:
    """The names of the address that the page of this title does not read, in order."""
    read = frozenset(f"{EVERYWHERE} {READ[title]}".split()) if title in READ else KNOWN
    return sorted(set(st.query_params) - read - OF_STREAMLIT)


def _choose(given: str) -> None:
    """The session of an old address, under its name there now: what is shown can be linked to. A
    widget looks into the address before the page does.
    """
    st.query_params[SESSION] = given  # told as any other where it is none
    with suppress(ValueError):
        st.session_state[SESSION] = date.fromisoformat(given)


def said(names: Sequence[str], values: Iterable[tuple[str, str]] = ()) -> str:
    """What a page says of names that it does not read, and of values of those that it does."""
    words = []
    if nowhere := [name for name in names if name not in KNOWN]:
        words.append(
            f"The address names what no page knows: {_listed(map(_named, nowhere))}; "
            "it was left out."
        )
    if elsewhere := [name for name in names if name in KNOWN]:
        words.append(f"This page reads no {_listed(map(_bold, elsewhere))}; it was left out.")
    if told := [f"{_bold(key)} {badges.plain(value[:SHOWN])}" for key, value in values]:
        words.append(f"The address asks for what is not here: {_listed(told)}; it was left out.")
    return " ".join(words)


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
    return ", ".join(every[:MOST]) + more


def _bold(name: str) -> str:
    return f"**{badges.plain(name[:SHOWN])}**"


def _named(name: str) -> str:
    near = difflib.get_close_matches(name, KNOWN, n=1)
    return f"{_bold(name)} (did you mean {near[0]}?)" if near else _bold(name)
