"""What each quantity on the desk means."""

from __future__ import annotations

import streamlit as st

from components import glossary, shell

shell.page("Glossary", purpose="The words of the desk, each in a sentence.")

wanted = st.text_input(
    "Find a word", key="q", bind="query-params", placeholder="gap, grade, R, window …"
)
for area, words in glossary.matching(wanted).items():
    st.subheader(area, anchor=False)
    with st.grid(2, gap="small"):
        for word, sentence in words.items():
            st.markdown(f"**{word}**  \n{sentence}")
if not glossary.matching(wanted):
    shell.empty(f"No word matches “{wanted}”.", "Clear the box to see them all.")
