"""The decision on a plan: approve, reject or propose exactly what stands on the screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from components.kit import badges, reader, shell
from core.errors import OpenbellError
from core.service.desk import Desk
from core.service.trading import past_sessions, plans, proposals
from core.service.trading.plans import Ask, Proposal, Stored

REASON = "reason"
TOLD = "decision_told"  # what came of the last press: an error, or a sentence
TOO_LATE = "Its session is over: a plan is approved before the close, not in hindsight."
Then = Callable[[Stored], None]


def form(desk: Desk, found: Proposal, then: Then, *, width: int) -> None:
    """Reason and buttons. A press decides on the plan it was pressed beside, whatever has come in
    since; `then` is told of the plan decided on. `width` of the reason in pixels: one row.
    """
    late = not past_sessions.may_be_approved(desk, found.plan)
    press = partial(_press, desk, found.ask)
    more = ", provisional" if found.plan.provisional else ""
    if past_sessions.is_over(found.plan, desk.now()):
        more = " in hindsight"
    with (
        st.form("decide", border=False, enter_to_submit=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(
            "Reason",
            key=REASON,
            placeholder="why, in a few words",
            label_visibility="collapsed",
            width=width,
        )
        st.form_submit_button(
            f"Approve {found.plan.shares:,} shares{more}",
            **reader.trader(desk, disabled=late or found.verdict.decision == "reject"),
            type="primary",
            on_click=press,
            args=(partial(_approve, found.fingerprint, then),),
        )
        st.form_submit_button(
            "Reject", **reader.trader(desk), on_click=press, args=(partial(_reject, then),)
        )
        st.form_submit_button(
            "Propose",
            **reader.analyst(desk, help="Somebody else decides on it then."),
            on_click=press,
            args=(_propose,),
        )
    if late:
        st.markdown(shell.small(TOO_LATE))
    told()


def told() -> None:
    """What came of the last press, once."""
    found = st.session_state.pop(TOLD, None)
    if isinstance(found, OpenbellError):
        shell.error_box(found, what="the decision", failed="was not made")
    elif found is not None:
        st.success(found)


def _press(desk: Desk, ask: Ask, act: Callable[[Desk, Ask, str], str | None]) -> None:
    try:
        st.session_state[TOLD] = act(desk, ask, st.session_state.get(REASON, ""))
    except OpenbellError as error:
        st.session_state[TOLD] = error


def _approve(fingerprint: str, then: Then, desk: Desk, ask: Ask, reason: str) -> None:
    then(plans.approve(desk, ask, reason, fingerprint))


def _reject(then: Then, desk: Desk, ask: Ask, reason: str) -> None:
    then(plans.reject(desk, ask, reason))


def _propose(desk: Desk, ask: Ask, reason: str) -> str:
    kept = proposals.propose(desk, ask)
    return f"{badges.plain(kept.plan_id)} waits for a decision, under Waiting."
