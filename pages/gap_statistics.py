"""Gap statistics: how often gaps fill, and what trading the signal would have done."""

from __future__ import annotations

import streamlit as st

from components import charts_gaps, gap_heads, gaps, once, shell, tables, theme
from core.domain import backtest
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
    st.subheader("Back-test of the signal", anchor=False)
    a, b, c, d, e = st.columns(5, vertical_alignment="bottom")
    side = a.segmented_control(
        "Side", ["follow", "fade"], default="follow", key="side", bind="query-params", required=True
    )
    stop = b.slider("Stop, ATR", 0.5, 5.0, 1.5, 0.25, key="stop", bind="query-params")
    target = c.slider("Target, R", 0.5, 5.0, 2.0, 0.5, key="target", bind="query-params")
    hold = d.slider("Sessions held", 1, 20, 5, key="hold", bind="query-params")
    cost = e.slider("Costs, bp a side", 0.0, 50.0, 5.0, 1.0, key="cost", bind="query-params")
    done, totals = gap_statistics.back_test(
        desk,
        past,
        scans.default_filters(desk).changed(bounds),
        backtest.Rules(side, stop, target, hold, cost),
    )
    if done.is_empty():
        shell.empty("No trade to test.", "Widen the filters.")
    else:
        mean = totals["expectancy"]
        title = (
            f"{totals['trades']:,} trades, {totals['total_r']:+.0f} R, worst drawdown "
            f"{totals['max_drawdown_r']:.0f} R, {mean['mean_r']:+.2f} R a trade"
        )
        theme.show(
            once.made(
                lambda: charts_gaps.equity(backtest.equity(done), title=title),
                *("equity", title, repr(bounds), side, stop, target, hold, cost, *version),
            ),
            alt="Equity and drawdown in R",
            key="equity",
        )
        buckets = backtest.expectancy(done, "size")
        theme.show(
            charts_gaps.expectancy(
                buckets,
                "size",
                title=f"A trade makes {mean['mean_r']:+.2f} R on average "
                f"({mean['low_r']:+.2f} to {mean['high_r']:+.2f})",
            ),
            alt="Mean result by size of the gap with 95 % intervals",
            key="expectancy",
        )
        tables.show(
            buckets,
            gap_heads.BUCKETS,
            alt="Back-test by size of the gap",
            key="buckets",
        )
        st.warning(
            f"Variants tried on this desk: {totals['variants_tried']}. The chance that one of "
            f"them looks good by luck alone is {totals['chance_of_false_find_pct']:g} %; entry "
            "is the open after the gap's session, since its volume is known only then."
        )
        shell.export_button("Trades as CSV", lambda: done, "gap-backtest.csv")
