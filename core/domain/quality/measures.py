"""What facts measure: taxonomy, concept and unit, and the items that these may stand for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.arrays import Numbers
from core.domain.quality.model import Ruleset

MONEY = r"^[A-Z]{3}$"
MEASURE = ("taxonomy", "concept", "unit")
UNIT_KINDS = ("money", "shares", "per_share", "other")


def measured(facts: pl.DataFrame) -> tuple[Numbers, pl.DataFrame, pl.Series]:
    """(the number of each fact's measure, the measures, the units by their code).

    The measures have taxonomy, concept, unit, code and given.

    Facts come a concept at a time, so a measure is a run of rows that say the same: what is told
    from texts is told once a run. The same measure may be there more than once. `code` counts the
    units in their order, `given` is a place in UNIT_KINDS.
    """
    other = pl.any_horizontal(pl.col(n).ne_missing(pl.col(n).shift(1)) for n in MEASURE)
    begins = facts.select(other).to_series().to_numpy()
    runs = facts.select(MEASURE)[np.flatnonzero(begins)]
    units = _units(runs["unit"].unique().sort())
    measures = runs.join(units, on="unit", how="left", maintain_order="left")
    return np.cumsum(begins) - 1, measures, units["unit"]


def _units(units: pl.Series) -> pl.DataFrame:
    """unit, code, given: the kind of every unit that occurs."""
    unit, lower = pl.col("unit"), pl.col("unit").str.to_lowercase()
    kind = (
        pl.when(unit.str.contains(MONEY)).then(0)
        .when(lower == "shares").then(1)
        .when(lower.str.contains(r"^[a-z]{3}(/|-?per-?)shares?$")).then(2)
        .otherwise(3)
    )  # fmt: skip
    return units.to_frame().with_row_index("code").with_columns(given=kind.cast(pl.UInt8))


@lru_cache(maxsize=4)
def concept_table(rules: Ruleset) -> pl.DataFrame:
    """taxonomy, concept, item, instant, rank, kind: one row per tag of an item.

    `item` is its place among the items, `kind` the place of its unit in UNIT_KINDS.
    """
    rows = [
        (taxonomy, tag, number, item.kind == "instant", rank, UNIT_KINDS.index(item.unit))
        for number, item in enumerate(rules.items.values())
        for taxonomy, tags in (("us-gaap", item.tags), ("ifrs-full", item.ifrs), ("dei", item.dei))
        for rank, tag in enumerate(tags)
    ]
    return pl.DataFrame(rows, schema=CONCEPT_TABLE, orient="row")


CONCEPT_TABLE = {
    "taxonomy": pl.String, "concept": pl.String, "item": pl.UInt8, "instant": pl.Boolean,
    "rank": pl.Int32, "kind": pl.UInt8,
}  # fmt: skip


def carriers(measures: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """The measures that may carry an item, one row for each: columns of both, and `measure`."""
    table = concept_table(rules)
    numbered = measures.with_row_index("measure")
    # One key, then a filter: a join on two texts has to encode whole rows.
    both = numbered.join(table, on="concept", maintain_order="left_right")
    return both.filter(pl.col("taxonomy") == pl.col("taxonomy_right")).drop("taxonomy_right")
