"""Which headline figures the findings put in doubt, and the best letter that leaves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import CASH, Rule, Ruleset
from core.domain.quality.outcome import Judged
from core.domain.quality.rules.vouching import vouched

DERIVED = {"Equity": "EquityAll"} | {
    f"{name}{side}": name for name in CASH for side in ("Begin", "End")
}


def doubts(book: PeriodTable, judged: Judged) -> Floats:
    """The highest score that the doubts of headline figures leave each filing; 100 without any.

    A rule that weighs and fails on a headline figure makes it doubtful, unless another equation
    holds with it; where a second rule fails on the same figure, it is wrong.
    """
    highest = np.full(book.filings.height, 100.0)
    lost = _of_rules(judged.failed, [r.id for r in book.rules.rules.values() if r.group in LOST])
    if lost.height:
        highest[_doubted(book, lost)[0]] = book.rules.missing
    grave = _of_rules(judged.failed, [r.id for r in book.rules.rules.values() if _grave(r)])
    if grave.is_empty():
        return highest
    fid, rule, figure = _doubted(book, grave)
    one, of = np.unique(packed([fid, figure, rule]), return_index=True)
    fid, figure = fid[of], figure[of]
    if not len(one):
        return highest
    _, first, often = np.unique(packed([fid, figure]), return_index=True, return_counts=True)
    caps = np.array([100.0, *book.rules.doubtful])
    np.minimum.at(highest, fid[first], caps[np.minimum(often, len(caps) - 1)])
    return highest


def _grave(rule: Rule) -> bool:
    """Whether what fails the rule is wrong, and not only missing."""
    return rule.severity in GRAVE and rule.group not in LOST


GRAVE = ("critical", "major")
LOST = ("required", "missing")


def _of_rules(failed: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    return failed.filter(failed["rule"].is_in(names)) if failed.height else failed


def _doubted(book: PeriodTable, grave: pl.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
    """(fid, rule, figure) of failures: of the items that they name and of the facts they rest on.

    Rules and figures are numbered; there may be several of a failure, and some twice.
    """
    figures, by_name = _figures(book.rules)
    numbers = {name: n for n, name in enumerate(book.rules.rules)}
    own = grave.select(
        "fid", pl.col("rule").replace_strict(numbers, return_dtype=pl.Int64), "start", "end",
        "items", "rows",
    )  # fmt: skip
    named = own.drop("rows").explode("items").drop_nulls("items")
    equations = [n for n, rule in enumerate(book.rules.rules.values()) if rule.equations]
    named = named.filter(~(vouched(book, named) & named["rule"].is_in(equations).to_numpy()))
    of_name = named["items"].replace_strict(by_name, default=-1, return_dtype=pl.Int64).to_numpy()
    stated = own.drop("items").explode("rows").drop_nulls("rows")
    of_fact = _of_facts(book, figures)[stated["rows"].to_numpy()]
    fid, rule = (
        np.concatenate([part[name].to_numpy().astype(np.int64) for part in (named, stated)])
        for name in ("fid", "rule")
    )
    figure = np.concatenate([of_name, of_fact])
    told: Flags = figure >= 0
    return fid[told], rule[told], figure[told]


@lru_cache(maxsize=4)
def _figures(rules: Ruleset) -> tuple[Numbers, dict[str, int]]:
    """(the number of the figure of each item, by its place; the same by name); -1: none."""
    names = sorted({item.figure for item in rules.items.values()} - {""})
    number = {name: n for n, name in enumerate(names)}
    by_name = {name: number.get(item.figure, -1) for name, item in rules.items.items()}
    derived = {name: by_name[of] for name, of in DERIVED.items() if of in by_name}
    return np.array(list(by_name.values())), by_name | derived


def _of_facts(book: PeriodTable, figures: Numbers) -> Numbers:
    """The figure of each fact; -1: none."""
    known, found = book.known, np.full(book.facts.height, -1)
    item = known.table["item"].to_numpy()[known.place]
    some = np.flatnonzero(figures[item] >= 0)
    found[known.row[some]] = figures[item[some]]
    return found
