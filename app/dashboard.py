"""The router of the desk: page config, logo, navigation, and the last wall for errors.

Streamlit runs this file anew for every click, so whatever can be made once is in modules.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parent.parent  # to resolve it would ask the disk at every click
if str(ROOT) not in sys.path:  # a server started elsewhere finds the packages all the same
    sys.path.insert(0, str(ROOT))

from app import kept_navigation, navigation  # noqa: E402
from components.kit import links, shell  # noqa: E402
from core.observe import traces  # noqa: E402

st.set_page_config(page_title="Openbell", page_icon=navigation.picture("icon.svg"), layout="wide")
st.logo(navigation.picture("logo.svg"), size="large")
page = kept_navigation.navigate(navigation.routes())
st.session_state[links.ROUTES_KEY] = navigation.by_name()
with traces.span("page run", page=page.url_path), shell.error_boundary():
    page.run()
