"""What each quantity on the desk means."""

from __future__ import annotations

import streamlit as st

from components.kit import shell
from components.parts import glossary

shell.page("Glossary", purpose="The words of the desk, each in a sentence.")

wanted = st.text_input(
    "Find a word", key="q", bind="query-params", placeholder="gap, grade, R, window …"
)
found = glossary.matching(wanted)
halves = st.columns(2, gap="large") if found else []
for place, (area, words) in enumerate(found.items()):
    lines = [f"**{word}**  \n{sentence}" for word, sentence in words.items()]
    halves[place % 2].markdown("\n\n".join([f"### {area}", *lines]))
if not found:
    shell.empty(f"No word matches “{wanted}”.", "Clear the box to see them all.")
