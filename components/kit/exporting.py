"""A small box *Export* with the files of a page; its buttons are drawn only while it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl
import streamlit as st

from components.kit import saved_views as views
from components.kit import shell

NAMES = {"csv": "CSV", "parquet": "Parquet", "json": "JSON"}
Frames = Mapping[str, tuple[str, Callable[[], pl.DataFrame]]]


def box(frames: Frames, endings: Sequence[str], *, key: str, help: str | None = None) -> None:
    """The box: for each file (name without ending -> what it holds, frame) a button an ending.

    A frame is made only when its button is pressed.
    """
    opened = st.popover("Export", icon=":material/download:", key=key, on_change="rerun", help=help)
    if views.is_open(opened):
        with opened:
            for name, (what, frame) in frames.items():
                _buttons(name, what, frame, endings)


def _buttons(
    name: str, what: str, frame: Callable[[], pl.DataFrame], endings: Sequence[str]
) -> None:
    st.caption(what)
    with st.container(horizontal=True):
        for ending in endings:
            shell.export_button(
                NAMES[ending], frame, f"{name}.{ending}", key=f"export_{name}_{ending}"
            )
