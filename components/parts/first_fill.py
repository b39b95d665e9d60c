"""What pages say that stand on daily bars while there are none: how far the first fill is."""

from __future__ import annotations

import streamlit as st

from components.kit import badges, shell
from components.parts import refresh as parts
from core.service.desk import Desk
from core.service.pulls import datasets, refresh

LOOK_EVERY = 1.0
WAITED_FOR = "bars_daily"


def told(desk: Desk, then: str) -> None:
    """Where the daily bars are being pulled, how far that and the pulls beside it are, looked at
    every second; else that there are none, and where to pull them. `then` is what comes.
    """
    if filling(desk):
        st.fragment(_progress, run_every=LOOK_EVERY)(desk, then)
    else:
        shell.no_prices(then)


def filling(desk: Desk) -> list[refresh.PullStatus]:
    """The pulls that run or wait, those of the daily bars first; none where none of those is."""
    running = [status for status in datasets.overview(desk) if status.running_job]
    running.sort(key=lambda status: status.table != WAITED_FOR)
    pulls = [(s.table, refresh.progress(desk, str(s.running_job))) for s in running]
    live = [(table, item) for table, item in pulls if not item.over]
    return [item for _, item in live] if live and live[0][0] == WAITED_FOR else []


def _progress(desk: Desk, then: str) -> None:
    with shell.guarded("the first fill"), st.container(border=True, gap="xsmall"):
        found = filling(desk)
        if not found:
            st.markdown("**The daily bars are stored.** The page comes by itself.")
            st.rerun()
        st.markdown(f"**The desk is being filled.** {shell.small(f'When it is, {then}.')}")
        for item in found:
            name = badges.plain(item.dataset)
            done = (item.pace.percent or 0.0) / 100
            st.progress(done, text=f"**{name}** {parts.doing(item)}")
        shell.link("datasets", "All datasets")
