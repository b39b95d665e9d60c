"""What the page *Plans* shows of plans that were proposed and wait for somebody to decide."""

from __future__ import annotations

import polars as pl
import streamlit as st

from components.kit import formats, reader, shell, tables
from components.parts import plans_decided
from core.service.desk import Desk
from core.service.trading import four_eyes, proposals

WAITING = {
    "plan_id": "Plan",
    "direction": "Direction",
    "entry": "Entry",
    "stop": "Stop",
    "shares": "Shares",
    "risk": "Risk",
    "notional": "Notional",
    "verdict": "Verdict then",
    "proposed_by": "Proposed by",
    "proposed_at": "Proposed",
}
_PLAN = ("direction", "entry", "stop", "shares", "risk", "notional")


def waiting(desk: Desk) -> None:
    """The plans that wait, and the decision on one of them."""
    found = proposals.waiting(desk)
    if not found:
        shell.empty("No plan waits for a decision.", "Propose one under New plan.")
        return
    rows = [
        {
            "plan_id": item.plan_id,
            **{name: item.document["plan"][name] for name in _PLAN},
            "verdict": item.document["verdict"]["decision"],
            "proposed_by": item.name,
            "proposed_at": item.proposed_at,
        }
        for item in found
    ]
    tables.show(
        pl.DataFrame(rows),
        plans_decided.in_money(WAITING, desk),
        alt="Plans that wait for a decision",
        key="waiting",
    )
    _rule(desk)
    _decide(desk, [item.plan_id for item in found])


def _rule(desk: Desk) -> None:
    over = four_eyes.size_of_two(desk)
    if over is not None:
        money = formats.money(float(over), desk.settings.account_currency, 0)
        st.caption(
            f"Over {money} of notional, with what is approved or held of the symbol, somebody else "
            "than who proposed a plan approves it."
        )


def _decide(desk: Desk, plan_ids: list[str]) -> None:
    with st.form("decide_waiting", border=True):
        plan_id = st.selectbox("Plan", plan_ids, key="waiting_plan")
        reason = st.text_input("Reason", key="waiting_reason", placeholder="why, in a few words")
        with st.container(horizontal=True):
            approved = st.form_submit_button("Approve it", **reader.trader(desk), type="primary")
            rejected = st.form_submit_button("Reject it", **reader.trader(desk))
            withdrawn = st.form_submit_button("Withdraw it", **reader.analyst(desk))
    if not (approved or rejected or withdrawn):
        return
    with shell.guarded("the decision"):
        if approved:
            proposals.approve(desk, plan_id, reason)
        elif rejected:
            proposals.reject(desk, plan_id, reason)
        else:
            proposals.withdraw(desk, plan_id)
        st.rerun()
