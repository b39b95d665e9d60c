"""What a filing lacks of what filers of its kind tell, and where it could come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.quality.facts.filings import ANNUAL, QUARTERLY, base_form
from core.domain.quality.model import default_ruleset
from core.domain.quality.unchecked import Unchecked, unchecked
from core.domain.quality.words import words
from core.store import quality as store

if TYPE_CHECKING:
    from core.service.desk import Desk

KEY = ["cik", "accession"]
NOT_TOLD = "no filing here tells them otherwise: the document at EDGAR may, under tags of its own"
PULL = "pull sec.facts again, or load its quarter of the Financial Statement Data Sets"
LEAST_BEFORE = 3  # filings of a form that make an item usual


def with_reasons(desk: Desk, graded: pl.DataFrame) -> pl.DataFrame:
    """Grades (of `store.grades`) whose `reason` says of reports not rated what is missing.

    And where it could come from: another filing that tells it for the same period, or a pull.
    """
    periodic = base_form(pl.col("form")).is_in([*ANNUAL, *QUARTERLY])
    bare = graded.filter(pl.col("grade") == "NR", periodic)
    if bare.is_empty():
        return graded
    found = _reasons(lacking(desk, bare), bare)
    told = graded.join(found, on=KEY, how="left", maintain_order="left")
    return told.with_columns(
        reason=pl.concat_str("reason", "missing", separator="; ", ignore_nulls=True)
    ).drop("missing")


def lacking(desk: Desk, graded: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, place, lacks (in words), told_by and told_form (null: by none).

    One row for each requirement of the filer's style that a filing does not meet.
    """
    own = store.own_items(desk.warehouse, graded["accession"].unique().to_list())
    wanted = graded.select(*KEY, "period_end", "style").join(_required(), on="style")
    met = wanted.join(own.select(*KEY, "item"), on=[*KEY, "item"], how="semi")
    open_ones = wanted.join(met.select(*KEY, "place"), on=[*KEY, "place"], how="anti")
    others = store.items_of_periods(desk.warehouse, open_ones)
    both = open_ones.join(
        others.rename({"accession": "told_by", "form": "told_form"}),
        on=["cik", "item", "period_end"],
        how="left",
    )
    other = pl.col("told_by") != pl.col("accession")
    both = both.with_columns(pl.when(other).then(n).alias(n) for n in ("told_by", "told_form"))
    ordered = both.sort(*KEY, "place", "told_on", nulls_last=True)
    return ordered.unique([*KEY, "place"], keep="first", maintain_order=True).select(
        *KEY, "place", "lacks", "told_by", "told_form"
    )


def _required() -> pl.DataFrame:
    """style, place, item, lacks: each item that will do for a requirement of a style."""
    rows = [
        (style.name, place, item, words(items[0]))
        for style in default_ruleset().styles
        for place, items in enumerate(style.require)
        for item in items
    ]
    schema = {"style": pl.String, "place": pl.Int64, "item": pl.String, "lacks": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _reasons(lacks: pl.DataFrame, bare: pl.DataFrame) -> pl.DataFrame:
    """cik, accession and `missing`: the sentence."""
    source = pl.format("{} ({})", "told_form", "told_by")
    said = (
        lacks.with_columns(source=source)
        .group_by(KEY, maintain_order=True)
        .agg(
            lacks=pl.col("lacks").str.join(", "),
            sources=pl.col("source").drop_nulls().unique(maintain_order=True).str.join(", "),
        )
        .join(bare.select(*KEY, "facts"), on=KEY)
    )
    elsewhere = (
        pl.when(pl.col("facts") == 0)
        .then(pl.lit(PULL))
        .when(pl.col("sources") != "")
        .then(pl.format("told for its period by {}", "sources"))
        .otherwise(pl.lit(NOT_TOLD))
    )
    return said.select(*KEY, missing=pl.format("missing: {}; {}", "lacks", elsewhere))


def unusual(desk: Desk, cik: int, accession: str) -> list[str]:
    """Items in words that each of the last filings of its form told, and this one does not."""
    rows = store.items_before(desk.warehouse, cik, accession, LEAST_BEFORE)
    before = rows.filter(pl.col("accession") != accession)
    if before["accession"].n_unique() < LEAST_BEFORE:
        return []
    here = rows.filter(pl.col("accession") == accession)
    always = before.group_by("item").agg(n=pl.col("accession").n_unique())
    gone = always.filter(pl.col("n") == LEAST_BEFORE).join(here, on="item", how="anti")
    return sorted(words(item) for item in gone["item"])


def unchecked_rules(row: Mapping[str, Any], items: pl.DataFrame) -> list[Unchecked]:
    """What keeps relations expected of a filing from being checked; of a grade and its items."""
    coverage = row["coverage_pct"]
    if coverage is None or coverage >= WHOLE:
        return []
    return unchecked(default_ruleset(), row["style"], coverage, items)


WHOLE = 100.0  # percent
