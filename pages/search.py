"""Search: a symbol, company or accession, anywhere on the desk."""

from __future__ import annotations

import streamlit as st

from components import badges, shell
from core.service import morning

TARGETS = {
    "symbol": ("symbol", "symbol"),
    "company": ("companies", "company"),
    "filing": ("filing", "filing"),
}

desk = shell.page("Search", purpose="A symbol, company or accession, anywhere on the desk.")

wanted = st.text_input(
    "Search",
    key="q",
    bind="query-params",
    placeholder="QUAB, bancorp, 320193, 0000320193-26-000012",
)
with shell.guarded("the search"):
    if wanted.strip():
        found = morning.search(desk, wanted)
        if found.is_empty():
            shell.empty(f"Nothing matches “{wanted}”.", "Try a part of the name, or a CIK.")
        for row in found.iter_rows(named=True):
            page, field = TARGETS[row["kind"]]
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(badges.badge(row["kind"], "blue"), width=80)
                shell.link(page, f"**{badges.plain(row['name'])}**", **{field: row["name"]})
                details = [badges.plain(row[k]) for k in ("title", "detail") if row[k]]
                st.caption(" · ".join(details))
