"""Companies: the watch list, and the filings and facts of one of them."""

from __future__ import annotations

import streamlit as st

from components.kit import address, dates, shell
from components.parts import companies as parts

VIEWS = ("Filings", "Facts", "Identifiers")

desk = shell.page(
    "Companies",
    purpose="Who is followed, what they filed and reported.",
    datasets=parts.INPUTS,
    views_of="companies",
)

options = []
with shell.guarded("the watch list"):
    watched = parts.watched(desk)
    options = parts.labels(watched)
    if watched.is_empty():
        parts.follow(desk)
        shell.empty("Nobody is followed yet.", "Follow a company by its ticker or CIK above.")
    else:
        parts.watch_list(desk, watched, key="company")
    asked = st.query_params.get("company")
    if asked and asked not in options:
        options.append(asked)
if not options:
    st.stop()

with shell.guarded("the company"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = st.selectbox("Company", options, **address.among("company", options), width=320)
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
        )
        known = dates.day_box(
            "As known on",
            "known",
            "Show only what had been filed by that day; empty means now.",
            latest=desk.now().date(),
            width=220,
        )
        if not watched.is_empty():
            parts.follow_more(desk)
        company = parts.found(desk, symbol)
        cik = company["cik"]
        parts.stop_following(desk, cik)
    parts.heading(company, symbol)
    if view == "Filings":
        parts.filings(desk, cik, known)
    elif view == "Facts":
        parts.facts(desk, cik, known)
    else:
        parts.identifiers(company)
