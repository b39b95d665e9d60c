"""Journal: entries, trial balance, and the results of paper trades."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import journal as parts
from components.parts import own_notes
from core.service.trading import journal

VIEWS = ("Results", "Entries", "Notes", "Trial balance")

desk = shell.page(
    "Journal",
    purpose="Paper trades in double entry: what was posted, what it adds up to, what it earned.",
    datasets=("prices.daily",),
    follows=("prices.daily", "prices.minute"),
    views_of="journal",
)
with shell.guarded("the journal"):
    if not shell.cached_until_commit(desk, lambda: bool(journal.entries(desk)), "has a journal"):
        shell.empty(
            "The journal is empty.",
            "Approve a plan: its commitment is the first posting.",
            page="plans",
            label="Plans",
        )
        st.stop()
    parts.account(desk)
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
    )
    if view == "Results":
        parts.results(desk)
    elif view == "Entries":
        parts.entries(desk)
    elif view == "Notes":
        own_notes.of_trades(desk)
    else:
        parts.balance(desk)
