"""What the page *Reconciliation* is made of: the six checks, their samples and their history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components.charts import quality as charts_quality
from components.kit import badges, formats, once, reader, shell, tables, theme
from components.kit import saved_views as views
from core.domain.tables.reconciliation import CHECKS
from core.service.desk import Desk
from core.service.filings import reconcile

COLORS = {"info": "green", "warning": "yellow", "error": "orange", "critical": "red"}
WORDS = {"info": "passed", "warning": "warning", "error": "error", "critical": "critical"}
TITLES: Mapping[str, str] = {spec.name: spec.title for spec in CHECKS}
RUNS_SHOWN = 30

Check = Mapping[str, Any]  # a row of the checks of a run


def severity(value: str) -> str:
    """Badge of a check's severity: passed where nothing is affected."""
    return badges.badge(WORDS.get(value, value), COLORS.get(value, "gray"))


def run_now(desk: Desk) -> None:
    """The button that runs all six checks."""
    if st.button(
        "Run the checks now",
        type="primary",
        key="reconcile_now",
        **reader.analyst(desk),
    ):
        with st.spinner("Six checks over the whole store …"):
            found = reconcile.run(desk, "page")
        st.toast(f"Checked; the worst is: {WORDS.get(found.worst, found.worst)}")


def latest(history: pl.DataFrame) -> pl.DataFrame:
    """The checks of the newest run, in their order."""
    return once.cached_for_object(history, lambda: _latest(history), "latest")


def _latest(history: pl.DataFrame) -> pl.DataFrame:
    newest = history.sort("started_at", descending=True)["run_id"][0]
    return history.filter(pl.col("run_id") == newest).sort("position")


def heading(checks: pl.DataFrame, desk: Desk) -> None:
    """What the newest run found, when, and how long it took."""
    row = checks.row(0, named=True)
    bad, empty = once.cached_for_object(checks, lambda: _counted(checks), "counted")
    found = f"{bad} of {checks.height} checks found something" if bad else "All checks are right"
    if empty and not bad:
        right = checks.height - empty
        found = f"{right} of {checks.height} checks are right" if right else "Nothing to check yet"
    found += f", {empty} had nothing to check" if empty and empty < checks.height else ""
    nothing = empty == checks.height
    mark = badges.badge("nothing to check") if nothing else severity(row["worst"])
    st.markdown(
        f"{mark} **{found}** · {formats.when(row['started_at'], shell.zone())}, "
        f"{formats.age(row['started_at'], desk.now())} · took {formats.duration(row['seconds'])} · "
        f"started by {badges.plain(str(row['trigger_name']))}"
    )


def _counted(checks: pl.DataFrame) -> tuple[int, int]:
    """How many checks found something, and how many had nothing to check."""
    quiet = checks.filter(pl.col("severity") == "info")
    return checks.height - quiet.height, quiet.filter(pl.col("checked") == 0).height


def cards(checks: pl.DataFrame) -> None:
    """Each check with its sentence; those that found rows first, each with a sample of them."""
    found, right = once.cached_for_object(checks, lambda: _parted(checks), "parted")
    for check, sample in found:
        with st.container(border=True):
            st.markdown(_told(check))
            if sample.height:
                _rows_of(check, sample)
    if right:
        st.markdown("\n\n".join(_told(check) for check in right))


def _parted(checks: pl.DataFrame) -> tuple[list[tuple[Check, pl.DataFrame]], list[Check]]:
    """The checks that found rows, each with its sample (some have none), and the others."""
    every: list[Check] = list(checks.to_dicts())
    found = [(check, _sample(check)) for check in every if check["affected"]]
    return found, [check for check in every if not check["affected"]]


def _told(check: Check) -> str:
    empty = not check["checked"] and check["severity"] == "info"
    mark = badges.badge("nothing to check") if empty else severity(check["severity"])
    return f"{mark} **{_title(check)}**  \n{badges.plain(check['message'])}"


def _title(check: Check) -> str:
    return TITLES.get(check["check_name"], check["check_name"])


def _rows_of(check: Check, sample: pl.DataFrame) -> None:
    box = st.expander(
        f"Sample of {sample.height} rows", key=f"sample_{check['check_name']}", on_change="rerun"
    )
    if views.is_open(box):
        with box:
            heads = {name: name.replace("_", " ").capitalize() for name in sample.columns}
            tables.show(sample, heads, alt=f"Sample of: {_title(check)}", rows=8)


def _sample(check: Check) -> pl.DataFrame:
    return pl.DataFrame(json.loads(check["sample"] or "[]"), infer_schema_length=None)


def over_runs(history: pl.DataFrame) -> None:
    """The checks of the last runs as a chart and as a table."""
    zone = shell.zone()
    drawn, rows = once.cached_for_object(
        history, lambda: _over_runs(history, zone), "over runs", zone
    )
    theme.show(
        drawn,
        alt="Severity of each check over the last runs",
        key="reconcile_runs",
    )
    heads = {
        "started_at": "Run",
        "check": "Check",
        "severity": "Severity",
        "affected": "Affected",
        "checked": "Checked",
        "drift": "Drift",
        "trigger_name": "Started by",
    }
    tables.show(rows, heads, alt="Checks of the last runs, newest first", rows=12)
    shell.export_button(
        "CSV of all runs", lambda: history.drop("sample", strict=False), "reconciliation.csv"
    )


def _over_runs(history: pl.DataFrame, zone: str) -> tuple[Any, pl.DataFrame]:
    newest = history.select("run_id", "started_at").unique().sort("started_at").tail(RUNS_SHOWN)
    shown = history.join(newest.select("run_id"), on="run_id")
    rows = shown.with_columns(
        check=pl.col("check_name").replace(TITLES), severity=pl.col("severity").replace(WORDS)
    )
    rows = rows.sort("started_at", "position", descending=[True, False])
    return charts_quality.checks_over_runs(shown, TITLES, zone), rows
