"""Choices whose values stand in the URL, also while the box that holds them is closed.

The companion of `bounds` for words: read at every run, drawn on demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from components.kit import address


def several(key: str, options: Sequence[str]) -> list[str]:
    """Those of the options that the URL names, each once: a widget refuses repeated ones."""
    given = dict.fromkeys(st.query_params.get_all(key))
    address.tell(key, [word for word in given if word not in options])
    return [word for word in given if word in options]


def one(key: str, options: Sequence[str]) -> str | None:
    """The option that the URL names; None where it names none."""
    return next(iter(several(key, options)), None)


def text(key: str) -> str:
    """The words of the URL."""
    return st.query_params.get(key, "").strip()


def multiselect(label: str, key: str, options: Sequence[str], **look: Any) -> None:
    """A box for `several`."""
    st.multiselect(label, options, **_bound(key, several(key, options)), **look)


def pills(label: str, key: str, options: Sequence[str]) -> None:
    """Words to press for `several`."""
    st.pills(label, options, selection_mode="multi", **_bound(key, several(key, options)))


def selectbox(label: str, key: str, options: Sequence[str], **look: Any) -> None:
    """A box for `one`."""
    st.selectbox(label, options, index=None, **_bound(key, one(key, options)), **look)


def text_input(label: str, key: str, **look: Any) -> None:
    """A line for `text`."""
    st.text_input(label, **_bound(key, text(key)), **look)


def _bound(key: str, value: Any) -> dict[str, Any]:
    """What makes a widget show the value of the URL and write a change there."""
    name = f"choice_{key}"
    st.session_state[name] = value
    return {"key": name, "on_change": _write, "args": (key,)}


def _write(key: str) -> None:
    chosen = st.session_state[f"choice_{key}"]
    if chosen:
        st.query_params[key] = chosen
    else:
        st.query_params.pop(key, None)
