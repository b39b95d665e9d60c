"""Plans: from a candidate to a sized plan, risk's verdict, the decision, and what became of it."""

from __future__ import annotations

import streamlit as st

from components.kit import address, shell
from components.parts import choosing, decision, own_notes, plans_decided, plans_waiting
from components.parts import plans as parts
from core.service.trading import plans

VIEWS = ("New plan", "Waiting", "Decided")

desk = shell.page(
    "Plans",
    purpose="Entry, stop, targets and size of a trade, with the verdict of risk on it.",
    datasets=("prices.daily",),
    follows=("prices.daily", "prices.minute"),
    views_of="plans",
)
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], **address.among("view", VIEWS), required=True
)
if view == "New plan":
    with shell.guarded("the plan"):
        asked = parts.controls(desk)
        if asked is None:
            choosing.candidates(desk)
        else:
            ask = asked
            found = shell.cached_until_commit(
                desk, lambda: plans.propose(desk, ask), "proposal", ask
            )
            parts.proposal(
                desk, found, lambda: decision.form(desk, found, parts.turn_to_decided, width=128)
            )
            own_notes.kept(desk, found.plan.symbol, found.plan.session)
            own_notes.box(desk, found.plan.symbol, found.plan.session)
elif view == "Waiting":
    with shell.guarded("the proposals"):
        plans_waiting.waiting(desk)
else:
    with shell.guarded("the plans"):
        plans_decided.decided(desk)
