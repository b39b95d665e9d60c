"""What stands for an item that a filing tells nothing of: profit of all owners for net income.

The one list is `stands` and `otherwise` in `concepts.toml`. What a grade keeps as the items of a
filing goes by it, and with it the page of the filing, feature records and comparisons; so do the
headlines of a filing's status.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.consistent import whole, without_parts
from core.domain.quality.facts.packing import found_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Ruleset


def with_stand_ins(book: PeriodTable, rows: Numbers) -> tuple[Numbers, Numbers]:
    """(rows of `long`, the place of the item of each): some rows, and stand-ins among them again.

    One of `stands` is taken in the filing's own period where it tells none of the item for that
    period, and in others where it tells none of it at all: a change over time is of one item. One
    of `otherwise` only in filings that tell nothing of the item and of those before it, nor any
    amount of `unless`: with discontinued operations those of the continuing ones are a part. What
    adds up with others (`agrees`) must do so for that, too: the line of a trade may be one of many.
    """
    places = {name: place for place, name in enumerate(book.rules.items)}
    rows = without_parts(book, rows)
    lines = _by_item(book, rows)
    taken, of = [rows], [book.item[rows].astype(np.int64)]
    for name, item in book.rules.items.items():
        before, told = [places[name]], {places[some] for some in item.unless if some in places}
        hindered = _filings_with(book, rows, told) if told else None
        for other in (*item.stands, *item.otherwise):
            if other in places:
                alone = other in item.otherwise
                found = _standing(book, lines, before, places[other], alone=alone)
                if alone and hindered is not None:
                    found = found[~np.isin(book.fid[found], hindered)]
                if alone:
                    proved = other in item.proved
                    found = found[whole(book, rows, found, item, proved=proved)]
                taken.append(found)
                of.append(np.full(len(found), places[name]))
                before.append(places[other])
    return np.concatenate(taken), np.concatenate(of)


def _filings_with(book: PeriodTable, rows: Numbers, items: set[int]) -> Numbers:
    """The filings that tell an amount of any of the items that is not 0."""
    told = rows[np.isin(book.item[rows], list(items))]
    amounts = book.long["value"].to_numpy()[told]
    filings: Numbers = np.unique(book.fid[told[amounts != 0]])
    return filings


def _by_item(book: PeriodTable, rows: Numbers) -> list[Numbers]:
    """Some rows of `long` of each item, by its place."""
    item = book.item[rows]
    order = np.argsort(item, kind="stable")
    begin = np.searchsorted(item[order], np.arange(1, len(book.rules.items)))
    return np.split(rows[order], begin)


def _standing(
    book: PeriodTable, lines: list[Numbers], before: list[int], other: int, *, alone: bool
) -> Numbers:
    """The rows of `other` that stand for the first item of `before`, all of which go first.

    lines: the rows to choose from of each item.
    """
    told, instead = np.concatenate([lines[place] for place in before]), lines[other]
    telling = np.zeros(book.filings.height, bool)
    telling[book.fid[told]] = True
    given = telling[book.fid[instead]]
    if not alone:
        period = (book.fid, book.start, book.end)
        there = found_rows([p[told] for p in period], [p[instead] for p in period]) >= 0
        given = np.where(book.own[instead], there, given)
    stands: Numbers = instead[~given]
    return stands


def stand_in(rules: Ruleset) -> pl.Expr:
    """Whether `concept` stands for `item` and is not one of its own tags."""
    own = [
        f"{name} {tag}"
        for name, item in rules.items.items()
        for tag in (*item.tags, *item.ifrs, *item.dei)
        if item.stands or item.otherwise
    ]
    some = [name for name, item in rules.items.items() if item.stands or item.otherwise]
    both = pl.format("{} {}", "item", "concept")
    return pl.col("item").is_in(some) & ~both.is_in(own)
