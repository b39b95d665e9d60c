"""The morning on one screen: problems first, then what is new."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import overview as parts
from components.parts import search

SPANS = {"since the close": None, "a day": 1, "three days": 3, "a week": 7}

desk = shell.page(
    "Overview", purpose="The morning on one screen, problems first.", follows=shell.EVERYTHING
)

with st.container(key="own_search"):  # where the header has no room for one
    wanted = search.box("Search the desk", key="find", hidden=True)
with shell.guarded("the search"):
    search.results(desk, wanted, most=8)

with shell.guarded("the state of the data"):
    statuses = shell.statuses(desk)
    parts.guide(desk, statuses)
    parts.problems(desk, statuses)

left, right = st.columns([3, 1], gap="medium")
with left, shell.guarded("the candidates"):
    parts.candidates(desk)
with right, shell.guarded("the book"):
    parts.book(desk)
with left:
    span = st.segmented_control(
        "New",
        list(SPANS),
        default="since the close",
        **address.among("within", SPANS),
        required=True,
    )
    since = parts.since(desk, SPANS[span])
with left, shell.guarded("the new filings"):
    parts.filings(desk, since)
with left, shell.guarded("the changes"):
    parts.changes(desk, since)
with right, shell.guarded("the freshness"):
    parts.freshness(desk, shell.statuses(desk))
