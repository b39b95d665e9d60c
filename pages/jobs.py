"""The queue: what runs and waits, what failed for good, and what has been done."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import jobs as parts
from core.service.pulls import jobs

VIEWS = ("Queue", "Dead letters", "History")

desk = shell.page(
    "Jobs", purpose="What runs, what waits, what failed for good, what was done.", views_of="jobs"
)

view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
)
if view == "Queue":
    parts.live(desk)
elif view == "Dead letters":
    with shell.guarded("the dead letters"):
        parts.dead_letters(desk)
else:
    with shell.guarded("the history"):
        states = ("done", "dead", "cancelled", "discarded")
        names, events = list(desk.catalogue.datasets), jobs.events(desk)
        with st.container(horizontal=True):
            state = st.selectbox("State", states, index=None, **address.among("state", states))
            event = st.selectbox("Job", events, index=None, **address.among("event", events))
            dataset = st.selectbox("Dataset", names, index=None, **address.among("dataset", names))
        parts.history(desk, state, event, dataset)
