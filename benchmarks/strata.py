"""Kinds of filers that a random draw of reports hardly meets: which reports are theirs."""

from __future__ import annotations

import polars as pl

from core.domain.quality.grading import Graded

KEYS = ["cik", "accession"]
FORMS = ("10-K", "10-Q", "20-F", "40-F")
SHELL_ASSETS = 1e9  # dollars: what has no revenue and more is a line under a name of its own
STRATA = ("ifrs", "shell")


def reports(graded: Graded, stratum: str) -> pl.DataFrame:
    """cik and accession of the reports of a stratum, whatever their letters.

    ifrs: told in the taxonomy of IFRS. shell: no revenue in a period of its own, and few assets.
    """
    listed = graded.scores.filter(pl.col("form").is_in(FORMS)).select(KEYS)
    if stratum == "ifrs":
        theirs = graded.items.filter(pl.col("taxonomy") == "ifrs-full")
        return listed.join(theirs.select(KEYS).unique(), on=KEYS, how="semi")
    own = graded.items.filter("own")
    earning = own.filter(pl.col("item") == "Revenues", pl.col("value") != 0)
    large = own.filter(pl.col("item") == "Assets", pl.col("value") >= SHELL_ASSETS)
    sheets = own.filter(pl.col("item") == "Assets").select(KEYS).unique()
    for some in (earning, large):
        listed = listed.join(some.select(KEYS).unique(), on=KEYS, how="anti")
    return listed.join(sheets, on=KEYS, how="semi")
