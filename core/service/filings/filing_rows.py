"""Filings as pages show them: when they were really accepted, and what they say in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings import clock as filing_clock
from core.domain.gaps import catalysts
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk


def told(desk: Desk, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `accepted_at` as an honest instant and `title`: the filing in words.

    Needs cik, accession, form, items, accepted_at and file_number. Clocks are judged by all
    filings of these companies.
    """
    times = store.acceptance_times(desk.warehouse, rows["cik"].unique().to_list())
    return catalysts.titled(
        filing_clock.with_true_clock(rows, filing_clock.eastern_labelled(times))
    )
