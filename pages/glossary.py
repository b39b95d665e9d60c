"""What each quantity on the desk means."""

from __future__ import annotations

import streamlit as st

from components import glossary, shell

shell.page("Glossary", purpose="The words of the desk, each in a sentence.")

wanted = st.text_input(
    "Find a word", key="q", bind="query-params", placeholder="gap, grade, R, window …"
)
found = glossary.matching(wanted)
for area, words in found.items():
    st.subheader(area, anchor=False)
    lines = [f"**{word}**  \n{sentence}" for word, sentence in words.items()]
    for column, half in zip(st.columns(2), (lines[::2], lines[1::2]), strict=True):
        column.markdown("\n\n".join(half))
if not found:
    shell.empty(f"No word matches “{wanted}”.", "Clear the box to see them all.")
