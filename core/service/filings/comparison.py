"""Two companies side by side on the concepts that both report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings.figures import FIGURE, OTHER, standing, the_values
from core.domain.quality.facts.standing import stand_in
from core.domain.quality.model import default_ruleset
from core.store import quality as store
from core.store.facts import facts_as_known_on

if TYPE_CHECKING:
    from core.service.desk import Desk

YEAR_DAYS = (350, 380)
APART_DAYS = 370  # periods that end further apart are no ratio
LATE_YEARS = 2
_ON = ["concept", "unit"]
_SAID = ("value", "period", "form", "accession", "concept")


def side_by_side(desk: Desk, left: int, right: int) -> pl.DataFrame:
    """Latest annual or instant values of the concepts that both companies report.

    Columns: concept, label, unit, then of each side its value, period (the end), form, accession
    and the concept it is stated under (left_value … right_concept), and ratio (left / right; null
    when the right value is 0 or the periods end more than a year apart). Of standard items the
    value is the one of the grade, under the item's first tag: of several tags the one that adds up,
    and profit with minority interests or cash flow of continuing operations where no other is
    stated. What both reported of late first, then the largest values.
    """
    facts = facts_as_known_on(desk.warehouse, ciks=[left, right])
    facts = facts.filter(_whole(), pl.col("taxonomy") != "dei").with_columns(stated="concept")
    latest = _latest(_values(facts, store.items_of(desk.warehouse, [left, right])))
    sides = [_side(latest, cik, name) for cik, name in ((left, "left"), (right, "right"))]
    both = sides[0].join(sides[1], on=_ON).join(_labels(desk), on="concept", how="left")
    apart = (pl.col("left_period") - pl.col("right_period")).dt.total_days().abs()
    alike = (apart <= APART_DAYS) & (pl.col("right_value") != 0)
    ratio = pl.when(alike).then(pl.col("left_value") / pl.col("right_value"))
    since = pl.lit(latest["period_end"].max(), dtype=pl.Date).dt.offset_by(f"-{LATE_YEARS}y")
    of_late = pl.min_horizontal("left_period", "right_period") > since
    largest = pl.max_horizontal(pl.col("left_value").abs(), pl.col("right_value").abs())
    return both.sort(
        of_late, largest, "concept", "unit", descending=[True, True, False, False]
    ).select(
        "concept", "label", "unit", *(f"left_{name}" for name in _SAID),
        *(f"right_{name}" for name in _SAID), ratio=ratio,
    )  # fmt: skip


def _whole() -> pl.Expr:
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    return pl.col("period_start").is_null() | days.is_between(*YEAR_DAYS)


def _values(facts: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The value of each figure; under the first tag of an item the one that stands for the item."""
    rules = default_ruleset()
    compared = {name: rules.items[name] for name in rules.flagged("headline")}
    named = items.filter(pl.col("item").is_in(list(compared))).with_columns(
        stands_in=stand_in(rules)
    )
    key = [name for name in items.columns if name != "item"]
    chosen = facts.join(named, on=key, nulls_equal=True).with_columns(
        concept=_first_tag({name: item.tags for name, item in compared.items()}, "us-gaap")
        .fill_null(_first_tag({name: item.ifrs for name, item in compared.items()}, "ifrs-full"))
        .fill_null(pl.col("concept"))
    )
    ranked = [
        the_values(chosen.filter("stands_in" if standing_in else ~pl.col("stands_in")))
        for standing_in in (False, True)
    ]
    told = [frame.select(facts.columns) for frame in (*ranked, the_values(facts))]
    return pl.concat(told).unique(list(FIGURE), keep="first", maintain_order=True)


def _first_tag(tags: Mapping[str, Sequence[str]], taxonomy: str) -> pl.Expr:
    first = {item: some[0] for item, some in tags.items() if some}
    of = pl.col("item").replace_strict(first, default=None, return_dtype=pl.String)
    return pl.when(pl.col("taxonomy") == taxonomy).then(of)


def _latest(values: pl.DataFrame) -> pl.DataFrame:
    """The latest year or instant of each concept of each company."""
    # a document that is no report is gone by only where reports have not told of it for a year
    aside = pl.when(standing() == OTHER).then(pl.duration(days=APART_DAYS))
    until = pl.col("period_end") - aside.otherwise(pl.duration(days=0))
    ordered = values.sort(until, "filed", descending=True, maintain_order=True)
    return ordered.unique(["cik", *_ON], keep="first", maintain_order=True)


def _side(latest: pl.DataFrame, cik: int, name: str) -> pl.DataFrame:
    named = latest.filter(pl.col("cik") == cik).rename({"period_end": "period"})
    said = named.select(pl.col(n) for n in _SAID[:-1]).with_columns(concept=named["stated"])
    return named.select(_ON).hstack(said.rename(lambda column: f"{name}_{column}"))


def _labels(desk: Desk) -> pl.DataFrame:
    return desk.warehouse.read("SELECT concept, min(label) AS label FROM concepts GROUP BY concept")
