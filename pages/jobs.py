"""The queue: what runs and waits, what failed for good, and what has been done."""

from __future__ import annotations

import streamlit as st

from components.kit import shell
from components.parts import jobs as parts
from core.service.pulls import jobs

VIEWS = ("Queue", "Dead letters", "History")

desk = shell.page(
    "Jobs", purpose="What runs, what waits, what failed for good, what was done.", views_of="jobs"
)

view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], key="view", bind="query-params", required=True
)
if view == "Queue":
    parts.live(desk)
elif view == "Dead letters":
    with shell.guarded("the dead letters"):
        parts.dead_letters(desk)
else:
    with shell.guarded("the history"):
        states = ("done", "dead", "cancelled", "discarded")
        names = list(desk.catalogue.datasets)
        with st.container(horizontal=True):
            state = st.selectbox("State", states, index=None, key="state", bind="query-params")
            event = st.selectbox(
                "Job", jobs.events(desk), index=None, key="event", bind="query-params"
            )
            dataset = st.selectbox("Dataset", names, index=None, key="dataset", bind="query-params")
        parts.history(desk, state, event, dataset)
