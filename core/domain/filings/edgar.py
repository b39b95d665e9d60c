"""Names and addresses at EDGAR: CIKs, and the index page of a filing."""

from __future__ import annotations

import re

import polars as pl

_CIK = re.compile(r"(?:CIK ?)?0*([1-9][0-9]{0,9})", re.ASCII | re.IGNORECASE)
SEC = "https://www.sec.gov"
ARCHIVES = f"{SEC}/Archives/edgar/data"


def cik_of(text: str) -> int | None:
    """The CIK in a text, 1 to 10 digits after zeros, or as EDGAR names files by it: CIK0000320193.

    None when it is not one.
    """
    found = _CIK.fullmatch(text.strip())
    return int(found[1]) if found else None


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
