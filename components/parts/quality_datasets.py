"""The grades of the datasets: parts, history of the last runs, failing rows."""

from __future__ import annotations

import polars as pl
import streamlit as st

from components.charts import quality as charts_quality
from components.kit import address, badges, formats, once, shell, tables, theme
from components.kit.lists import RowLink
from core.service.desk import Desk
from core.service.filings import quality

FRESH_SECONDS = 3.0
RUNS = 30
ROWS_SHOWN = 100
VIEW = (("view", "Datasets"),)
GRADES = {
    "dataset": "Dataset",
    "grade": "Grade",
    "score": "Score",
    "trend": f"Last {RUNS} runs",
    "rows": "Rows",
    "failing": "Failing rows",
    "completeness_pct": "Complete",
    "validity_pct": "Valid",
    "freshness_pct": "Fresh",
    "volume_pct": "Volume",
    "schema_pct": "Schema",
    "uniqueness_pct": "Unique",
    "note": "Note",
    "measured_at": "Measured",
}
HELP = {
    "completeness_pct": "Required cells that are filled, and rows that were not rejected.",
    "validity_pct": "Rows that break no rule; one bad row in twenty makes zero.",
    "freshness_pct": "100 when fresh, 90 due, 40 overdue, 20 failing, 0 never pulled.",
    "volume_pct": "Rows of the last pull against the median of those before.",
    "schema_pct": "25 less for each column that changed upstream in the last 30 days.",
    "uniqueness_pct": "Rows whose key is theirs alone.",
}


def overview(desk: Desk) -> None:
    """Grades of all datasets, then one of them: its history and its failing rows."""
    key = ("dataset grades", desk.identity)
    history = once.cached_for_seconds(lambda: quality.datasets_quality(desk), FRESH_SECONDS, *key)
    if history.is_empty():
        shell.empty(
            "No dataset has been measured yet.",
            "They are measured with the checks of the store, after pulls or by hand.",
            page="reconciliation",
            label="Go to Reconciliation",
        )
        return
    newest = once.cached_for_owner(history, lambda: latest(history), "latest")
    st.markdown(headline(newest))
    tables.show(
        newest,
        GRADES,
        alt="Grade of every dataset with its parts and its last runs",
        key="dataset_grades",
        link=RowLink("data_quality", "dataset", "dataset", given=VIEW),
        picked=st.query_params.get("dataset"),
        help=HELP,
        widths={"score": 100, "trend": 110, "note": 220},
    )
    names = newest["dataset"].to_list()
    name = st.selectbox("Dataset", names, **address.among("dataset", names))
    runs = once.cached_for_owner(
        history, lambda: history.filter(pl.col("dataset") == name), "runs", name
    )
    one(desk, name, runs)


def latest(history: pl.DataFrame) -> pl.DataFrame:
    """The newest measure of each dataset with `trend`, the scores of its last runs."""
    ordered = history.sort("dataset", "measured_at")
    trend = ordered.drop_nulls("score").group_by("dataset").agg(trend=pl.col("score").tail(RUNS))
    newest = ordered.unique("dataset", keep="last", maintain_order=True)
    return newest.join(trend, on="dataset", how="left", maintain_order="left")


def headline(newest: pl.DataFrame) -> str:
    """What a reader should know first: the weakest dataset."""
    rated = newest.drop_nulls("score").sort("score", "dataset")
    if rated.is_empty():
        return "No dataset has rows yet."
    worst = rated.row(0, named=True)
    good = rated.filter(pl.col("grade").is_in(["A", "B"])).height
    return (
        f"**{good} of {rated.height} datasets with rows are A or B.** Weakest: "
        f"{badges.plain(worst['dataset'])} {badges.grade(worst['grade'])} {worst['score']:.1f}, "
        f"{badges.plain(worst['note'] or '')}."
    )


def one(desk: Desk, name: str, runs: pl.DataFrame) -> None:
    """The last 30 runs of one dataset, and the rows that break a rule."""
    last = once.cached_for_object(runs, lambda: runs.sort("measured_at").tail(RUNS), "last")
    theme.show(
        once.cached_for_object(last, lambda: charts_quality.score_history(last, name), "drawn"),
        alt=f"Scores of {name} over its last {RUNS} runs",
        key=f"dataset_history_{name}",
    )
    failing = shell.cached_until_commit(
        desk, lambda: quality.failing_rows(desk, name), "failing rows", name
    )
    if failing.is_empty():
        st.caption("No row breaks a rule.")
        return
    count = last["failing"][-1]
    st.caption(
        f"{formats.number(count)} rows broke a rule when measured; the first "
        f"{min(failing.height, ROWS_SHOWN)} are shown."
    )
    ahead = ["failed_rules", *(c for c in failing.columns if c != "failed_rules")]
    heads = {c: "Broken rules" if c == "failed_rules" else c for c in ahead}
    first = once.cached_for_object(failing, lambda: failing.head(ROWS_SHOWN), "first")
    tables.show(first, heads, alt=f"Failing rows of {name}", rows=10)
    shell.export_button(
        "CSV of all failing rows",
        lambda: failing,
        f"failing-{name}.csv",
    )
