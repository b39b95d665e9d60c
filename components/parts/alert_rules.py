"""The rules of alerts on the page *Alerts*: a table, and an editor of it when one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from components.kit import once, reader, shell, tables
from core.domain.access.principals import Role
from core.domain.alerts.rules import ORDER, AlertRule
from core.service.alerts import bell, rules
from core.service.desk import Desk

SCHEMA: dict[str, Any] = {
    "enabled": pl.Boolean,
    "name": pl.String,
    "kinds": pl.String,
    "subject": pl.String,
    "severity": pl.String,
    "quiet": pl.String,
    "sinks": pl.String,
    "rule_id": pl.String,
}
LISTED = {
    "name": "Rule",
    "on": "On",
    "kinds": "Kinds",
    "subject": "Subject",
    "severity": "From",
    "quiet": "Quiet hours",
    "sinks": "Where to",
}


def show(desk: Desk) -> None:
    """The reader's own rules, and for admins those of the desk."""
    shell.section(
        "Your rules",
        "A trouble is told once, and so is its end. Quiet hours are in your time zone; what is "
        "critical is told all the same.",
    )
    _rules_of(desk, of_desk=False)
    if reader.may(desk, Role.ADMIN):
        shell.section(
            "Rules of the desk",
            f"Where to: {', '.join(['notify', 'webhook', *bell.places(desk)])}. A place is told "
            f"{desk.settings.alert_budget} alerts one by one until noon, and again after it; the "
            f"rest comes every {desk.settings.alert_digest_minutes} minutes in one letter.",
        )
        _rules_of(desk, of_desk=True)


def _rules_of(desk: Desk, *, of_desk: bool) -> None:
    """The rules as a list; the editor, which is dear to draw and to keep, when it is opened."""
    key = f"alert_rules_{'desk' if of_desk else 'mine'}"
    kept = rules.of(desk, of_desk=of_desk)
    if st.session_state.get(f"{key}_open"):
        _editor(desk, kept, key, of_desk=of_desk)
        return
    tables.show(
        once.cached(lambda: _listed(kept), "alert rules", kept),
        LISTED,
        alt="Rules of the desk" if of_desk else "Your rules",
        key=f"{key}_list",
        widths={"kinds": 320, "sinks": 240},
    )
    with st.container(horizontal=True):
        st.button("Change the rules", key=f"{key}_edit", on_click=_open, args=(key, True))
        _back(desk, key, of_desk=of_desk)


def _open(key: str, is_open: bool) -> None:
    st.session_state[f"{key}_open"] = is_open


def _back(desk: Desk, key: str, *, of_desk: bool) -> None:
    changed = rules.are_changed(desk, of_desk=of_desk)
    if st.button("Back to the defaults", key=f"{key}_back", disabled=not changed):
        with shell.guarded("the rules"):
            rules.keep(desk, (), of_desk=of_desk)
            _open(key, False)
            st.rerun()


def _editor(desk: Desk, kept: Sequence[AlertRule], key: str, *, of_desk: bool) -> None:
    edited = st.data_editor(
        _frame(kept),
        column_config=_columns(),
        num_rows="dynamic",
        hide_index=True,
        key=f"{key}_{hash(kept)}",  # edits are of these rules, and end with them
    )
    with st.container(horizontal=True):
        if st.button("Save the rules", key=f"{key}_save", type="primary"):
            with shell.guarded("the rules"):
                rules.keep(desk, _rules(edited), of_desk=of_desk)
                _open(key, False)
                st.toast("Saved", icon=":material/check_circle:")
                st.rerun()
        st.button("Leave them", key=f"{key}_leave", on_click=_open, args=(key, False))
        _back(desk, key, of_desk=of_desk)


def _listed(kept: Sequence[AlertRule]) -> pl.DataFrame:
    """The rules in words, as they are listed."""
    return _frame(kept).with_columns(
        on=pl.when("enabled").then(pl.lit("on")).otherwise(pl.lit("off")),
        kinds=pl.when(pl.col("kinds") == "").then(pl.lit("all")).otherwise("kinds"),
        subject=pl.when(pl.col("subject") == "").then(pl.lit("all")).otherwise("subject"),
        quiet=pl.when(pl.col("quiet") == "").then(pl.lit("none")).otherwise("quiet"),
    )


def _frame(kept: Sequence[AlertRule]) -> pl.DataFrame:
    rows = [
        {
            **{name: getattr(rule, name) for name in SCHEMA},
            "kinds": " ".join(rule.kinds),
            "sinks": " ".join(rule.sinks),
        }
        for rule in kept
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "enabled": st.column_config.CheckboxColumn("On", default=True, width=50),
        "name": text("Rule", required=True, max_chars=80),
        "kinds": text("Kinds", help="Kinds of events or groups of them; empty: all."),
        "subject": text("Subject", help="A pattern like prices.* or AAPL; empty: all."),
        "severity": st.column_config.SelectboxColumn(
            "From", options=list(ORDER), default="info", required=True
        ),
        "quiet": text("Quiet hours", help="Like 22:00-06:00."),
        "sinks": text("Where to", default="bell", required=True),
        "rule_id": None,
    }


def _rules(edited: pl.DataFrame) -> list[AlertRule]:
    """The rules as they stand in the table; a new one gets an id of its place."""
    taken = set(edited["rule_id"].drop_nulls())
    free = (f"rule-{number}" for number in range(1, 1000) if f"rule-{number}" not in taken)
    return [
        AlertRule(
            rule_id=row["rule_id"] or next(free),
            name=(row["name"] or "").strip(),
            kinds=_words(row["kinds"]),
            subject=(row["subject"] or "").strip(),
            severity=row["severity"] or "info",
            quiet=(row["quiet"] or "").strip(),
            sinks=_words(row["sinks"]),
            enabled=bool(row["enabled"]),
        )
        for row in edited.iter_rows(named=True)
    ]


def _words(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").replace(",", " ").split())
