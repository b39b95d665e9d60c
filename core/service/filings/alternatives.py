"""What a filing gives for an item beside the value that is taken for it, and why that one is."""

from __future__ import annotations

import polars as pl

from core.domain.quality.facts.measures import concept_table
from core.domain.quality.facts.standing import stand_in
from core.domain.quality.model import default_ruleset

AGREES = "adds up with what stands beside it"
HAS_PAST = "is told for the year before as well"
COMES_FIRST = "comes first of the tags for it"
TOLD_FIRST = "is told first under the tag"
STANDS_IN = "nothing of it is told under its own tags"
IN_PART = "no value is taken: what is told does not prove to be the whole of it"
_PERIOD = ["unit", "period_start", "period_end"]
_TAG = ["taxonomy", "concept"]


def with_notes(items: pl.DataFrame) -> pl.DataFrame:
    """Items of filings with `note`: that the value is another item's, which stands for it."""
    note = pl.when(stand_in(default_ruleset())).then(pl.lit(STANDS_IN))
    return items.with_columns(note=note)


def rejected(items: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """What a filing gives for an item and period that is not taken for it.

    Where no value is taken, `concept` and `value` are null.
    Columns: item, period_start, period_end, unit, concept and value (that stand for the item),
    rejected and rejected_value, reason (of the one taken); own periods first. Equal values are no
    alternatives.
    """
    tags = _tags()
    others = stated.select(*_TAG, *_PERIOD, "value").join(tags, on=_TAG)
    both = (
        items.join(tags, on=[*_TAG, "item"], how="left", maintain_order="left")
        .join(_with_past(stated), on=[*_TAG, "unit", "months"], how="left", maintain_order="left")
        .join(
            others, on=["taxonomy", "item", *_PERIOD], nulls_equal=True, suffix="_other",
            maintain_order="left",
        )
        .filter(pl.col("value") != pl.col("value_other"))
        .join(
            _with_past(stated).rename({"concept": "concept_other", "past": "past_other"}),
            on=["taxonomy", "concept_other", "unit", "months"], how="left", maintain_order="left",
        )
    )  # fmt: skip
    set_aside = both.select(
        "item", "period_start", "period_end", "unit", "concept", "value",
        rejected="concept_other", rejected_value="value_other", reason=_reason(),
    ).unique(maintain_order=True)  # fmt: skip
    return pl.concat([set_aside, _in_part(items, stated, set_aside)])


def _in_part(items: pl.DataFrame, stated: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """Rows as of `rejected` of what is told of a part of an item where nothing stands for it."""
    rules = default_ruleset()
    parts = [
        {"taxonomy": "us-gaap", "concept": tag, "item": name}
        for name, item in rules.items.items()
        if item.agrees
        for tags in (item.parts, *(rules.items[other].tags for other in item.otherwise))
        for tag in tags
    ]
    told = stated.select(*_TAG, *_PERIOD, "value").join(
        pl.DataFrame(parts), on=_TAG, maintain_order="left"
    )
    bare = told.join(items, on=["item", "period_start", "period_end"], how="anti", nulls_equal=True)
    none = [pl.lit(None, like.schema[name]).alias(name) for name in ("concept", "value")]
    return bare.select(
        "item", "period_start", "period_end", "unit", *none,
        rejected="concept", rejected_value="value", reason=pl.lit(IN_PART),
    ).unique(maintain_order=True)  # fmt: skip


def _reason() -> pl.Expr:
    later = pl.col("rank") > pl.col("rank_other")
    return (
        pl.when(pl.col("concept") == pl.col("concept_other")).then(pl.lit(TOLD_FIRST))
        .when(later & pl.col("past") & ~pl.col("past_other")).then(pl.lit(HAS_PAST))
        .when(later).then(pl.lit(AGREES))
        .otherwise(pl.lit(COMES_FIRST))
    )  # fmt: skip


def _tags() -> pl.DataFrame:
    rules = default_ruleset()
    named = pl.col("item").replace_strict(dict(enumerate(rules.items)), return_dtype=pl.String)
    return concept_table(rules).select(*_TAG, "rank", item=named)


def _with_past(stated: pl.DataFrame) -> pl.DataFrame:
    """Tags by unit and months, and whether they are told for several periods of the length."""
    several = pl.col("period_end").n_unique() > 1
    return stated.group_by(*_TAG, "unit", "months").agg(past=several)
