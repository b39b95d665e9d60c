"""Toasts for what happens by itself while a page is open."""

from __future__ import annotations

import streamlit as st

from components.kit import badges
from core.service.activity import news as service
from core.service.desk import Desk

KEY = "news_after"  # of the session: the state of the store it has heard of, and the last event
MOST = 3  # toasts at once
# Icons of the font that the desk serves itself, apart by shape: an emoji needs a font that may not
# be there, and a red and a green ball are one to some readers.
GOOD, BAD = ":material/check_circle:", ":material/error:"


def toasts(desk: Desk) -> None:
    """Say what happened that nobody asked for by hand, well or not, since this session asked."""
    state, after = st.session_state.get(KEY) or (None, None)
    if state == desk.state:  # events come with commits, so nothing has happened
        return
    now = desk.state  # before the events are read: a commit meanwhile is asked for next time
    fresh, last = service.news(desk, after)
    st.session_state[KEY] = (now, last)
    if len(fresh) > MOST:
        bad = sum(not item.good for item in fresh)
        st.toast(f"{len(fresh)} things happened, {bad} need a look", icon=BAD if bad else GOOD)
        return
    for item in fresh:
        st.toast(badges.plain(item.sentence), icon=GOOD if item.good else BAD)
