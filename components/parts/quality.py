"""What the page *Data quality* is made of for filings: filters, figures, charts, table, export."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from components.charts import quality as charts_quality
from components.kit import (
    address,
    badges,
    exporting,
    formats,
    once,
    shell,
    tables,
    theme,
)
from components.kit.lists import RowLink
from components.parts import glossary, quality_filters
from core.service.desk import Desk
from core.service.filings import attention, companies, quality
from core.service.kernel import exports as files

INPUTS = ("sec.submissions", "sec.facts")
ROWS_SHOWN = 50
TREND = 12  # filings in the sparkline of a company
FILING_LINK = RowLink("filing", "filing", "form", "accession", more=(("cik", "cik"),))
FILINGS = {
    "ticker": "Symbol",
    "company": "Company",
    "grade": "Grade",
    "status": "Status",
    "revision_risk_pct": "Revision risk",
    "form": "Form",
    "filed": "Filed",
    "why": "Why",
    "score": "Score",
    "trend": "Company's last scores",
    "period_end": "Period",
    "coverage_pct": "Coverage",
    "critical": "Critical",
    "major": "Major",
    "minor": "Minor",
    "accession": "Accession",
    "url": "EDGAR",
}
HELP = {
    "status": glossary.meaning("Status"),
    "revision_risk_pct": glossary.meaning("Revision risk"),
    "why": "Why it is withdrawn, D, F or not rated; else what became of it.",
    "score": "100 × weight of the rules passed / weight that could be evaluated.",
    "trend": f"Scores of the company's last {TREND} filings up to now, oldest first.",
    "coverage_pct": "Share of the expected weight that could be evaluated; NR below half.",
    "critical": "Critical findings: one caps the score at 69 (D), two at 49 (F).",
    "major": "Major findings: each rule weighs 5 (critical 10, minor 2).",
}
WIDTHS = {
    "ticker": 80,
    "company": 170,
    "grade": 70,
    "status": 110,
    "revision_risk_pct": 105,
    "why": 380,
    "score": 110,
    "trend": 150,
    "form": 80,
    "filed": 100,
    "period_end": 100,
    "critical": 75,
    "major": 70,
    "minor": 70,
}


def all_grades(desk: Desk) -> pl.DataFrame:
    """The grade that counts of every filing, newest first, read once per commit."""
    return shell.cached_until_commit(desk, lambda: quality.grades(desk), "grades")


def figures(graded: pl.DataFrame) -> None:
    """What the titles of the charts do not say of a set of grades, in one line."""
    st.markdown(once.cached_for_object(graded, lambda: _figures(graded), "figures"), help=NOT_RATED)


def _figures(graded: pl.DataFrame) -> str:
    rated = graded.filter(pl.col("grade") != "NR")
    told = {
        "median score": formats.number(rated.select(pl.col("score").median()).item(), 1),
        "withdrawn": formats.number(int((graded["status"] == "withdrawn").sum())),
        "with critical findings": formats.number(graded.filter(pl.col("critical") > 0).height),
        "not rated": formats.number(graded.height - rated.height),
    }
    return " · ".join(f"**{value}** {label}" for label, value in told.items())


NOT_RATED = "Not rated: less than half of the expected weight of rules could be evaluated."


SHARES = ("Company", "Form", "Year")


def charts(graded: pl.DataFrame) -> None:
    """Distribution of the filings that pass the filters, and shares by company, form or year."""
    by = st.segmented_control(
        "Shares by", SHARES, default=SHARES[0], **address.among("by", SHARES), required=True
    )
    key = once.cached_for_object(graded, lambda: _fingerprint(graded), "fingerprint")
    drawn: tuple[tuple[str, Callable[[], Any], str], ...] = (
        ("grades", lambda: charts_quality.distribution(graded), "Filings by grade"),
        (by, lambda: _shares(graded, by), f"Share of each grade by {by.lower()}"),
    )
    with st.grid(2, gap="medium"):
        for name, make, alt in drawn:
            theme.show(once.cached(make, "quality", name, *key), alt=alt, key=f"quality_{name}")


def _shares(graded: pl.DataFrame, by: str) -> Any:
    """Share of each grade; the weakest first, or year by year."""
    if by == "Year":
        return charts_quality.over_time(graded)
    named = graded.with_columns(quality_filters.name().alias("symbol"))
    return charts_quality.by_group(named, "form" if by == "Form" else "symbol", by.lower())


def _fingerprint(graded: pl.DataFrame) -> tuple[Hashable, ...]:
    """What stands for a set of grades in a key: its size, newest run, and rows."""
    rows = graded.select("cik", "accession", "grade", "score").hash_rows().sum()
    return (graded.height, graded.select(pl.col("graded_at").max()).item(), rows)


def with_trend(shown: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
    """Adds `trend`: scores of the last filings of the row's company, oldest first."""
    trend = (
        graded.drop_nulls("score")
        .sort("cik", "filed", "accession")
        .group_by("cik", maintain_order=True)
        .agg(trend=pl.col("score").tail(TREND))
    )
    return shown.join(trend, on="cik", how="left", maintain_order="left")


ORDER = "Withdrawn, D and F come first, those of names you follow or hold before others."


def table(desk: Desk, chosen: pl.DataFrame, graded: pl.DataFrame) -> None:
    """The filings that pass, what needs eyes first; a picked row opens its page."""
    mine = shell.cached_until_commit(desk, lambda: attention.mine(desk), "followed or held")
    st.caption(
        f"{chosen.height:,} of {graded.height:,} graded filings"
        + (f" ({badges.plain(said)})" if (said := str(quality_filters.given_of(graded))) else "")
        + (f"; the first {ROWS_SHOWN} are shown." if chosen.height > ROWS_SHOWN else ".")
        + f" {ORDER} Pick a row to see all of it."
    )
    tables.show(
        once.cached_for_owner(chosen, lambda: _shown(desk, chosen, graded, mine), "shown", mine),
        FILINGS,
        alt="Graded filings with score, coverage and number of findings, newest first",
        key="quality_table",
        link=FILING_LINK,
        help=HELP,
        widths=WIDTHS,
    )


def _shown(
    desk: Desk, chosen: pl.DataFrame, graded: pl.DataFrame, mine: frozenset[int]
) -> pl.DataFrame:
    first = attention.first(chosen, mine).head(ROWS_SHOWN)
    risk = (100 * pl.col("revision_risk")).round(1)
    shown = attention.with_why(desk, first).with_columns(revision_risk_pct=risk)
    return with_trend(shown, graded)


def exports(desk: Desk, chosen: pl.DataFrame) -> None:
    """A box with the filtered view and all graded filings as CSV, Parquet and JSON."""
    frames: exporting.Frames = {
        "filings-filtered": ("The filings that pass the filters", lambda: scored(desk, chosen)),
        "filings-all": ("All graded filings", lambda: scored(desk, None)),
    }
    exporting.box(frames, tuple(exporting.NAMES), key="quality_export")


def scored(desk: Desk, chosen: pl.DataFrame | None) -> pl.DataFrame:
    """Scored filings in the columns of the export: those given, or all."""
    frame = files.frame_of(desk, "filings")
    if chosen is None:
        return frame
    return frame.join(chosen, on=["cik", "accession"], how="semi", maintain_order="left")


def of_company(desk: Desk, cik: int, on: date | None = None) -> pl.DataFrame:
    """accession, grade, status, score of a company's filings, as known on a day (today).

    Read once per commit.
    """
    make = lambda: quality.grades(desk, ciks=[cik], on=on)  # noqa: E731
    graded = shell.cached_until_commit(desk, make, "filings with status", cik, on)
    return once.cached_for_object(
        graded, lambda: graded.select("accession", "grade", "status", "score"), "short"
    )


def of_watched(desk: Desk) -> pl.DataFrame:
    """cik, grade and status of the latest rated filing, and trend, of every company with grades."""
    graded = all_grades(desk)
    return once.cached_for_object(graded, lambda: _of_watched(graded), "of watched")


def _of_watched(graded: pl.DataFrame) -> pl.DataFrame:
    rated = pl.col("grade") != "NR"
    latest = (
        graded.sort("filed", "accession")
        .group_by("cik")
        .agg(
            # a prospectus has too few facts to be rated, and says nothing of the reports before it
            grade=pl.coalesce(pl.col("grade").filter(rated).last(), pl.lit("NR")),
            status=pl.coalesce(pl.col("status").filter(rated).last(), pl.col("status").last()),
        )
    )
    return with_trend(latest, graded)


def none_yet(desk: Desk) -> None:
    """The empty state: what to do to get grades."""
    if companies.watched(desk):
        shell.empty(
            "No filing is graded yet.",
            "Pull sec.facts; grades follow each pull. Or run: python -m app grade --all",
            page="datasets",
            label="Go to Datasets",
        )
    else:
        shell.empty(
            "Nobody is followed yet.",
            "Follow a company; its filings are graded after they are pulled.",
            page="companies",
            label="Go to Companies",
        )
