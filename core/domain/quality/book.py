"""Facts laid out for the rules: filings numbered, items chosen, one row a period with its items.

`Book.points` has one row per (filing, date), `Book.spans` one per (filing, start, end); each has a
column per item. `Book.long` keeps which fact (row of `facts`) every item came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.model import Ruleset
from core.domain.quality.packing import packed, pivoted
from core.domain.quality.registry import register

MONEY = r"^[A-Z]{3}$"
LENGTHS: Mapping[int, tuple[int, int]] = {
    3: (65, 115),
    6: (155, 205),
    9: (245, 295),
    12: (340, 390),
}
DERIVED = ("Equity", "CashEnd", "CashBegin", "CashRestrictedEnd", "CashRestrictedBegin")


@dataclass(frozen=True, slots=True)
class Book:
    """What every rule reads."""

    rules: Ruleset
    as_of: date
    facts: pl.DataFrame  # FACTS columns + row, fid, money, item (null), rank
    filings: pl.DataFrame  # one row per fid: form, filed, report_date, period_end, unit, style …
    other: pl.DataFrame  # filings without facts (for Q44, Q45, Q46)
    known: pl.DataFrame  # facts of standard items: fid, row, item, unit_kind, given, currency …
    long: pl.DataFrame  # fid, item, start, end, value, row, rank (of the tag), months, own
    points: pl.DataFrame
    spans: pl.DataFrame


def open_book(
    facts: pl.DataFrame,
    filings: pl.DataFrame,
    companies: pl.DataFrame,
    rules: Ruleset,
    as_of: date | None = None,
    last: date | None = None,
) -> Book:
    """A book of the frames FACTS, FILINGS, COMPANIES as they were known on `as_of`.

    `last` is the day up to which anything is known, where the frames are a part of more.
    """
    if as_of is not None:
        facts = facts.filter(pl.col("filed") <= as_of)
        filings = filings.filter(pl.col("filed") <= as_of)
    last = last or as_of or latest(facts, filings)
    money = facts["unit"].unique().to_frame().filter(pl.col("unit").str.contains(MONEY))["unit"]
    facts = facts.with_row_index("row").with_columns(
        money=pl.col("unit").is_in(money.implode()), key=_key()
    )
    facts = facts.with_columns(key=_dense(facts["key"]))
    registry, other = register(facts, filings, companies, rules)
    fids = registry.sort("key")["fid"].gather(facts["key"])
    facts, registry = facts.drop("key").with_columns(fids), registry.drop("key")
    known = _know(facts, rules)
    chosen = _choose(known)
    registry = _period_ends(registry, chosen)
    long = _mark(chosen, registry)
    points, spans = _lay_out(long, registry, rules)
    return Book(rules, last, facts, registry, other, known, long, points, spans)


def _key() -> pl.Expr:
    """A number for each (cik, accession): the frame is large, and numbers group far faster."""
    return pl.col("accession").hash() ^ (pl.col("cik").cast(pl.UInt64) * 2**32)


def _dense(keys: pl.Series) -> pl.Series:
    """The keys as 0, 1, 2 … in order of their first appearance."""
    different = keys.gather(keys.arg_unique()).to_frame().with_row_index("dense")
    found = keys.to_frame().join(different, on=keys.name, how="left", maintain_order="left")
    return found["dense"]


def latest(facts: pl.DataFrame, filings: pl.DataFrame) -> date:
    """The last day of filing in the frames."""
    days = [day for frame in (facts, filings) if isinstance(day := frame["filed"].max(), date)]
    return max(days, default=date(1970, 1, 1))


def concept_table(rules: Ruleset) -> pl.DataFrame:
    """taxonomy, concept, item, rank, kind, unit_kind: one row per tag of an item."""
    rows = [
        (taxonomy, tag, name, rank, item.kind, item.unit)
        for name, item in rules.items.items()
        for taxonomy, tags in (("us-gaap", item.tags), ("ifrs-full", item.ifrs), ("dei", item.dei))
        for rank, tag in enumerate(tags)
    ]
    names = ("taxonomy", "concept", "item", "rank", "item_kind", "unit_kind")
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("rank").cast(pl.Int32)
    )
    return table.with_columns(pl.col("item").cast(pl.Enum(list(rules.items))))


def unit_kinds(facts: pl.DataFrame) -> pl.DataFrame:
    """unit, given: money, shares, per_share or other, for every unit that occurs."""
    unit = pl.col("unit")
    given = (
        pl.when(unit.str.contains(MONEY)).then(pl.lit("money"))
        .when(unit.str.to_lowercase() == "shares").then(pl.lit("shares"))
        .when(unit.str.to_lowercase().str.contains(r"^[a-z]{3}(/|-?per-?)shares?$"))
        .then(pl.lit("per_share")).otherwise(pl.lit("other"))
    )  # fmt: skip
    return facts.select("unit").unique().with_columns(given=given)


def _know(facts: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Facts that may carry an item, with the unit they have and the one they should have."""
    narrow = facts.select(
        "fid", "row", "taxonomy", "concept", "unit", "money", "seq", "value",
        start="period_start", end="period_end",
    )  # fmt: skip
    # One key, then a filter: a join on two texts has to encode whole rows.
    narrow = narrow.join(concept_table(rules), on="concept")
    narrow = narrow.filter(pl.col("taxonomy") == pl.col("taxonomy_right")).drop("taxonomy_right")
    narrow = narrow.join(unit_kinds(narrow), on="unit")
    # Data sets without units per share give plain currencies for them: taken as meant.
    bare = ~(pl.col("given") == "per_share").any().over("fid")
    meant = bare & (pl.col("unit_kind") == "per_share") & (pl.col("given") == "money")
    narrow = narrow.with_columns(given=pl.when(meant).then(pl.lit("per_share")).otherwise("given"))
    return narrow.join(_currencies(narrow), on="fid", how="left")


def _choose(known: pl.DataFrame) -> pl.DataFrame:
    """fid, item, start, end, value, row: the first reported tag of each item and period.

    What is no number (NaN, infinite) counts as not reported.
    """
    fits_kind = pl.col("start").is_null() == (pl.col("item_kind") == "instant")
    fits_unit = (pl.col("given") == pl.col("unit_kind")) & (
        (pl.col("given") != "money") | (pl.col("unit") == pl.col("currency"))
    )
    keys = ["fid", "item", "start", "end"]
    fitting = known.filter(fits_kind, fits_unit, pl.col("value").is_finite()).select(
        *keys, "value", "row", "rank", "seq"
    )
    place = packed(fitting, keys)
    fitting = fitting.with_columns(place=place)
    order = np.argsort(packed(fitting, ["place", "rank", "seq"]), kind="stable")
    first = np.diff(place[order], prepend=-1) != 0
    chosen: pl.DataFrame = fitting.drop("place", "seq")[order[first]]
    return chosen


def _currencies(narrow: pl.DataFrame) -> pl.DataFrame:
    counts = narrow.filter("money").group_by("fid", "unit").len()
    counts = counts.sort(["fid", "len", "unit"], descending=[False, True, False])
    return counts.unique("fid", keep="first", maintain_order=True).select("fid", currency="unit")


def _period_ends(registry: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Adds sheet_date (the modal latest instant) and period_end (report date, else sheet date)."""
    sheets = (
        chosen.filter(pl.col("start").is_null())
        .group_by("fid", "end")
        .len()
        .filter(pl.col("len") * 2 >= pl.col("len").max().over("fid"), pl.col("len") > 1)
        .group_by("fid")
        .agg(sheet_date=pl.col("end").max())
    )
    flows = (
        chosen.filter(pl.col("start").is_not_null())
        .group_by("fid", "end").len()
        .filter(pl.col("len") * 2 >= pl.col("len").max().over("fid"))
        .group_by("fid").agg(flow_end=pl.col("end").max())
    )  # fmt: skip
    joined = registry.join(sheets, on="fid", how="left").join(flows, on="fid", how="left")
    near = (pl.col("report_date") - pl.col("sheet_date")).dt.total_days().abs() <= 3
    periodic = pl.col("periodic") & pl.col("report_date").is_not_null()
    found = pl.coalesce("sheet_date", "flow_end", "report_date")
    return joined.with_columns(
        period_end=pl.when(near | ~periodic)
        .then(found)
        .otherwise(pl.coalesce("report_date", found))
    ).sort("fid")


def _mark(chosen: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Adds months (0 for instants, 3, 6, 9, 12, else -1) and own (the filing's period)."""
    days = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    months: Any = pl.when(pl.col("start").is_null()).then(0)
    for length, (low, high) in LENGTHS.items():
        months = months.when(days.is_between(low, high)).then(length)
    ends = registry.select("fid", "period_end")
    return (
        chosen.join(ends, on="fid", maintain_order="left")
        .with_columns(
            months=months.otherwise(-1).cast(pl.Int8),
            own=((pl.col("end") - pl.col("period_end")).dt.total_days().abs() <= 3).fill_null(
                False
            ),
        )
        .drop("period_end")
    )


def _lay_out(
    long: pl.DataFrame, registry: pl.DataFrame, rules: Ruleset
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(points, spans): one row per filing and period, one column per item, derived ones too."""
    kinds = {kind: [n for n, i in rules.items.items() if i.kind == kind] for kind in KINDS}
    unit = registry.select("fid", "unit")
    instants, flows = long.filter(pl.col("months") == 0), long.filter(pl.col("months") != 0)
    items = list(rules.items)
    points = pivoted(instants, items, kinds["instant"], ["fid", "end", "own"])
    points = points.with_columns(Equity=pl.coalesce("EquityAll", "EquityParent"))
    index = ["fid", "start", "end", "own", "months"]
    spans = pivoted(flows, items, kinds["duration"], index)
    spans = _cash(spans, points)
    return points.join(unit, on="fid"), spans.join(unit, on="fid")


KINDS = ("instant", "duration")


def _cash(spans: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Cash at both ends of every span, from the sheets of the same filing."""
    held = points.select("fid", "Cash", "CashRestricted", day="end")
    held = held.filter(pl.any_horizontal(pl.col("Cash", "CashRestricted").is_not_null()))
    before = spans.with_columns(day=pl.col("start").dt.offset_by("-1d"))
    spans = before.join(held, on=["fid", "day"], how="left").drop("day")
    spans = spans.rename({"Cash": "CashBegin", "CashRestricted": "CashRestrictedBegin"})
    ends = held.rename({"day": "end", "Cash": "CashEnd", "CashRestricted": "CashRestrictedEnd"})
    return spans.join(ends, on=["fid", "end"], how="left")
