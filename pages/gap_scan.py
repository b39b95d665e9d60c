"""Gap scan: the names that gap in a session, why, and how they rank."""

from __future__ import annotations

import streamlit as st

from components.kit import address, dates, shell
from components.kit import saved_views as views
from components.parts import candidate, first_fill, gaps, own_notes, scan_controls, screening
from core.service.gaps import scans
from core.service.lists import notes

INPUTS = ("prices.daily", "prices.minute", "corporate_actions", "sec.submissions")

desk = shell.page(
    "Gap scan",
    purpose="Names that gap this session, why, and how they rank.",
    datasets=INPUTS,
    views_of="gap_scan",
    follows=(*INPUTS, "sec.feed"),
)

days = []
with shell.guarded("the sessions"):
    days = scans.sessions(desk)
    if not days:
        first_fill.told(desk, "the scan is here")
if not days:
    st.stop()

left, right = st.columns([11, 10], gap="small")
with left, shell.guarded("the scan"):
    sliders, shares = scan_controls.filters(desk), scan_controls.weights(desk)
    limits, weights = scan_controls.chosen_filters(sliders), scan_controls.chosen_weights(shares)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = dates.day_box(
            "Session",
            "session",
            "Replay any past morning; empty means the latest session.",
            earliest=days[-1],
            width=180,
        )
        box = st.expander("Filters and weights of the score", key="filters", on_change="rerun")
        shown = st.popover("Columns", type="tertiary", key="columns_box", on_change="rerun")
    whole = scans.run(desk, day, limits, weights)
    marks = notes.marks(desk, whole.gaps.session, whole.candidates["symbol"])
    if views.is_open(box):
        with box:
            screening.boxes(desk, whole)
            scan_controls.draw(sliders)
            st.caption("Weights of the score; they are renormalised to sum 1.")
            scan_controls.draw(shares)
            scan_controls.defaults(desk, limits, weights)
    if views.is_open(shown):
        with shown:
            screening.column_box(desk)
    scan = screening.screened(whole, screening.wanted(desk, whole, marks))
    st.markdown(gaps.headline(whole, desk.now()) + gaps.of_them(whole, scan))
    left_out = gaps.excluded(scan)
    if scan.candidates.is_empty():
        if chips := screening.chips(sliders):
            st.html(chips)
        shell.empty(
            "No name passes the filters.",
            "Press a filter above to take it away, or choose another session.",
        )
        st.html(left_out)
    else:
        pick = st.query_params.get("pick", "")
        row = gaps.chosen(scan, pick)
        if row["symbol"] != pick:
            address.tell("pick", [pick])
        columns = screening.columns()
        listed = gaps.candidates(desk, scan, row["symbol"], columns=columns, marks=marks)
        over = screening.over(sliders, scan, row["symbol"])
        st.html(over + listed + left_out)  # one element: each is a message at every run
        with right:
            screening.marked(desk, scan, row["symbol"], marks)
            candidate.pane(desk, scan, row)
            own_notes.kept(desk, row["symbol"], scan.gaps.session)
    shell.export_button(
        "Candidates as CSV", lambda: scans.frame(scan), f"candidates-{scan.gaps.session}.csv"
    )
