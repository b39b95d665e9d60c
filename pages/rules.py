"""Rules: every rule behind a grade, in words, made from the rule set itself."""

from __future__ import annotations

import streamlit as st

from components.kit import address, exporting, shell
from components.parts import glossary, rules

shell.page(
    "Rules", purpose="Every rule behind a grade, as the desk evaluates it.", views_of="rules"
)

with shell.guarded("the rules"):
    book = rules.ruleset()
    st.markdown(
        f"**{len(book.rules)} rules**, rule set `{book.id}`. Score = 100 × weight passed / weight "
        "that could be evaluated. One critical finding caps the score at 69, two at 49; a major "
        "finding on a headline figure that no other equation vouches for at 79, two at 69. "
        "A from 90, B from 80, C from 70, D from 60, else F; NR when less than half of the "
        "expected weight could be evaluated."
    )
    with st.container(horizontal=True):
        text = st.text_input(
            "Find a rule", key="q", bind="query-params", placeholder="cash, Q09, DQC_0015, equity …"
        )
        severities = st.pills(
            "Severity",
            list(rules.SEVERITIES),
            selection_mode="multi",
            **address.among("severity", rules.SEVERITIES),
            help=glossary.meaning("Score"),
        )
    found = rules.matching(text, severities)
    if found.is_empty():
        shell.empty(f"No rule matches “{text}”.", "Clear the box to see them all.")
    else:
        st.caption(f"{found.height} of {len(book.rules)} rules.")
        rules.show(found)
        names = found["rule"].to_list()
        chosen = st.selectbox(
            "Rule in full",
            names,
            **address.among("rule", names),
        )
        rules.detail(chosen)
    exporting.box({"rules": ("All rules", rules.table)}, ("csv", "json"), key="rules_export")
