"""Gap statistics: how often gaps fill, and what trading the signal would have done."""

from __future__ import annotations

import streamlit as st

from components import charts_gaps, gap_backtest, gap_heads, gaps, once, shell, tables, theme
from core.domain import gap_statistics as rules
from core.service import gap_statistics, scans

INPUTS = ("prices.daily", "corporate_actions")

desk = shell.page(
    "Gap statistics",
    purpose="How often gaps fill, and the back-test of the signal.",
    datasets=INPUTS,
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
    with st.expander("Filters"):
        bounds = gaps.filters(desk)
    past = gap_statistics.history(desk)
    version = shell.version(desk, *INPUTS)
    chosen = gap_statistics.filtered(past, scans.default_filters(desk).changed(bounds))
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    measure = left.selectbox("Rate", list(rules.MEASURES), key="rate", bind="query-params")
    by = right.segmented_control(
        "By", list(gap_heads.BY), default="Size", key="by", bind="query-params", required=True
    )
    st.caption(
        f"{chosen.height:,} gaps within the filters, {past.first} to {past.last}, "
        f"{past.names:,} names; {past.excluded:,} moves left out as no gaps."
    )
    if chosen.is_empty():
        shell.empty("No gap passes the filters.", "Widen them.")
    else:
        total = rules.rates(chosen, [], measure).row(0, named=True)
        table = rules.rates(chosen, [gap_heads.BY[by]], measure).sort("n", descending=True).head(14)
        table = table.sort(gap_heads.BY[by]) if by in ("Size", "Weekday") else table
        first, second = st.columns([3, 2], gap="medium")
        with first:
            theme.show(
                charts_gaps.rates(
                    table,
                    gap_heads.BY[by],
                    title=f"{measure.capitalize()}: {total['rate_pct']:.0f} % of {total['n']:,} "
                    f"({total['low_pct']:.0f}–{total['high_pct']:.0f} %)",
                ),
                alt=f"{measure} by {by.lower()} with 95 % Wilson intervals",
                key="rates",
            )
            st.caption("Hollow and grey: fewer than 30 gaps. Bars are 95 % Wilson intervals.")
        with second:
            wide, colours = past.outcomes.height, theme.palette()
            share = (past.outcomes["gap_pct"] > 0).mean() or 0.0
            theme.show(
                once.made(
                    lambda: charts_gaps.distribution(
                        past.outcomes,
                        title=f"{wide:,} gaps of 1 % and more, {share:.0%} of them up",
                        palette=colours,
                    ),
                    *("gap sizes", colours, *version),
                ),
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
    gap_backtest.section(desk, past, scans.default_filters(desk).changed(bounds))
