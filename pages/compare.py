"""Two companies side by side on what both report."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell, tables, theme
from components.parts import companies as parts
from components.parts import compare

desk = shell.page(
    "Compare",
    purpose="Two companies side by side on what both report.",
    datasets=("sec.facts",),
    views_of="compare",
)

with shell.guarded("the comparison"):
    watched = parts.labels(parts.watched(desk))
    asked = [st.query_params[side] for side in ("left", "right") if side in st.query_params]
    options = list(dict.fromkeys([*watched, *asked]))
    if len(options) < 2:
        shell.empty(
            "Two companies are needed.",
            "Follow two, and what they report stands side by side here.",
            page="companies",
            label="Go to Companies",
        )
        st.stop()
    with st.container(horizontal=True):
        left = st.selectbox("One", options, **address.among("left", options))
        right = st.selectbox("The other", options, index=1, **address.among("right", options))
    both = (parts.found(desk, left)["cik"], parts.found(desk, right)["cik"])
    found = compare.found(desk, both)
    if found.is_empty():
        shell.empty("They report no concept in common.", "Pull sec.facts for both.")
        st.stop()
    concepts, words = compare.concepts(found), compare.words(found)
    with st.container(horizontal=True):
        concept = st.selectbox(
            "Concept over time",
            concepts,
            **address.among("concept", concepts, lambda name: words.get(name, name)),
            format_func=lambda name: words.get(name, name),
        )
        scale = st.segmented_control(
            "Scale",
            compare.SCALES,
            default=compare.REPORTED,
            **address.among("scale", compare.SCALES),
            required=True,
            help="Indexed: both are 100 at the first year that both report.",
        )
    theme.show(
        compare.chart(desk, both, (left, right), found, concept, scale),
        alt=f"{words.get(concept, concept)} of {left} and {right} over time",
        key="compare_chart",
    )
    shell.section("Latest year or balance, concept by concept")
    heads = {
        "label": "In words",
        "left_value": left,
        "right_value": right,
        "ratio": f"{left} / {right}",
        "unit": "Unit",
        "left_period": f"{left} to",
        "right_period": f"{right} to",
        "concept": "Concept",
        "left_concept": f"As {left} states it",
        "right_concept": f"As {right} states it",
    }
    tables.show(
        compare.first_rows(found),
        heads,
        alt=f"{left} and {right} by concept",
        help={"ratio": "Empty where the periods end more than a year apart."},
        widths={
            "label": 280,
            "left_value": 150,
            "right_value": 150,
            "unit": 60,
            "left_period": 100,
            "right_period": 100,
        },
    )
    shell.export_button("CSV", lambda: found, f"compare-{left}-{right}.csv")
