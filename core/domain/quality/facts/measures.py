"""What facts measure: taxonomy, concept and unit, and the items that these may stand for."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.packing import as_index, matched
from core.domain.quality.model import Ruleset

MONEY = re.compile(r"[A-Z]{3}")
PER_SHARE = re.compile(r"[a-z]{3}(/|[-_ ]?per[-_ ]?)shares?")
PER_RECEIPT = re.compile(r"(?i)[a-z]{3}(/|[-_ ]?per[-_ ]?)(ad[rs]s?\Z|american)")
HUNDREDTHS = {"GBX": "GBP", "GBp": "GBP", "ZAC": "ZAR", "ILA": "ILS"}
MEASURE = ["taxonomy", "concept", "unit"]
UNIT_KINDS = ("money", "shares", "per_share", "other")


def measured(facts: pl.DataFrame) -> tuple[Numbers, pl.DataFrame, pl.Series]:
    """(the number of each fact's measure, the measures, the units by their code).

    The measures have taxonomy, concept, unit, name (the hash of the concept), code and given.

    Facts come a concept at a time, so a measure is a run of rows that say the same: what is told
    from texts is told once a run. The same measure may be there more than once. `code` counts the
    units in their order, `given` is a place in UNIT_KINDS.
    """
    other = pl.any_horizontal(pl.col(n).ne_missing(pl.col(n).shift(1)) for n in MEASURE)
    begins = facts.select(other).to_series().to_numpy()
    runs = facts[MEASURE][as_index(np.flatnonzero(begins))]
    hashes = runs.select(pl.col("concept").hash(), pl.col("unit").hash())
    units, code = _units(runs["unit"], hashes["unit"].to_numpy())
    given = np.array([_kind(unit) for unit in units], np.uint8)[code]
    said = [hashes["concept"].alias("name"), pl.Series("code", code), pl.Series("given", given)]
    return np.cumsum(begins) - 1, runs.hstack(said), units


def _units(units: pl.Series, hashes: Numbers) -> tuple[pl.Series, Numbers]:
    """(the units that occur, in order; the place of each of the given ones among them)."""
    _, first, of = np.unique(hashes, return_index=True, return_inverse=True)
    different = units[as_index(first)].to_list()
    order = sorted(range(len(different)), key=different.__getitem__)
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order))
    return units[as_index(first[order])], place[of]


def currencies(units: pl.Series) -> Numbers:
    """Of each unit the place of its currency among the units; -1: it has none among them.

    Amounts and amounts per share have one; hundredths are of what they are hundredths of.
    """
    said = units.to_list()
    places = {unit: place for place, unit in enumerate(said)}
    found = [-1 if _kind(unit) in NOT_MONEY else _place(unit, places) for unit in said]
    return np.array(found, np.int64)


NOT_MONEY = (UNIT_KINDS.index("shares"), UNIT_KINDS.index("other"))


def _place(unit: str, places: dict[str, int]) -> int:
    coin = unit[:3]
    return places.get(HUNDREDTHS.get(coin, coin.upper()), -1)


@lru_cache(maxsize=1024)
def _kind(unit: str) -> int:
    """The place of the kind of a unit in UNIT_KINDS."""
    if MONEY.fullmatch(unit):
        return 0
    lower = unit.lower()
    if lower == "shares":
        return 1
    return 2 if PER_SHARE.fullmatch(lower) else 3


@lru_cache(maxsize=1024)
def per_receipt(unit: str) -> bool:
    """Whether amounts in a unit are for each depositary receipt, which stands for some shares."""
    return PER_RECEIPT.match(unit) is not None


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


@lru_cache(maxsize=4)
def _tags(rules: Ruleset) -> Numbers:
    """A number for each row of the table of concepts, from its taxonomy and concept."""
    table = concept_table(rules)
    return _tag(table["taxonomy"], table["concept"].hash())


def _tag(taxonomy: pl.Series, name: pl.Series) -> Numbers:
    return name.to_numpy() ^ (taxonomy.hash(seed=1).to_numpy() * np.uint64(3))


def carriers(measures: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """The measures that may carry an item, one row for each: columns of both, and `measure`."""
    measure, place = matched(_tag(measures["taxonomy"], measures["name"]), _tags(rules))
    said = measures[["unit", "code", "given"]][as_index(measure)]
    numbers = pl.Series("measure", measure, pl.UInt32)
    return concept_table(rules)[as_index(place)].hstack([numbers, *said])
