"""What the page *Jobs* is made of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from components.kit import formats, reader, shell, tables
from components.parts import refresh as parts
from core.service.desk import Desk
from core.service.pulls import jobs, refresh

LOOK_EVERY = 2.0
SHOWN = 50
LIVE = {
    "state": "State",
    "event": "Job",
    "dataset": "Dataset",
    "percent": "Done",
    "doing": "How far",
    "trigger": "Trigger",
    "attempts": "Attempts",
    "priority": "Priority",
    "run_at": "Not before",
    "created_at": "Asked",
    "job_id": "Id",
}
ENDED = {
    "updated_at": "Ended",
    "state": "State",
    "event": "Job",
    "dataset": "Dataset",
    "trigger": "Trigger",
    "attempts": "Attempts",
    "error": "Error",
    "job_id": "Id",
}
WIDTHS = {"percent": 90, "doing": 330}
TILES = {
    "running": "Running",
    "queued": "Waiting",
    "dead": "Dead letters",
    "done": "Done",
}


def figures(desk: Desk) -> None:
    """How many jobs there are of each kind."""
    found = jobs.counts(desk)
    with st.grid(len(TILES)):
        for state, label in TILES.items():
            st.metric(label, formats.number(found[state]), border=True)
    if found["corrupt"]:
        st.error(
            f"**{found['corrupt']} rows of the queue were damaged** and set aside; none was run. "
            "They are among the dead letters."
        )


@st.fragment(run_every=LOOK_EVERY)
def live(desk: Desk) -> None:
    """What runs and waits, in the order it will run; looks again every two seconds."""
    with shell.guarded("the queue"):
        figures(desk)
        found = jobs.listing(desk, ["running", "queued"], limit=SHOWN)
        if found.is_empty():
            shell.empty("Nothing runs and nothing waits.", "Schedules and Refresh now add jobs.")
            return
        told = with_progress(desk, found)
        tables.show(told, LIVE, alt="Jobs that run or wait, in order", rows=12, widths=WIDTHS)
        _calling_off(desk, found)


def with_progress(desk: Desk, found: pl.DataFrame) -> pl.DataFrame:
    """The jobs with percent done and how far each pull that runs is, in words; null for others."""
    running = found.filter(pl.col("state") == "running", pl.col("dataset").is_not_null())
    told = [refresh.progress(desk, job_id) for job_id in running["job_id"]]
    live = pl.DataFrame(
        [(item.job_id, item.pace.percent, parts.doing(item)) for item in told],
        schema={"job_id": pl.String, "percent": pl.Float64, "doing": pl.String},
        orient="row",
    )
    return found.join(live, on="job_id", how="left", maintain_order="left")


def _calling_off(desk: Desk, found: pl.DataFrame) -> None:
    labels = {row["job_id"]: _label(row) for row in found.iter_rows(named=True)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Call a job off",
            list(labels),
            index=None,
            format_func=labels.__getitem__,
            key="jobs_off",
        )
        pressed = st.button(
            "Cancel",
            key="jobs_cancel",
            **reader.analyst(desk, disabled=chosen is None),
        )
    if pressed and chosen:
        refresh.cancel(desk, chosen)
        st.toast(f"{labels[chosen]}: asked to stop")
        st.rerun()


def dead_letters(desk: Desk) -> None:
    """Jobs that failed for good: try them again, or put them away."""
    found = jobs.listing(desk, ["dead", "corrupt"], limit=1000)
    if found.is_empty():
        shell.empty("No dead letters.", "A job that fails for good is kept here with its reason.")
        return
    tables.show(found.head(SHOWN), ENDED, alt="Jobs that failed for good", rows=10)
    labels = {row["job_id"]: _label(row) for row in found.iter_rows(named=True)}
    chosen = st.multiselect(
        "Dead letters",
        list(labels),
        format_func=lambda job_id: labels.get(job_id, job_id),
        placeholder="All of them",
        key="jobs_dead",
    )
    dead = found.filter(pl.col("state") == "dead")["job_id"].to_list()
    with st.container(horizontal=True):
        again = st.button(
            "Try again",
            key="jobs_retry",
            type="primary",
            **reader.analyst(desk, disabled=not dead),
        )
        away = st.button("Discard", key="jobs_discard", **reader.analyst(desk))
    if again:
        _act(desk, [j for j in chosen or dead if j in dead], "queued again", retry=True)
    if away:
        _act(desk, chosen or list(labels), "put away", retry=False)


def _act(desk: Desk, ids: Sequence[str], what: str, *, retry: bool) -> None:
    done = jobs.retry(desk, ids) if retry else jobs.discard(desk, ids)
    st.toast(f"{len(done)} jobs {what}")
    st.rerun()


def _label(row: dict[str, object]) -> str:
    words = [row["event"], row["dataset"], row["state"], str(row["error"] or "")[:60]]
    return " · ".join(str(word) for word in words if word)


def history(desk: Desk, state: str | None, event: str | None, dataset: str | None) -> None:
    """Jobs that ended, newest first, by the filters."""
    states = [state] if state else ["done", "dead", "cancelled", "discarded"]
    found = jobs.listing(desk, states, event=event, dataset=dataset, limit=1000)
    if found.is_empty():
        shell.empty("No jobs match.", "Take a filter away.")
        return
    st.caption(f"{found.height:,} jobs, newest first; the first {SHOWN} are shown.")
    tables.show(found.head(SHOWN), ENDED, alt="Jobs that have ended", rows=15)
    shell.export_button("CSV", lambda: found, "jobs.csv", key="jobs_csv")
