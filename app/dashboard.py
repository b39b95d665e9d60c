"""The router of the desk: page config, logo, navigation, and the last wall for errors."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # a server started elsewhere finds the packages all the same
    sys.path.insert(0, str(ROOT))

from app import navigation  # noqa: E402
from components import shell  # noqa: E402


@cache
def picture(name: str) -> str:
    """An SVG of app/static as text: it travels inline, so no request and no media file."""
    return (ROOT / "app" / "static" / name).read_text(encoding="utf-8")


@cache
def entries() -> dict[str, list[navigation.Entry]]:
    """The pages that exist, looked up once per process."""
    return navigation.present()


def routes() -> dict[str, list[st.Page]]:
    """The pages as Streamlit wants them; the first one is the landing page."""
    first = next(iter(entries().values()))[0]
    return {
        group: [
            st.Page(e.path, title=e.title, url_path=e.name, default=e is first, help=e.help)
            for e in pages
        ]
        for group, pages in entries().items()
    }


st.set_page_config(page_title="Openbell", page_icon=picture("icon.svg"), layout="wide")
st.logo(picture("logo.svg"), size="large")
page = st.navigation(routes(), position="top")
with shell.last_wall():
    page.run()
