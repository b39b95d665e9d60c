"""Filing: one filing's grade, point by point, with the facts that every point rests on."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import filing_text, quality_corrections, quality_findings, quality_status
from components.parts import quality as lists
from components.parts import quality_filing as parts

VIEWS = ("Findings", "Facts used", "Statements", "Comparatives", "Versions")

desk = shell.page(
    "Filing",
    purpose="One filing: why it has its grade, and the facts behind every point.",
    datasets=lists.INPUTS,
    views_of="filing",
)

with shell.guarded("the filing"):
    graded = lists.all_grades(desk)
    row = None
    if graded.is_empty():
        lists.none_yet(desk)
    else:
        row = parts.choose(graded)
        if row is None:
            parts.ungraded(desk, st.query_params["filing"])
    if row is not None:
        view = parts.explained(desk, row["accession"], row["cik"])
        parts.heading(view.grade)
        filing_text.at_length(desk, [view.grade])
        quality_status.status(view)
        quality_status.revision_risk(view)
        quality_corrections.show(desk, view.grade)
        parts.untold(view)
        parts.subscores(view.grade)
        parts.build_up(view)
        shown = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], **address.among("part", VIEWS), required=True
        )
        if shown == "Findings":
            quality_findings.findings(view)
        elif shown == "Facts used":
            parts.facts_used(view)
        elif shown == "Statements":
            parts.statements(view)
        elif shown == "Comparatives":
            parts.comparatives(view)
        else:
            parts.versions(view)
