"""What the page *Alerts* is made of: what the reader was told, and a test of the ways outside."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from components.kit import address, badges, formats, once, reader, shell, tables, url_choices
from components.kit.lists import RowLink
from core.domain.access.principals import Role
from core.running_settings import FEATURES
from core.service.alerts import bell
from core.service.desk import Desk

COLUMNS = {
    "state": "",
    "happened_at": "When",
    "message": "What",
    "severity": "Severity",
    "kind": "Kind",
    "subject": "Subject",
    "ended_at": "Over since",
}
SHOW = ("unread",)


def show(desk: Desk) -> None:
    """The reader's alerts; a row that is picked leads to its event."""
    unread = bell.unread(desk)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        url_choices.pills("Show", "show", SHOW)
        if st.button(f"Mark {unread} as read", disabled=not unread, key="alerts_read"):
            bell.read(desk)
            st.rerun()
    only = bool(url_choices.several("show", SHOW))
    found = bell.listing(desk, unread=only)
    asked = st.query_params.get_all("alert")
    address.tell("alert", [one for one in asked if one not in found["alert_id"]])
    if found.is_empty():
        shell.empty(
            "No unread alert." if only else "No alert yet.",
            "The rules below say what you are told of; Activity has everything that happens.",
            page="activity",
            label="Open Activity",
        )
        return
    if _opened(desk, found) and not only:
        found = bell.listing(desk)
    _table(desk, found)


def _opened(desk: Desk, found: pl.DataFrame) -> bool:
    """Note that the alert which the address asks for is read; whether it was not before."""
    new = found.filter(
        pl.col("read_at").is_null(), pl.col("alert_id") == st.query_params.get("alert", "")
    )
    if new.height:
        with shell.guarded("that it is read"):
            bell.read(desk, new["alert_id"].to_list())
            return True
    return False


def _table(desk: Desk, found: pl.DataFrame) -> None:
    tables.choose(
        once.cached_for_object(found, lambda: _shown(found), "shown", shell.zone()),
        COLUMNS,
        alt="Alerts, newest first",
        key="alerts_table",
        on_row=lambda row: st.query_params.update(alert=row["alert_id"]),
        link=RowLink("alerts", "alert", "message", "alert_id"),
        picked=st.query_params.get("alert"),
        rows=14,
        widths={"state": 50, "happened_at": 130, "message": 420, "severity": 85, "kind": 150},
    )
    chosen = found.filter(pl.col("alert_id") == st.query_params.get("alert", ""))
    if chosen.height:
        row = chosen.row(0, named=True)
        st.markdown(f"**{badges.plain(formats.localised(row['message'], shell.zone()))}**")
        shell.link("activity", "Open its event", period="all that is kept", event=row["event_id"])


def _shown(found: pl.DataFrame) -> pl.DataFrame:
    """The alerts as they are listed: the unread marked, instants as the reader reads them."""
    new = pl.when(pl.col("read_at").is_null()).then(pl.lit("new")).otherwise(pl.lit(""))
    return tables.localised(tables.said_at(found.with_columns(state=new), "subject"), "message")


def places(desk: Desk) -> None:
    """Where alerts go outside, and a button that tries each."""
    known = bell.places(desk)
    shell.section("Alerts outside", _said(known))
    if st.button("Send a test", key="alerts_test", disabled=not known, **_admin(desk, known)):
        for item in bell.test(desk):
            label = badges.plain(str(item["label"]))
            if item["sent"]:
                st.success(f"{label}: the test was taken.")
            else:
                st.error(f"{label}: {badges.plain(str(item['error']))}")
    shell.link("alerts", "Rules and what you were told")


def _admin(desk: Desk, known: dict[str, str]) -> dict[str, Any]:
    given = reader.button(desk, Role.ADMIN)
    return {k: v for k, v in given.items() if k != "disabled" or known}


def _said(known: dict[str, str]) -> str:
    if not known:
        return (
            "Nothing goes outside yet: OPENBELL_NOTIFY and OPENBELL_NOTIFY_WEBHOOKS name e-mail, "
            "chats, pagers and webhooks."
        )
    return "Alerts of the desk go to " + ", ".join(badges.plain(name) for name in known.values())


def features(desk: Desk) -> None:
    """What is being tried out, and whether it is on here."""
    shell.section("Tried out", "Off unless OPENBELL_FEATURES names it.")
    for name, feature in FEATURES.items():
        state = badges.badge("on", "green") if desk.settings.tries(name) else badges.badge("off")
        st.markdown(f"`{name}` {state} {badges.plain(feature.what)}")
