"""Risk: limits in use, exposure, value at risk and stress of the book."""

from __future__ import annotations

import streamlit as st

from components.kit import dates, shell
from components.parts import first_fill
from components.parts import risk as parts
from core.errors import NotFoundError

desk = shell.page(
    "Risk",
    purpose="What may still be risked, and what the book would do on a bad day.",
    datasets=("prices.daily",),
    follows=("prices.daily", "prices.minute"),
    views_of="risk",
)
with shell.guarded("the risk of the book"):
    day = dates.session_box()
    try:
        found = parts.report(desk, day)
    except NotFoundError:
        first_fill.told(desk, "the limits are here")
        st.stop()
    parts.account(desk, found)
    parts.limits(found)
    if found.holdings.is_empty():
        shell.empty("The book is empty.", found.note, page="plans", label="Make a plan")
    else:
        parts.exposure(desk, found)
        parts.measures(found)
        parts.stress(desk, found)
with shell.guarded("the drawdown"):
    parts.drawdown(desk)
