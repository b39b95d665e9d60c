"""What the page *Activity* is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import polars as pl
import streamlit as st

from components.kit import address, badges, formats, once, shell, tables, url_choices
from components.kit.lists import RowLink
from core.observe.events import KINDS, SEVERITIES
from core.service.activity import feed
from core.service.desk import Desk

SHOWN = 500
PERIODS = {
    "the last hour": timedelta(hours=1),
    "the last day": timedelta(days=1),
    "the last week": timedelta(days=7),
    "all that is kept": None,
}
COLUMNS = {
    "happened_at": "When",
    "severity": "Severity",
    "kind": "Kind",
    "subject": "Subject",
    "message": "What",
    "actor": "By",
}
COLORS = {"info": "gray", "warning": "yellow", "error": "orange", "critical": "red"}


def filters(desk: Desk) -> feed.Wanted:
    """The filters as the URL has them, and the widgets that change them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        url_choices.selectbox("When", "period", list(PERIODS), placeholder="the last week")
        url_choices.multiselect(
            "Kinds", "kind", [*feed.GROUPS, *KINDS], placeholder="Every kind", width="stretch"
        )
        url_choices.text_input("Find", "q", placeholder="prices.daily, AAPL, container …")
        url_choices.pills("Severity", "severity", SEVERITIES)
    length = PERIODS[url_choices.one("period", list(PERIODS)) or "the last week"]
    return feed.chosen(
        url_choices.several("kind", [*feed.GROUPS, *KINDS]),
        url_choices.several("severity", SEVERITIES),
        text=url_choices.text("q"),
        since=desk.now().replace(second=0, microsecond=0) - length if length else None,
    )


def show(desk: Desk, wanted: feed.Wanted) -> None:
    """The events as a table, the one that was picked in full, and the download."""
    found = feed.listing(desk, wanted, limit=SHOWN)
    asked = st.query_params.get_all("event")
    address.tell("event", [one for one in asked if one not in found["event_id"]])
    if found.is_empty():
        shell.empty("Nothing happened that matches.", "Take a filter away, or look further back.")
        return
    more = f"; the newest {SHOWN} are shown" if found.height == SHOWN else ""
    st.caption(f"{found.height:,} events, newest first{more}. Pick a row to see it in full.")

    tables.show(
        once.cached_for_object(
            found,
            lambda: tables.localised(tables.said_at(found, "subject"), "message"),
            *("said", shell.zone()),
        ),
        COLUMNS,
        alt="What happened, newest first",
        key="activity_table",
        link=RowLink("activity", "event", "message", "event_id"),
        picked=st.query_params.get("event"),
        rows=18,
        widths={"happened_at": 130, "severity": 85, "kind": 150, "subject": 150, "actor": 70},
    )
    _picked(found)
    shell.export_button(
        "CSV", lambda: feed.listing(desk, wanted, limit=feed.EXPORTED), "events.csv", key="csv"
    )


def _picked(found: pl.DataFrame) -> None:
    rows = found.filter(pl.col("event_id") == st.query_params.get("event", ""))
    if rows.height:
        detail(rows.row(0, named=True))


def detail(row: dict[str, Any]) -> None:
    """One event in full: when, by whom, and what was before and after."""
    kind = KINDS.get(row["kind"])
    with st.container(border=True):
        by = badges.plain(f"by {row['actor']}, id {row['event_id']}")
        under = f", under {row['correlation_id']} in the log" if row["correlation_id"] else ""
        st.markdown(
            f"**{badges.plain(formats.localised(row['message'], shell.zone()))}** "
            f"{badges.badge(row['severity'], COLORS.get(row['severity'], 'gray'))}  \n"
            + shell.small(
                f"{kind.title if kind else ''} {formats.when(row['happened_at'], shell.zone())}, "
                f"{by}{under}."
            )
        )
        changes = _changes(row)
        if changes.height:
            tables.show(
                changes,
                {"what": "", "before": "Before", "after": "After"},
                alt="What was before and after",
            )


def _changes(row: dict[str, Any]) -> pl.DataFrame:
    before = orjson.loads(row["value_before"] or "{}")
    after = orjson.loads(row["value_after"] or "{}")
    lines = [
        {"what": name, "before": _text(before.get(name)), "after": _text(after.get(name))}
        for name in dict.fromkeys([*before, *after])
    ]
    schema = {"what": pl.String, "before": pl.String, "after": pl.String}
    frame = pl.DataFrame(lines, schema=schema)
    return frame.filter(pl.any_horizontal(pl.col("before", "after").is_not_null()))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
