"""Preferences of the reader: time zone, colours, saved views."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from components.kit import badges, reader, shell, theme
from components.parts import alerts, scan_controls
from core.service.care import preferences
from core.service.desk import Desk

ZONES = (
    "America/New_York",
    "UTC",
    "America/Chicago",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Hong_Kong",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def own_filters(desk: Desk, mine: preferences.Preferences) -> None:
    """The reader's own filters of the scan in words, and the way to change them."""
    st.markdown(f"### Default filters of the scan\n{scan_controls.said(desk, mine.filters)}")
    shell.link("gap_scan", "Change them on the gap scan")


desk = shell.page(
    "Preferences",
    purpose="How the desk shows things to you. Light or dark: the menu at the top right, under "
    "Settings; it follows your system.",
)

with shell.guarded("your preferences"):
    mine = preferences.load(desk)
    zones = list(dict.fromkeys((mine.zone, *ZONES)))
    palettes = list(theme.PALETTES)
    with st.form("preferences"):
        zone = st.selectbox(
            "Time zone", zones, help="Times are shown in this zone; tooltips have UTC."
        )
        palette = st.radio(
            "Up and down",
            palettes,
            index=palettes.index(mine.palette) if mine.palette in palettes else 0,
            help="Blue and vermillion can be told apart by everyone. Sign and shape tell it too.",
        )
        guide = st.checkbox("Show the first steps on the overview", value=mine.guide)
        if st.form_submit_button("Save", type="primary"):
            preferences.save(desk, replace(mine, zone=zone, palette=palette, guide=guide))
            shell.forget_preferences()
            st.toast("Saved", icon=":material/check_circle:")
            st.rerun()
    own_filters(desk, mine)

with shell.guarded("the ways outside"):
    alerts.places(desk)

with shell.guarded("what is tried out"):
    alerts.features(desk)

with shell.guarded("your saved views"):
    saved = preferences.presets(desk)
    shell.section("Saved views")
    if not saved:
        shell.empty(
            "No saved view yet.",
            "Save this view, at the top of a page, keeps its filters and choices here.",
        )
    for preset in saved:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{badges.plain(preset['name'])}**", width="content")
            shell.link_query(preset["page"], f"open on {preset['page']}", preset["query"])
            if st.button(
                "Remove",
                key=f"remove_{preset['page']}_{preset['name']}",
                **reader.analyst(desk),
            ):
                preferences.remove_preset(desk, preset["page"], preset["name"])
                st.rerun()
