"""Data quality: grades of filings and of datasets, with the way to each reason."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import quality as parts
from components.parts import quality_datasets, quality_filters

VIEWS = ("Filings", "Datasets")

desk = shell.page(
    "Data quality",
    purpose="Which figures can be trusted: grades of filings and of datasets.",
    datasets=parts.INPUTS,
    views_of="data_quality",
)
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
)
if view == "Datasets":
    with shell.guarded("the quality of the datasets"):
        quality_datasets.overview(desk)
else:
    with shell.guarded("the grades"):
        graded = parts.all_grades(desk)
        if graded.is_empty():
            parts.none_yet(desk)
        else:
            chosen = quality_filters.filters(graded)
            parts.figures(chosen)
            if chosen.is_empty():
                shell.empty("No filing passes the filters.", "Widen them to see grades again.")
            else:
                parts.table(desk, chosen, graded)
                parts.charts(chosen)
            parts.exports(desk, chosen)
