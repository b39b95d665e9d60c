"""The rates on *Gap statistics*: how often gaps did what, by a quantity of choice."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from components.charts import gaps as charts_gaps
from components.kit import address, once, shell, tables, theme
from core.domain.gaps import outcomes as rules
from core.domain.gaps.filters import GapFilters
from core.service.gaps import statistics as gap_statistics
from core.service.gaps.statistics import History

# What the rates can be split by: word -> column.
BY = {
    "Size": "size",
    "Direction": "direction",
    "Weekday": "weekday",
    "Catalyst": "catalyst",
    "Grade": "grade",
    "Type": "gap_type",
    "Pattern": "story",
}
RATES = {
    "n": "n",
    "k": "Times",
    "rate_pct": "Rate",
    "low_pct": "From",
    "high_pct": "To",
    "median_sessions": "Median sessions to fill",
    "excursion_pct": "Median max. adverse move",
}


def section(past: History, filters: GapFilters) -> None:
    """Rates of the gaps within the filters, beside the sizes of all."""
    rows = chosen(past, filters)
    with st.container(horizontal=True):
        measure = st.selectbox(
            "Rate", list(rules.MEASURES), **address.among("rate", rules.MEASURES)
        )
        by = st.segmented_control(
            "By", list(BY), default="Size", **address.among("by", BY), required=True
        )
    st.caption(
        f"{rows.height:,} gaps within the filters, {past.first} to {past.last}, "
        f"{past.names:,} names; {past.excluded:,} moves left out as no gaps. Bars are 95 % Wilson "
        "intervals; hollow and grey: fewer than 30 gaps."
    )
    if rows.is_empty():
        shell.empty("No gap passes the filters.", "Widen them.")
    else:
        _shown(past, filters, measure, by)


def _shown(past: History, filters: GapFilters, measure: str, by: str) -> None:
    drawn, table = rates(past, filters, measure, by)
    with st.grid(2, gap="medium"):
        alt = f"{measure} by {by.lower()} with 95 % Wilson intervals"
        theme.show(drawn, alt=alt, key="rates")
        alt = "Distribution of gap sizes"
        theme.show(sizes(past, theme.palette()), alt=alt, key="sizes")
    tables.show(table, {BY[by]: by, **RATES}, alt=f"{measure} by {by.lower()}", key="rate_table")


def chosen(past: History, filters: GapFilters) -> pl.DataFrame:
    """The gaps within the filters."""
    return once.cached_for_owner(
        past, lambda: gap_statistics.filtered(past, filters), "chosen gaps", filters
    )


def rates(past: History, filters: GapFilters, measure: str, by: str) -> tuple[Any, pl.DataFrame]:
    """Figure and table of a rate by a quantity; at most the 14 groups with the most gaps."""
    key = ("rates", filters, measure, by)
    return once.cached_for_owner(past, lambda: _rates(chosen(past, filters), measure, by), *key)


def _rates(rows: pl.DataFrame, measure: str, by: str) -> tuple[Any, pl.DataFrame]:
    total = rules.rates(rows, [], measure).row(0, named=True)
    table = rules.rates(rows, [BY[by]], measure).sort("n", descending=True).head(14)
    table = table.sort(BY[by]) if by in ("Size", "Weekday") else table
    digits = 0 if total["low_pct"] >= 10 else 1  # 1 % (1–1 %) would say nothing
    title = (
        f"{measure.capitalize()}: {total['rate_pct']:.{digits}f} % of {total['n']:,} "
        f"({total['low_pct']:.{digits}f}–{total['high_pct']:.{digits}f} %)"
    )
    return charts_gaps.rates(table, BY[by], title=title), table


def sizes(past: History, colours: theme.Palette) -> Any:
    """Figure of the sizes of all gaps."""
    return once.cached_for_owner(past, lambda: _sizes(past, colours), "gap sizes", colours)


def _sizes(past: History, colours: theme.Palette) -> Any:
    up = past.outcomes.filter(pl.col("gap_pct") > 0).height
    share = up / max(1, past.outcomes.height)
    title = f"{past.outcomes.height:,} gaps of 1 % and more, {100 * share:.0f} % of them up"
    return charts_gaps.distribution(past.outcomes, title=title, palette=colours)
