"""Two companies side by side on what both report."""

from __future__ import annotations

import polars as pl
import streamlit as st

from components import companies as parts
from components import compare, shell, tables, theme
from core.service import companies, comparison

COLUMNS = {"concept": "Concept", "label": "In words", "unit": "Unit"}

desk = shell.page(
    "Compare", purpose="Two companies side by side on what both report.", datasets=("sec.facts",)
)

with shell.guarded("the comparison"):
    watched = [parts.label(row) for row in companies.watch_list(desk).iter_rows(named=True)]
    asked = [st.query_params[side] for side in ("left", "right") if side in st.query_params]
    options = list(dict.fromkeys([*watched, *asked]))
    if len(options) < 2:
        shell.empty("Two companies are needed.", "Follow them first.", page="companies")
        st.stop()
    first, second = st.columns(2)
    left = first.selectbox("One", options, key="left", bind="query-params")
    right = second.selectbox("The other", options, index=1, key="right", bind="query-params")
    ciks = companies.resolve(desk, [left, right])
    found = comparison.side_by_side(desk, *ciks)
    if found.is_empty():
        shell.empty("They report no concept in common.", "Pull sec.facts for both.")
        st.stop()
    concepts = found["concept"].to_list()
    concept = st.selectbox("Concept over time", concepts, key="concept", bind="query-params")
    sides = [companies.facts(desk, cik, concept) for cik in ciks]
    span = next((s for s in parts.SPANS if not parts.series(sides[0], s).is_empty()), "Instants")
    unit = found.filter(pl.col("concept") == concept)["unit"][0]
    drawn = [parts.series(side, span).filter(pl.col("unit") == unit) for side in sides]
    theme.show(
        compare.both_over_time(drawn[0], drawn[1], (left, right), unit),
        alt=f"{concept} of {left} and {right} over time",
        key="compare_chart",
    )
    st.subheader("Latest year or balance, concept by concept", anchor=False)
    heads = {
        **COLUMNS,
        "left_value": left,
        "left_period": "to",
        "right_value": right,
        "right_period": "to",
        "ratio": f"{left} / {right}",
    }
    tables.show(found.head(60), heads, alt=f"{left} and {right} by concept", pinned=("concept",))
    shell.export_button("CSV", lambda: found, f"compare-{left}-{right}.csv")
