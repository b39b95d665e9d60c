"""Which headline figures the findings put in doubt, and the best letter that leaves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import CASH, Rule, Ruleset
from core.domain.quality.outcome import Judged
from core.domain.quality.rules.vouching import vouched
from core.domain.quality.words import with_columns_from

DERIVED = {"Equity": "EquityAll"} | {
    f"{name}{side}": name for name in CASH for side in ("Begin", "End")
}


def doubts(book: PeriodTable, judged: Judged) -> Floats:
    """The highest score that the doubts of headline figures leave each filing; 100 without any.

    A rule that weighs and fails on a headline figure makes it doubtful, unless another equation
    holds with it; where a second rule fails on the same figure, it is wrong.
    """
    highest = np.full(book.filings.height, 100.0)
    rules = list(book.rules.rules.values())
    lost, grave = np.array([(r.group in LOST, _grave(r)) for r in rules], bool).reshape(-1, 2).T
    number = judged.failed["rule"].cast(pl.Enum([r.id for r in rules])).to_physical().to_numpy()
    chosen = np.flatnonzero((lost | grave)[number])
    if not len(chosen):
        return highest
    fid, rule, figure = _doubted(book, judged.failed[as_index(chosen)], number[chosen])
    highest[fid[lost[rule]]] = book.rules.missing
    fid, rule, figure = (column[grave[rule]] for column in (fid, rule, figure))
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


def _doubted(
    book: PeriodTable, failed: pl.DataFrame, number: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """(fid, rule, figure) of failures: of the items that they name and of the facts they rest on.

    Rules (`number` of each failure) and figures are numbered; there may be several of a failure,
    and some twice.
    """
    figures, by_name = _figures(book.rules)
    place, items = _spread(failed["items"])
    of_name = np.array([by_name.get(item, -1) for item in items], np.int64)
    equation = np.array([bool(rule.equations) for rule in book.rules.rules.values()])
    asked = np.flatnonzero(equation[number[place]] & (of_name >= 0))
    if len(asked):
        named = failed[["fid", "start", "end"]][as_index(place[asked])]
        named = with_columns_from(named, items=items[as_index(asked)])
        of_name[asked[vouched(book, named)]] = -1
    at, rows = _spread(failed["rows"])
    of_fact = _of_facts(book, figures)[rows.to_numpy()] if len(at) else at
    place = np.concatenate([place, at])
    figure = np.concatenate([of_name, of_fact])
    told: Flags = figure >= 0
    place = place[told]
    fid = failed["fid"].to_numpy().astype(np.int64)
    return fid[place], number[place].astype(np.int64), figure[told]


def _spread(lists: pl.Series) -> tuple[Numbers, pl.Series]:
    """(the row of each element, the elements) of a column of lists."""
    often = lists.list.len().fill_null(0).to_numpy()
    place: Numbers = np.repeat(np.arange(len(often)), often)
    return place, lists.filter(pl.Series(often > 0)).explode()


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
