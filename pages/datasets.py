"""Every dataset: where it comes from, how fresh it is, and what its pulls did."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import datasets as parts
from components.parts import refresh

VIEWS = ("Pulls", "Rows", "Rejected rows", "Schema")

desk = shell.page(
    "Datasets",
    purpose="What is pulled, from where, how fresh it is, and why not.",
    views_of="datasets",
    follows=shell.EVERYTHING,
    jobs=True,
)

statuses, pullable = [], []
with shell.guarded("the datasets"):
    statuses = shell.statuses(desk)
    for problem in desk.catalogue.problems:
        shell.error_box(problem, what="one dataset of the catalogue")
    shell.outages(desk)
    if not statuses:
        shell.empty("The catalogue is empty.", f"Add datasets to {desk.settings.catalogue}.")
    pullable = [s.name for s in statuses if s.enabled and s.source != "file"]
    refresh.controls(desk, pullable, "Refresh all", key="refresh_all")
    if statuses:
        parts.summary(desk, statuses, key="dataset")
if not statuses:
    st.stop()

with shell.guarded("the dataset"):
    names = [s.name for s in statuses]
    with st.container(horizontal=True):
        name = st.selectbox("Dataset", names, **address.among("dataset", names), width=420)
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
        )
    status = next(s for s in statuses if s.name == name)
    dataset = desk.catalogue.get(name)
    parts.facts_of(desk, status, dataset.description)
    if status.running_job:
        refresh.follow(desk, status.running_job, name, key=f"refresh_{name}")
    if name in pullable:
        refresh.controls(desk, [name], f"Refresh {name} now", key=f"refresh_{name}")
    else:
        st.caption(f"Loaded from files: `python -m app import {name} FILE`")
    if view == "Pulls":
        parts.pulls(desk, status)
    elif view == "Rows":
        parts.rows(desk, dataset)
    elif view == "Rejected rows":
        parts.rejected(desk, name)
    else:
        parts.schema(desk, dataset)
