"""One box that finds symbols, companies and filings, and leads to their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from components.kit import badges, shell
from core.service.care import morning
from core.service.desk import Desk

KEY = "q"
MOST = 20
TARGETS = {
    "symbol": ("symbol", "symbol"),
    "company": ("companies", "company"),
    "filing": ("filing", "filing"),
}


def box(label: str = "Search", *, key: str = KEY, hidden: bool = False) -> str:
    """The line to type into, its text in the URL as `key`, which no other page may have."""
    return st.text_input(
        label,
        key=key,
        bind="query-params",
        placeholder="Symbol, company, CIK or accession: AAPL, bancorp, 0000320193-26-000012",
        label_visibility="collapsed" if hidden else "visible",
    ).strip()


def results(desk: Desk, wanted: str, most: int = MOST) -> None:
    """What the store has under these words, each a link; nothing for no words."""
    if not wanted:
        return
    found = morning.search(desk, wanted, most)
    if found.is_empty():
        shell.empty(f"Nothing matches “{wanted}”.", "Try a part of the name, or a CIK.")
    for row in found.iter_rows(named=True):
        _line(row)
    if found.height == most:
        st.caption(f"The first {most}; type more to narrow them.")


def _line(row: Mapping[str, Any]) -> None:
    page, field = TARGETS[row["kind"]]
    title, name = row["title"] or row["name"], row["name"]
    asked = {field: name} | ({"cik": row["cik"]} if row["cik"] is not None else {})
    label, detail = (title, f"CIK {name}") if row["kind"] == "company" else (name, title)
    details = [badges.plain(text) for text in (detail, row["detail"]) if text and text != label]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(badges.badge(row["kind"], "blue"), width=80)
        shell.link(page, f"**{badges.plain(label)}**", **asked)
        st.caption(" · ".join(details))
