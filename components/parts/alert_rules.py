"""The rules of alerts on the page *Alerts*: a table that is edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from components.kit import reader, shell
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


def show(desk: Desk) -> None:
    """The reader's own rules, and for admins those of the desk."""
    shell.section(
        "Your rules",
        "A trouble is told once, and so is its end. Quiet hours are in your time zone; what is "
        "critical is told all the same.",
    )
    _editor(desk, of_desk=False)
    if reader.may(desk, Role.ADMIN):
        shell.section(
            "Rules of the desk",
            f"Where to: {', '.join(['notify', 'webhook', *bell.places(desk)])}. A place is told "
            f"{desk.settings.alert_budget} alerts one by one until noon, and again after it; the "
            f"rest comes every {desk.settings.alert_digest_minutes} minutes in one letter.",
        )
        _editor(desk, of_desk=True)


def _editor(desk: Desk, *, of_desk: bool) -> None:
    key = f"alert_rules_{'desk' if of_desk else 'mine'}"
    kept = rules.of(desk, of_desk=of_desk)
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
                st.toast("Saved", icon=":material/check_circle:")
                st.rerun()
        changed = rules.are_changed(desk, of_desk=of_desk)
        if st.button("Back to the defaults", key=f"{key}_back", disabled=not changed):
            rules.keep(desk, (), of_desk=of_desk)
            st.rerun()


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
