"""Gap statistics: how often gaps fill, and what trading the signal would have done."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.kit import saved_views as views
from components.parts import first_fill, gap_backtest, gap_rates, scan_controls
from core.service.gaps import scans
from core.service.gaps import statistics as gap_statistics

INPUTS = ("prices.daily", "corporate_actions")
VIEWS = ("Rates", "Back-test")

desk = shell.page(
    "Gap statistics",
    purpose="How often gaps fill, and the back-test of the signal.",
    datasets=INPUTS,
    views_of="gap_statistics",
)

days = []
with shell.guarded("the sessions"):
    days = scans.sessions(desk)
    if not days:
        first_fill.told(desk, "the rates are here")
if not days:
    st.stop()

view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
)
with shell.guarded("the gaps"):
    sliders = scan_controls.filters(desk)
    box = st.expander("Filters", key="filters", on_change="rerun")
    if views.is_open(box):
        with box:
            scan_controls.draw(sliders)
    past = gap_statistics.history(desk)
    passing = scans.default_filters(desk).changed(scan_controls.chosen_filters(sliders))
    if view == "Back-test":
        gap_backtest.section(desk, past, passing)
    else:
        gap_rates.section(past, passing)
