"""Brief: the morning before the open on one sheet, as it is printed."""

from __future__ import annotations

import streamlit as st

from components.kit import shell
from components.parts import brief as parts

desk = shell.page(
    "Brief",
    purpose="The morning before the open on one sheet, to read or to print.",
    follows=shell.EVERYTHING,
)
with shell.guarded("the brief"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = st.text_input(
            "As of",
            key="at",
            bind="query-params",
            placeholder="now, or 2026-11-30T09:05",
            help="An instant, New York time without a zone; empty means now.",
            width=240,
        )
        sheet = parts.made(desk, parts.asked(asked or ""))
        parts.files(desk, sheet)
    parts.show(sheet)
