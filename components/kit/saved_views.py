"""Saved views of a page: its address under a name, from a small box in the header."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from components.kit import badges, links, reader
from core.errors import OpenbellError
from core.service.care import preferences
from core.service.desk import Desk


def control(desk: Desk, page: str) -> None:
    """A box that opens this page's saved views and saves the one on the screen.

    What is in the box is made only while it is open.
    """
    box = st.popover(
        "Save this view",
        type="tertiary",
        key=f"views_{page}",
        on_change="rerun",
        help="Keep filters and choices of this page under a name, and open kept ones.",
    )
    if not is_open(box):
        return
    with box:
        _save(desk, page)
        for saved in preferences.presets(desk, page):
            links.link_query(page, badges.plain(str(saved["name"])), str(saved["query"]))


def is_open(box: Any) -> bool:
    """Whether the reader has the box open."""
    return bool(box.open)


def _save(desk: Desk, page: str) -> None:
    with st.form(f"save_{page}", border=False):
        name = st.text_input("Name of the view", max_chars=40, key=f"view_name_{page}")
        pressed = st.form_submit_button("Save", type="primary", **reader.analyst(desk))
    if not pressed:
        return
    try:
        preferences.save_preset(desk, page, name, query())
    except OpenbellError as error:
        st.error(badges.plain(error.message))
    else:
        st.toast(f"Saved as {badges.plain(name.strip())}", icon=":material/check_circle:")


def query() -> str:
    """The view on the screen as the query of its URL."""
    return urlencode({key: st.query_params.get_all(key) for key in st.query_params}, doseq=True)
