"""What the page *Datasets* is made of: the table of all, and the views of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import polars as pl
import streamlit as st

from components.charts import base as charts
from components.kit import badges, formats, once, shell, tables, theme, trouble
from components.kit.lists import RowLink
from components.parts import refresh as parts
from core.domain.tables.datasets import Dataset
from core.service.desk import Desk
from core.service.pulls import datasets, refresh

ROWS_SHOWN = 50
INSTANT = pl.Datetime("us", "UTC")
INSTANTS = ("last_success", "next_due", "data_until", "failing_since", "next_try")
LOOK_EVERY = 1.0  # while something is pulled
SUMMARY = {
    "name": "Dataset",
    "freshness": "Freshness",
    "percent": "Pulled",
    "doing": "Pulling now",
    "up_to": "Data up to",
    "source": "Source",
    "rows": "Rows",
    "last_success": "Last good pull",
    "next_due": "Next due",
    "rows_rejected": "Rejected",
    "partial_reason": "Missing",
    "last_error": "Last error",
}
HELP = {
    "up_to": "The last session, filing or print in it, and how many sessions should follow.",
    "last_success": "When the data was last confirmed good, in your zone.",
    "next_due": "The next refresh by the schedule, in your zone.",
    "partial_reason": "What is missing from the data that are loaded.",
    "rows_rejected": "Rows of the latest loaded pull that did not fit the schema.",
}
WIDTHS = {
    "name": 150,
    "freshness": 90,
    "percent": 90,
    "doing": 330,
    "up_to": 150,
    "source": 70,
    "rows": 80,
    "rows_rejected": 70,
}
PULLS = {
    "started_at": "Started",
    "state": "State",
    "trigger": "Trigger",
    "seconds": "Took",
    "rows_read": "Read",
    "rows_inserted": "Inserted",
    "rows_updated": "Updated",
    "rows_unchanged": "Unchanged",
    "rows_rejected": "Rejected",
    "bytes": "Size",
    "error": "Error",
    "pull_id": "Pull",
}


def frame(statuses: Sequence[datasets.DatasetStatus]) -> pl.DataFrame:
    """The statuses as one frame, a row per dataset."""
    instants = dict.fromkeys(INSTANTS, INSTANT)
    numbers = {"sessions_behind": pl.Int64}
    texts = dict.fromkeys(("last_error", "last_state", "running_job", "partial_reason"), pl.String)
    rows = [asdict(status) for status in statuses]
    for row, status in zip(rows, statuses, strict=True):
        row["freshness"] = row["freshness"] if row["enabled"] else "disabled"
        row["last_error"] = formats.localised(status.fault, shell.zone()) or None
        row["up_to"] = formats.reach(row["data_until"], row["sessions_behind"], shell.zone())
    return pl.DataFrame(
        rows, schema_overrides={**instants, **texts, **numbers}, infer_schema_length=None
    )


def summary(desk: Desk, statuses: Sequence[datasets.DatasetStatus], key: str) -> None:
    """The table of all datasets; a picked row becomes the chosen dataset of the page.

    While something is pulled it looks every second how far that is: rows, rows a second, time left.
    """
    busy = any(status.running_job for status in statuses)
    table = st.fragment(_summary, run_every=LOOK_EVERY) if busy else _summary
    table(desk, statuses, key)


def _summary(desk: Desk, statuses: Sequence[datasets.DatasetStatus], key: str) -> None:
    live = pulling(desk, statuses)
    rows = once.cached_for_owner(statuses, lambda: frame(statuses), "summary", shell.zone())
    tables.show(
        rows.join(live, on="name", how="left", maintain_order="left") if live.height else rows,
        SUMMARY,
        alt="Every dataset with freshness, rows and last pull",
        key=f"{key}_table",
        link=RowLink("datasets", key, "name"),
        picked=st.query_params.get(key),
        help=HELP,
        widths=WIDTHS,
    )


def pulling(desk: Desk, statuses: Sequence[datasets.DatasetStatus]) -> pl.DataFrame:
    """What is pulled now: name, percent (null where not known) and in words how far it is."""
    running = [refresh.progress(desk, s.running_job) for s in statuses if s.running_job]
    return pl.DataFrame(
        [(item.dataset, item.pace.percent, parts.doing(item)) for item in running if not item.over],
        schema={"name": pl.String, "percent": pl.Float64, "doing": pl.String},
        orient="row",
    )


def facts_of(desk: Desk, status: datasets.DatasetStatus, description: str) -> None:
    """What a dataset is and its state in four figures; the tooltip has the instants."""
    last, due, now = status.last_success, status.next_due, desk.now()
    figures = (
        f"**{formats.number(status.rows)}** rows",
        f"data to **{formats.reach(status.data_until, status.sessions_behind, shell.zone())}**",
        f"last good pull **{formats.age(last, now)}**" if last else "not pulled yet",
        f"next due **{formats.age(due, now)}**" if due else "not scheduled",
        f"**{formats.number(status.rows_rejected)}** rejected rows",
    )
    tip = (
        f"Last good pull: {formats.utc(last)}.",
        f"Next due: {formats.when(due, shell.zone())}, {formats.utc(due)}. {HELP['next_due']}",
        HELP["rows_rejected"],
    )
    head = f"{shell.small(badges.plain(description))}  \n" if description else ""
    st.markdown(head + " · ".join(figures), help="\n\n".join(tip))
    if status.partial_reason:
        said = badges.plain(formats.sentence(status.partial_reason))
        st.warning(f"**The data are not complete.** {said}")
    if status.last_error:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{badges.badge('last pull failed', 'red')} {shell.reason(desk, status)}")
            said = formats.localised(status.last_error, shell.zone())
            whole = badges.plain(formats.sentence(said))
            good = f"Last good pull {formats.utc(last)}." if last else "No good pull yet."
            trouble.details([whole, good], key=status.name)


def pulls(desk: Desk, status: datasets.DatasetStatus) -> None:
    """Calendar, timeline, and table of a dataset's pulls, drawn once per pull."""
    name, today, zone = status.name, desk.now().date(), shell.zone()
    key = (desk.identity, name, status.last_pull_id, today)
    history = once.cached(lambda: datasets.pull_history(desk, name, limit=1000), "pulls", *key)
    if history.is_empty():
        shell.empty("No pull yet.", "Press Refresh now, or wait for the schedule.")
        return
    theme.show(
        once.cached(lambda: charts.pull_calendar(history, today=today), "calendar", *key),
        alt=f"Calendar of the pulls of {name}, coloured by the worst of each day",
        key=f"calendar_{name}",
    )
    theme.show(
        once.cached(lambda: charts.pull_timeline(history.head(60), zone), "timeline", zone, *key),
        alt=f"How long each of the last pulls of {name} took and how it ended",
        key=f"timeline_{name}",
    )
    volumes = once.cached(lambda: datasets.volumes(desk, name), "volumes", *key)
    if volumes.height > 1:
        theme.show(
            once.cached(lambda: charts.volume_band(volumes, zone), "volume", zone, *key),
            alt=f"Rows read by the last pulls of {name} with their usual range",
            key=f"volume_{name}",
        )
    latest = once.cached_for_object(history, lambda: history.head(ROWS_SHOWN), "latest")
    tables.show(latest, PULLS, alt=f"The last pulls of {name}", rows=10)
    shell.export_button("CSV of all pulls", lambda: history, f"pulls-{name}.csv")


def rows(desk: Desk, dataset: Dataset) -> None:
    """The latest rows as stored, and the whole table as a file."""
    found = datasets.rows(desk, dataset.name, limit=ROWS_SHOWN)
    if found.is_empty():
        shell.empty("No rows yet.", "A pull fills this table.")
        return
    st.caption(f"The latest {found.height} rows; the file has them all.")
    tables.show(found, {c: c for c in found.columns}, alt=f"Latest rows of {dataset.name}")
    with st.container(horizontal=True):
        for ending in ("csv", "parquet"):
            shell.export_button(
                ending.upper() if ending == "csv" else "Parquet",
                lambda: datasets.rows(desk, dataset.name, limit=None),
                f"{dataset.name}.{ending}",
                key=f"rows_{ending}",
            )


def rejected(desk: Desk, name: str) -> None:
    """Rows that were refused, with the reason of each."""
    found = datasets.rejected_rows(desk, name)
    if found.is_empty():
        shell.empty("No rejected rows.", "Every row of the pulls fitted the schema.")
        return
    columns = {
        "started_at": "Pull of",
        "row_number": "Row",
        "column_name": "Column",
        "reason": "Reason",
        "raw": "As received",
    }
    st.caption(f"{found.height:,} rows, newest pull first; the first {ROWS_SHOWN} are shown.")
    tables.show(found.head(ROWS_SHOWN), columns, alt=f"Rejected rows of {name}")
    shell.export_button("CSV", lambda: found, f"rejected-{name}.csv", key="rejected_csv")


def schema(desk: Desk, dataset: Dataset) -> None:
    """Columns, types and key as declared, and what changed upstream."""
    upstream = {ours: theirs for theirs, ours in dataset.columns.items()}
    declared = pl.DataFrame(
        [
            {
                "column": name,
                "type": str(kind),
                "upstream": upstream.get(name, name),
                "in_key": name in dataset.key,
            }
            for name, kind in dataset.schema.items()
        ]
    )
    heads = {"column": "Column", "type": "Type", "upstream": "Upstream name", "in_key": "Key"}
    tables.show(declared, heads, alt=f"Declared schema of {dataset.name}", rows=30)
    changes = datasets.schema_changes(desk, dataset.name)
    if changes.is_empty():
        st.caption("The upstream has not changed its columns since the first pull.")
        return
    heads = {"happened_at": "Seen", "column_name": "Column", "change": "Change", "pull_id": "Pull"}
    tables.show(changes, heads, alt=f"Schema changes of {dataset.name}", rows=10)
