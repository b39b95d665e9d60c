"""What a source said otherwise later of one filing: the line on *Filing* and its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components.kit import formats, shell, tables
from core.service.desk import Desk
from core.service.filings import corrections

COLUMNS = {
    "concept": "Concept",
    "old": "Stated before",
    "new": "Stated now",
    "unit": "Unit",
    "period_start": "From",
    "period_end": "To",
    "changed": "What differs",
    "reason": "Reason",
    "known_at": "Known since",
}


def show(desk: Desk, row: Mapping[str, Any]) -> None:
    """How many facts of the filing the source stated otherwise since, with old and new values."""
    accession, cik = row["accession"], row["cik"]
    make = lambda: corrections.of_filing(desk, cik, accession)  # noqa: E731
    found = shell.cached_until_commit(desk, make, "corrections", accession, cik)
    if found.is_empty():
        return
    facts = "1 fact" if found.height == 1 else f"{found.height:,} facts"
    last = formats.day(found.select(pl.col("known_at").max()).item().date())
    with st.expander(
        f"The source corrected its copy of this filing: {facts}, last on {last}; no restatement"
    ):
        tables.show(found, COLUMNS, alt="Facts of this filing that were stated otherwise before")
