"""The back-test on *Gap statistics*: its rules in the URL, equity, buckets, and the warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import polars as pl
import streamlit as st

from components.charts import gaps as charts_gaps
from components.kit import address, formats, once, shell, tables, theme
from components.kit import saved_views as views
from components.kit import url_sliders as bounds
from core.domain.gaps import backtest
from core.domain.gaps.filters import GapFilters
from core.service.desk import Desk
from core.service.gaps import statistics as gap_statistics

BUCKETS = {
    "size": "Size",
    "n": "Trades",
    "mean_r": "Mean R",
    "low_r": "From",
    "high_r": "To",
    "win_pct": "Won",
    "profit_factor": "Profit factor",
    "mfe_r": "Median best R",
    "mae_r": "Median worst R",
}


def section(desk: Desk, past: gap_statistics.History, filters: GapFilters) -> None:
    """Sliders of the rules and what they would have done."""
    stop, target, hold, cost = (cast("float", bounds.value(rule)) for rule in RULES)
    said = f"Stop {stop:g} ATR, target {target:g} R, held {hold:g} sessions, {cost:g} bp a side."
    shell.section("Back-test of the signal", said)
    rules = backtest.TradeRules(_side(), stop, target, int(hold), cost)
    done, totals = gap_statistics.back_test(desk, past, filters, rules)
    if done.is_empty():
        shell.empty("No trade to test.", "Widen the filters.")
    else:
        _shown(done, totals)


def _shown(done: pl.DataFrame, totals: Mapping[str, Any]) -> None:
    equity, buckets, expectancy = once.cached_for_owner(
        done, lambda: _drawn(done, totals), "back-test"
    )
    theme.show(equity, alt="Equity and drawdown in R", key="equity")
    alt = "Mean result by size of the gap with 95 % intervals"
    theme.show(expectancy, alt=alt, key="expectancy")
    tables.show(buckets, BUCKETS, alt="Back-test by size of the gap", key="buckets")
    st.warning(
        f"Variants tried on this desk: {totals['variants_tried']}. The chance that one of "
        f"them looks good by luck alone is {totals['chance_of_false_find_pct']:g} %; entry "
        "is the open after the gap's session, since its volume is known only then."
    )
    shell.export_button("Trades as CSV", lambda: done, "gap-backtest.csv")


RULES = (
    bounds.Bound("stop", "Stop, ATR", 0.5, 5.0, 1.5, 0.25),
    bounds.Bound("target", "Target, R", 0.5, 5.0, 2.0, 0.5),
    bounds.Bound("hold", "Sessions held", 1, 20, 5, 1),
    bounds.Bound("cost", "Costs, bp a side", 0.0, 50.0, 5.0, 1.0),
)


def _side() -> backtest.Side:
    """With the trend or against it; beside it the sliders of the other rules, drawn on demand."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side: backtest.Side = st.segmented_control(
            "Side", ["follow", "fade"], default="follow", required=True,
            **address.among("side", ["follow", "fade"]),
        )  # fmt: skip
        box = st.expander("Stop, target, sessions and costs", key="rules", on_change="rerun")
    if views.is_open(box):
        with box, st.container(horizontal=True):
            for rule in RULES:
                bounds.draw(rule)
    return side


def _drawn(done: pl.DataFrame, totals: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The equity figure, the buckets by size, and their figure."""
    mean, buckets = totals["expectancy"], backtest.expectancy(done, "size")
    title = (
        f"{totals['trades']:,} trades, {formats.signed_number(totals['total_r'], 0)} R, "
        "worst drawdown "
        f"{totals['max_drawdown_r']:.0f} R, {formats.signed_number(mean['mean_r'])} R a trade"
    )
    said = (
        f"A trade makes {formats.signed_number(mean['mean_r'])} R on average "
        f"({formats.signed_number(mean['low_r'])} to {formats.signed_number(mean['high_r'])})"
    )
    equity = charts_gaps.equity(backtest.equity(done), title=title)
    return equity, buckets, charts_gaps.expectancy(buckets, "size", title=said)
