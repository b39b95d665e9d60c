"""What the landing page is made of: first steps, problems, freshness, filings, changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import streamlit as st

from components import badges, formats, once, shell, tables
from core import service
from core.service import datasets, morning, preferences

TROUBLE = ("failing", "overdue")
FILINGS = {
    "symbol": "Symbol",
    "name": "Company",
    "form": "Form",
    "items": "Items",
    "accepted_at": "Accepted",
    "url": "EDGAR",
}
CHANGES = {
    "dataset": "Dataset",
    "inserted": "New",
    "updated": "Changed",
    "rejected": "Rejected",
    "failed": "Failed pulls",
    "last_at": "Last pull",
}


def guide(desk: service.Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """The first steps, each ticked off by what is in the store, until the reader puts it away."""
    if not st.session_state.get(shell.GUIDE_KEY, True):
        return
    steps = (
        (bool(shell.watched(desk)), "Watch", "companies", "Follow companies by ticker or CIK."),
        (any(s.last_success for s in statuses), "Pull", "datasets", "Press Refresh all, and look."),
        (_has_rows(statuses, "bars_daily"), "Scan", "gap_scan", "See what gaps, and why."),
        (False, "Plan", "plans", "Turn a candidate into a plan; risk answers."),
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**First steps**", width="stretch")
            st.button("Put away", type="tertiary", on_click=_put_away, args=(desk,))
        with st.grid(4):
            for number, (done, title, page, then) in enumerate(steps, 1):
                shell.link(page, f"{'✓' if done else f'{number}.'} **{title}.** {then}")


def _has_rows(statuses: Sequence[datasets.DatasetStatus], table: str) -> bool:
    return any(status.table == table and status.rows for status in statuses)


def _put_away(desk: service.Desk) -> None:
    preferences.save(desk, replace(preferences.load(desk), guide=False))
    st.session_state[shell.GUIDE_KEY] = False


def problems(desk: service.Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """What must be known before anything else is read; nothing when all is well."""
    for problem in desk.catalogue.problems:
        shell.error_box(problem, what="one dataset of the catalogue")
    troubled = [s for s in statuses if s.enabled and s.freshness in TROUBLE]
    if not troubled:
        return
    with st.container(border=True):
        st.markdown(f"**{len(troubled)} datasets need a look**")
        for status in troubled:
            _trouble(desk, status)


def _trouble(desk: service.Desk, status: datasets.DatasetStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(badges.freshness(status.freshness), width=90)
        shell.link("datasets", badges.plain(status.name), dataset=status.name)
        age = formats.age(status.last_success, desk.now())
        st.caption(f"{badges.plain(status.last_error or 'not in yet')} · last good pull {age}")


def freshness(desk: service.Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """One line that counts the states, and each enabled dataset with its age."""
    enabled = [s for s in statuses if s.enabled and s.source != "file"]
    counts = pl.Series([s.freshness for s in enabled], dtype=pl.String).value_counts(sort=True)
    st.markdown(
        " ".join(f"{badges.freshness(state)} {count}" for state, count in counts.rows())
        or "No dataset is enabled."
    )
    lines = [f"{badges.plain(s.name)} · {formats.age(s.last_success, desk.now())}" for s in enabled]
    st.caption("  \n".join(lines))
    shell.link("datasets", "All datasets")


def since(desk: service.Desk, days: int) -> datetime:
    """So many days ago, to the minute, so that a view is made once a minute at most."""
    return (desk.now() - timedelta(days=days)).replace(second=0, microsecond=0)


def filings(desk: service.Desk, since: datetime) -> None:
    """Filings of watched companies since an instant."""
    key = (*shell.version(desk, "sec.submissions"), *shell.watched(desk), since)
    found = once.made(lambda: morning.new_filings(desk, since), "new filings", *key)
    if found.is_empty():
        st.caption(f"None of the followed companies since {formats.when(since, shell.zone())}.")
        return
    tables.show(found, FILINGS, alt="New filings of followed companies", rows=8)


def changes(desk: service.Desk, since: datetime) -> None:
    """What the pulls brought since an instant, dataset by dataset."""
    key = (*shell.version(desk, *(s.name for s in shell.statuses(desk))), since)
    found = once.made(lambda: morning.changes(desk, since), "changes", *key)
    if found.is_empty():
        st.caption(f"Nothing new since {formats.when(since, shell.zone())}.")
        return
    tables.show(found, CHANGES, alt="What changed in each dataset", rows=8)
