"""Refresh now: one button, live progress that never blocks the page, cancel, and the result.

The button only puts jobs at the front of the queue; a fragment looks at their progress once a
second while any runs, and the page is drawn anew when the last one ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from components.kit import badges, formats, once, reader, shell
from components.kit.news import BAD, GOOD
from core.service.desk import Desk
from core.service.pulls import refresh

LOOK_EVERY = 1.0
FAILED = ("failed", "dead", "corrupt")
LINES = 6


def controls(desk: Desk, names: Sequence[str], label: str, *, key: str) -> None:
    """A *Refresh now* button for the datasets, and below it the progress of what it started."""
    running = bool(st.session_state.get(key)) and not st.session_state.get(f"{key}_over")
    panel = st.fragment(_panel, run_every=LOOK_EVERY) if running else _panel
    panel(desk, tuple(names), label, key)


def follow(desk: Desk, job_id: str, dataset: str, *, key: str) -> None:
    """Watch a pull that somebody else started, as if the button had been pressed here."""
    known = [ticket.job_id for ticket in st.session_state.get(key, ())]
    if job_id not in known:
        st.session_state[key] = [refresh.RefreshTicket(job_id, dataset, joined=True)]
        st.session_state[f"{key}_over"] = False


def _panel(desk: Desk, names: Sequence[str], label: str, key: str) -> None:
    with shell.guarded("the refresh"):
        tip = "Pull now, before all that is queued. A pull that runs already is joined."
        if st.button(
            label,
            key=f"{key}_button",
            type="primary",
            **reader.analyst(desk, help=tip, disabled=not names),
        ):
            st.session_state[key] = refresh.refresh_now(desk, list(names))
            st.session_state[f"{key}_over"] = False
            st.rerun()
        _watch(desk, st.session_state.get(key, []), key)


def _watch(desk: Desk, tickets: Sequence[refresh.RefreshTicket], key: str) -> None:
    if not tickets:
        return
    states = [refresh.progress(desk, ticket.job_id) for ticket in tickets]
    with _box(states):
        for item in sorted(states, key=lambda item: item.over):
            _line(desk, item, key)
    if all(item.over for item in states) and not st.session_state.get(f"{key}_over"):
        st.session_state[f"{key}_over"] = True
        once.forget_lately()
        _tell(states)
        st.rerun()


def _box(states: Sequence[refresh.PullStatus]) -> Any:
    """An open box while anything runs; folded with a summary once all is over."""
    if not all(item.over for item in states):
        return st.container(height=260 if len(states) > LINES else "content", border=True)
    ends = Counter(ended_as(item) for item in states)
    told = ", ".join(f"{count} {state}" for state, count in ends.most_common())
    return st.expander(f"Last refresh: {told}", expanded=len(states) == 1)


def _tell(states: Sequence[refresh.PullStatus]) -> None:
    bad = [item for item in states if ended_as(item) in FAILED]
    if len(states) > LINES:
        st.toast(f"{len(states)} pulls ended, {len(bad)} failed", icon=BAD if bad else GOOD)
        return
    for item in states:
        icon = BAD if item in bad else GOOD
        st.toast(f"{item.dataset}: {badges.plain(outcome(item))}", icon=icon)


def _line(desk: Desk, item: refresh.PullStatus, key: str) -> None:
    name = badges.plain(item.dataset)
    if item.over:
        st.markdown(f"**{name}** {badges.state(ended_as(item))} {badges.plain(outcome(item))}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress((item.pace.percent or 0.0) / 100, text=f"**{name}** {doing(item)}")
        stop = st.button(
            "Cancel",
            key=f"{key}_cancel_{item.job_id}",
            type="tertiary",
            **reader.analyst(desk),
        )
    if stop:
        refresh.cancel(desk, item.job_id)
        st.toast(f"{item.dataset}: asked to stop")


def ended_as(item: refresh.PullStatus) -> str:
    """The state of the pull when it has one (unchanged, partial …), else that of its job."""
    if item.next_try is not None:
        return "failed"
    return str(item.result["state"]) if item.result else item.state


def doing(item: refresh.PullStatus) -> str:
    """What a pull is doing: its place among those queued, or rows, rate, bytes, time so far and
    the time left.
    """
    if item.position:
        return f"queued, {formats.ordinal(item.position)}"
    parts = [badges.plain(item.so_far.message or item.state), *_counted(item)]
    if item.pace.seconds_left is not None:
        parts.append(f"about {formats.duration(round(item.pace.seconds_left))} left")
    return " · ".join(parts)


def _counted(item: refresh.PullStatus) -> list[str]:
    parts = []
    if item.so_far.rows is not None:
        parts.append(f"{formats.number(item.so_far.rows)} rows")
    if item.pace.rows_per_second is not None:
        parts.append(f"{formats.number(item.pace.rows_per_second)} rows/s")
    if item.so_far.bytes is not None:
        parts.append(formats.size(item.so_far.bytes))
    if item.elapsed_seconds is not None:
        parts.append(formats.duration(item.elapsed_seconds))
    return parts


def outcome(item: refresh.PullStatus) -> str:
    """What a pull that has ended did, in a few words."""
    state, result = ended_as(item), item.result or {}
    if state == "unchanged":
        return "the source has nothing newer"
    if state in ("failed", "dead", "cancelled"):
        said = str(result.get("error") or item.error or "nothing was stored")
        said = said.removeprefix(f"{item.dataset}: ")  # the name stands before it already
        if item.next_try is not None:
            said = f"{said} Tried again {formats.when(item.next_try, shell.zone())}."
        return said
    counts = [
        f"{formats.number(result.get(f'rows_{what}') or 0)} {what}"
        for what in ("inserted", "updated", "unchanged", "rejected")
        if result.get(f"rows_{what}") or what == "inserted"
    ]
    return ", ".join(counts)
