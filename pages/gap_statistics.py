"""Gap statistics: how often gaps fill, and what trading the signal would have done."""

from __future__ import annotations

import streamlit as st

from components import gap_backtest, gap_heads, gaps, shell, tables, theme, views
from core.domain import gap_statistics as rules
from core.service import gap_statistics, scans

INPUTS = ("prices.daily", "corporate_actions")

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
        shell.empty(
            "There are no prices yet.",
            "Pull the daily bars, then the rates are here.",
            page="datasets",
            label="Go to Datasets",
        )
if not days:
    st.stop()

with shell.guarded("the rates"):
    sliders = gaps.filters(desk)
    box = st.expander("Filters", key="filters", on_change="rerun")
    if views.is_open(box):
        with box:
            gaps.draw(sliders)
    past = gap_statistics.history(desk)
    passing = scans.default_filters(desk).changed(gaps.chosen_filters(sliders))
    chosen = gap_heads.chosen(past, passing)
    with st.container(horizontal=True):
        measure = st.selectbox("Rate", list(rules.MEASURES), key="rate", bind="query-params")
        by = st.segmented_control(
            "By", list(gap_heads.BY), default="Size", key="by", bind="query-params", required=True
        )
    st.caption(
        f"{chosen.height:,} gaps within the filters, {past.first} to {past.last}, "
        f"{past.names:,} names; {past.excluded:,} moves left out as no gaps. Bars are 95 % Wilson "
        "intervals; hollow and grey: fewer than 30 gaps."
    )
    if chosen.is_empty():
        shell.empty("No gap passes the filters.", "Widen them.")
    else:
        drawn, table = gap_heads.rates(past, passing, measure, by)
        with st.grid(2, gap="medium"):
            theme.show(
                drawn,
                alt=f"{measure} by {by.lower()} with 95 % Wilson intervals",
                key="rates",
            )
            theme.show(
                gap_heads.sizes(past, theme.palette()),
                alt="Distribution of gap sizes",
                key="sizes",
            )
        tables.show(
            table,
            {gap_heads.BY[by]: by, **gap_heads.RATES},
            alt=f"{measure} by {by.lower()}",
            key="rate_table",
        )

with shell.guarded("the back-test"):
    gap_backtest.section(desk, past, passing)
