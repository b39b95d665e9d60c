"""Which value is the value: of all that filings state of one period, the one to go by.

Periodic reports go before other documents: proxies, registrations and current reports repeat
figures, at another scale, recast, or for a part. Among equals the one stated last counts,
corrections included. (Which concept stands for a standard item in a filing:
`quality.facts.agreeing`, `quality.facts.standing`.)
"""

from __future__ import annotations

import polars as pl

PERIODIC = r"^(10-?KT?|10-?QT?|10-?K405|10-?KSB|10-?QSB|20-F|40-F|11-K)(40)?(/A)?$"
REPORTED = r"^6-K(/A)?$"  # results of foreign companies, which file no quarterly reports
OTHER = 2  # the standing of other documents
FIGURE = ("cik", "taxonomy", "concept", "unit", "period_start", "period_end")


def standing() -> pl.Expr:
    """Of a column `form`: 0 periodic reports, 1 foreign and unnamed ones, 2 other documents."""
    form = pl.col("form").str.to_uppercase()
    return (
        pl.when(form.str.contains(PERIODIC))
        .then(0)
        .when(form.is_null() | form.str.contains(REPORTED))
        .then(1)
        .otherwise(OTHER)
        .cast(pl.Int8)
    )


def ranked(facts: pl.DataFrame) -> pl.DataFrame:
    """Facts (columns of FACTS) with the one to go by first, of each figure, and `standing`."""
    return facts.with_columns(standing=standing()).sort(
        [*FIGURE, "standing", "filed", "accession", "seq"],
        descending=[*[False] * len(FIGURE), False, True, True, False],
    )


def the_values(facts: pl.DataFrame) -> pl.DataFrame:
    """The fact to go by of each company, concept, unit and period (columns of FACTS)."""
    best = ranked(facts).unique(list(FIGURE), keep="first", maintain_order=True)
    return best.drop("standing")
