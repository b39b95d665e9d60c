"""Total equity told otherwise later, where its report told the parent's equity beside it.

The parent's equity is the headline then, and later reports often tell only the total of that day,
in their statement of changes in equity. So the total stands for it, but where it tells nothing of
the parent: others' share alone was moved, or the later report slipped.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.packing import as_index
from core.domain.quality.status.reports import Stated

HEADLINE = "equity"
PARENT = "StockholdersEquity"
TOTAL = "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"
SAME = 0.005  # of the parent's equity: as told before
FIGURE = ("rid", "unit", "period_end")


def with_total_equity(steps: pl.DataFrame, stated: Stated, reports: pl.DataFrame) -> pl.DataFrame:
    """Steps (of `Retold`, with what is stated) with totals among the headlines that change equity.

    What one telling says of a figure holds until it is told as before again.
    """
    totals = pl.col("concept").eq(TOTAL) & pl.col("taxonomy").eq("us-gaap")
    asked = totals & pl.col("headline").is_null() & pl.col("period_start").is_null()
    some = steps.with_row_index("step_row").filter(asked)
    if some.is_empty():
        return steps
    counts = pl.when(pl.col("step") == 1).then(_changes_equity())
    held = some.join(_beside(some, stated, reports), on="step_row", maintain_order="left")
    held = held.sort(*FIGURE, "by").with_columns(counts=counts)
    held = held.filter(pl.col("counts").forward_fill().over(FIGURE))
    marked = np.zeros(steps.height, bool)
    marked[held["step_row"].to_numpy()] = True
    named = pl.when(pl.Series(marked)).then(pl.lit(HEADLINE)).otherwise("headline")
    return steps.with_columns(headline=named)


def _changes_equity() -> pl.Expr:
    """Of a first other telling: whether it can be of the parent's equity."""
    as_before = _near("parent_by", "parent")  # others' share alone moved
    parents = _near("new", "parent")  # the parent's equity, under the name of the total
    turned = pl.col("new") == -pl.col("old")
    return ~(as_before | parents | turned | pl.col("of_another_day")).fill_null(value=False)


def _near(one: str, other: str) -> pl.Expr:
    gap = (pl.col(one) - pl.col(other)).abs()
    return (gap <= SAME * pl.col(other).abs()).fill_null(value=False)


def _beside(some: pl.DataFrame, stated: Stated, reports: pl.DataFrame) -> pl.DataFrame:
    """step_row with what stands beside each step: the parent's equity of the day as told first
    and by the later filing (null: it is not told), and whether that tells the new value of another
    day too.
    """
    facts = _equities(some, stated, reports)
    parent = facts.filter(~pl.col("total")).unique(["rid", "unit", "period_end"], keep="first")
    parent = parent.select("rid", "unit", "period_end", parent="value")
    later = parent.rename({"rid": "by", "parent": "parent_by"})
    elsewhere = facts.filter("total").select("unit", by="rid", new="value", day_told="period_end")
    slipped = some.join(elsewhere, on=["by", "unit", "new"])
    slipped = slipped.filter(pl.col("day_told") != pl.col("period_end"))
    found = some.join(parent, on=["rid", "unit", "period_end"], how="left", maintain_order="left")
    found = found.join(later, on=["by", "unit", "period_end"], how="left", maintain_order="left")
    another = pl.col("step_row").is_in(slipped["step_row"].implode())
    return found.select("step_row", "parent", "parent_by", of_another_day=another)


def _equities(some: pl.DataFrame, stated: Stated, reports: pl.DataFrame) -> pl.DataFrame:
    """rid, unit, period_end, value, total: the equities that the filings of some steps tell."""
    named = pl.col("concept").is_in([PARENT, TOTAL]) & pl.col("taxonomy").eq("us-gaap")
    rows = as_index(np.flatnonzero(stated.each(named).to_numpy()))
    facts = stated.facts[["concept", "unit", "period_end", "value"]][rows]
    rids = pl.concat([some["rid"], some["by"]]).unique()
    of = reports.filter(pl.col("rid").is_in(rids.implode())).select("filing", "rid")
    told = facts.with_columns(filing=stated.filing[rows]).join(of, on="filing")
    total = pl.col("concept") == TOTAL
    return told.select("rid", "unit", "period_end", "value", total=total)
