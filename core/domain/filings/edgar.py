"""Addresses at EDGAR: the index page of a filing, told by CIK and accession."""

from __future__ import annotations

import polars as pl

ARCHIVES = "https://www.sec.gov/Archives/edgar/data"


def filing(cik: int, accession: str) -> str:
    """The address of one filing."""
    return f"{ARCHIVES}/{cik}/{accession.replace('-', '')}/{accession}-index.htm"


def filing_expr() -> pl.Expr:
    """The same of columns cik and accession."""
    plain = pl.col("accession").str.replace_all("-", "", literal=True)
    return pl.format("{}/{}/{}/{}-index.htm", pl.lit(ARCHIVES), "cik", plain, "accession")


def filing_sql(table: str) -> str:
    """The same in SQL, of the columns of a table or its alias (never a user's text)."""
    plain = f"replace({table}.accession, '-', '')"
    return (
        f"'{ARCHIVES}/' || {table}.cik || '/' || {plain} || '/' || {table}.accession "
        "|| '-index.htm'"
    )
