"""The back-test on *Gap statistics*: its rules in the URL, equity, buckets, and the warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components import charts_gaps, once, shell, tables, theme
from core import service
from core.domain import backtest
from core.domain.gap_filters import GapFilters
from core.service import gap_statistics


def section(desk: service.Desk, past: gap_statistics.History, bounds: GapFilters) -> None:
    """Sliders of the rules and what they would have done."""
    st.subheader("Back-test of the signal", anchor=False)
    done, totals = gap_statistics.back_test(desk, past, bounds, _rules())
    if done.is_empty():
        shell.empty("No trade to test.", "Widen the filters.")
    else:
        mean = totals["expectancy"]
        title = (
            f"{totals['trades']:,} trades, {totals['total_r']:+.0f} R, worst drawdown "
            f"{totals['max_drawdown_r']:.0f} R, {mean['mean_r']:+.2f} R a trade"
        )
        equity, buckets, expectancy = once.kept(
            done, lambda: _drawn(done, title, mean), "back-test", title
        )
        theme.show(equity, alt="Equity and drawdown in R", key="equity")
        theme.show(
            expectancy,
            alt="Mean result by size of the gap with 95 % intervals",
            key="expectancy",
        )
        tables.show(
            buckets,
            {
                "size": "Size",
                "n": "Trades",
                "mean_r": "Mean R",
                "low_r": "From",
                "high_r": "To",
                "win_pct": "Won",
                "profit_factor": "Profit factor",
                "mfe_r": "Median best R",
                "mae_r": "Median worst R",
            },
            alt="Back-test by size of the gap",
            key="buckets",
        )
        st.warning(
            f"Variants tried on this desk: {totals['variants_tried']}. The chance that one of "
            f"them looks good by luck alone is {totals['chance_of_false_find_pct']:g} %; entry "
            "is the open after the gap's session, since its volume is known only then."
        )
        shell.export_button("Trades as CSV", lambda: done, "gap-backtest.csv")


def _rules() -> backtest.Rules:
    bound = {"bind": "query-params"}
    with st.container(horizontal=True):
        side = st.segmented_control(
            "Side", ["follow", "fade"], default="follow", key="side", required=True, **bound
        )
        stop = st.slider("Stop, ATR", 0.5, 5.0, 1.5, 0.25, key="stop", **bound)
        target = st.slider("Target, R", 0.5, 5.0, 2.0, 0.5, key="target", **bound)
        hold = st.slider("Sessions held", 1, 20, 5, key="hold", **bound)
        cost = st.slider("Costs, bp a side", 0.0, 50.0, 5.0, 1.0, key="cost", **bound)
    return backtest.Rules(side, stop, target, hold, cost)


def _drawn(done: pl.DataFrame, title: str, mean: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The equity figure, the buckets by size, and their figure."""
    buckets = backtest.expectancy(done, "size")
    said = (
        f"A trade makes {mean['mean_r']:+.2f} R on average "
        f"({mean['low_r']:+.2f} to {mean['high_r']:+.2f})"
    )
    equity = charts_gaps.equity(backtest.equity(done), title=title)
    return equity, buckets, charts_gaps.expectancy(buckets, "size", title=said)
