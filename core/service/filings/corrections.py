"""Corrections: what a source said otherwise, later, of filings that were known here before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.domain.access.principals import Role
from core.service.filings import companies
from core.service.kernel.exports import export
from core.store import fact_corrections

if TYPE_CHECKING:
    from core.service.desk import Desk

MOVED_FRAME = "frame"  # which calendar frame a fact is in moves in every answer


def of_filing(desk: Desk, cik: int, accession: str) -> pl.DataFrame:
    """The corrections of one filing, newest first, without those of frames only."""
    found = fact_corrections.corrections(desk.warehouse, [cik], accession)
    found = found.filter(pl.col("changed") != MOVED_FRAME)
    return found.sort("known_at", "concept", descending=[True, False], maintain_order=True)


@export("corrections", needs=Role.VIEWER)
def export_corrections(
    desk: Desk,
    *,
    ticker: str | None = None,
    cik: int | None = None,
    accession: str | None = None,
    frames: bool = False,
) -> pl.DataFrame:
    """Facts that a source stated otherwise later, with old and new value, reason and instant."""
    if ticker:
        cik = companies.resolve(desk, [ticker])[0]
    found = fact_corrections.corrections(desk.warehouse, None if cik is None else [cik], accession)
    return found if frames else found.filter(pl.col("changed") != MOVED_FRAME)
