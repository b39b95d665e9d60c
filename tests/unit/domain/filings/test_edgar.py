"""Addresses at EDGAR: spelled in three languages, the same in all."""

from __future__ import annotations

import duckdb
import polars as pl

from core.domain.filings import edgar

ADDRESS = "https://www.sec.gov/Archives/edgar/data/320193/000032019326000013/0000320193-26-000013-index.htm"


def test_a_filing_has_one_address() -> None:
    """In Python, as an expression and in SQL."""
    rows = pl.DataFrame({"cik": [320193], "accession": ["0000320193-26-000013"]})
    assert edgar.filing(320193, "0000320193-26-000013") == ADDRESS
    assert rows.select(edgar.filing_expr()).item() == ADDRESS
    assert duckdb.sql(f"SELECT {edgar.filing_sql('rows')} FROM rows").fetchall() == [(ADDRESS,)]
