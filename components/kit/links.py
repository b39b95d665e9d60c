"""Ways from page to page, with the view in the URL."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

PAGES = Path(__file__).resolve().parents[2] / "pages"
LANDING = "overview"
ROUTES_KEY = "routes"  # the pages of the router by name; not there when a page runs alone


@dataclass(frozen=True, slots=True)
class Way:
    """A word that leads to an address of the desk; `key` is pressed for it where nothing is typed.

    Without an address the word stands there pale. On the page it leads to, it changes what its
    address names; `only` that one name, which goes where the address has it no more.
    """

    label: str
    address: str | None
    key: str = ""
    only: str = ""
    title: str = ""


_run = threading.local()


def link(name: str, label: str, **query: str) -> None:
    """A link to a page of the desk by its file name, with the view in the URL."""
    # a path would be resolved on disk at every link
    target = _routes().get(name) or _script(name)
    if target is None:
        return
    given = {key: value for key, value in query.items() if value}
    try:
        st.page_link(target, label=f":primary[{label}]", query_params=given or None, help="")
    except StreamlitAPIException:  # a page run alone, without the router
        st.markdown(f"[{label}]({url(name, given)})")


def _routes() -> Mapping[str, Any]:
    """The pages of the router, asked of the session once a run: a run has a thread of its own."""
    if not hasattr(_run, "routes"):
        _run.routes = st.session_state.get(ROUTES_KEY, {})
    routes: Mapping[str, Any] = _run.routes
    return routes


def _script(name: str) -> str | None:
    target = PAGES / f"{name}.py"
    return str(target) if target.is_file() else None


def link_query(name: str, label: str, query: str) -> None:
    """A link to a saved view: a page and the query of its URL."""
    link(name, label, **dict(parse_qsl(query)))


def url(name: str, query: Mapping[str, str | Sequence[str]] | None = None) -> str:
    """Address of a page and view on this desk: `/symbol?symbol=AAPL`."""
    name = "" if name == LANDING else name
    return f"/{name}?{urlencode(query, doseq=True)}" if query else f"/{name}"


def ways(every: Sequence[Way], kind: str = "") -> str:
    """Words that lead on, side by side, as HTML for one element: a link of its own for each would
    be a message and a box to the browser at every run. app/static/lists.js follows them.
    """
    return f'<div class="{f"ways {kind}".strip()}">{"".join(map(_way, every))}</div>'


def _way(way: Way) -> str:
    label = escape(way.label)
    if way.address is None:
        return f'<span aria-disabled="true">{label}</span>'
    title = way.title or (f"Key {way.key}" if way.key else "")
    given = {"data-key": way.key, "data-only": way.only, "title": title}
    more = "".join(f' {name}="{escape(value)}"' for name, value in given.items() if value)
    return f'<a href="{escape(way.address)}" target="_self"{more}>{label}</a>'
