"""Whether the line of a trade is the whole of an item: costs and income must add up to it.

A filer may tell its sales under a tag of its own and the goods or fees among them under one of the
taxonomy's. So such a line is taken where what stands beside it adds up to it (the item's `agrees`),
never where that adds up to another amount, and where nothing adds up it goes by the other periods
of the filing. A filing with no costs at all may tell no other line of sales, or two that give the
line as their sum or difference; lines of `proved` are taken by adding up alone. A tag of the item's
own that is of goods or services alone (`parts`) yields where their cost and the profit are more.
"""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_int, found_rows, matched_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Equation, Item

EXACT = 1e-4  # of the value: other income or sales to affiliates are some thousandths
NEAR = 1e-3  # of the value: the least lines of a sum have no tags
SLIP = 100  # times
SALES = (
    r"^(SalesRevenue\w*|RevenueFrom\w+|RevenueMineral\w+|\w*Revenues?(Net|Gross|Provision\w+)?)$",
    r"ProForma|Deferred|Segment|EquityMethod|DisposalGroup|Lease|RelatedPartyTrans|Interest|Acqui|"
    r"Recogni|Cost|Unbilled|Hedge|Allowance|OtherOperatingSegments|Investment|Percent|Collab",
)


def without_parts(book: PeriodTable, rows: Numbers) -> Numbers:
    """Some rows of `long` without those told to be a part of their item by cost and profit.

    A hundredth or less is a slip of scale, which must be found and not left out.
    """
    rank = book.long["rank"].to_numpy()
    for name, item in book.rules.items.items():
        if not item.parts:
            continue
        ranks = [item.tags.index(tag) for tag in item.parts]
        some = rows[book.of([name])[rows] & np.isin(rank[rows], ranks)]
        value = book.value[some]
        holds, _ = _beside(book, rows, some, item)
        more = np.zeros(len(some), bool)
        for equation in item.agrees:
            if not set(equation.items).isdisjoint(item.covers):
                total = _total(book, rows, some, equation)
                more |= (total > value * (1 + NEAR)) & (total < value * SLIP)
        rows = rows[~np.isin(rows, some[more & ~holds])]
    return rows


def whole(book: PeriodTable, chosen: Numbers, found: Numbers, item: Item, *, proved: bool) -> Flags:
    """Which rows of `long` may stand for an item: `found`, all told under one other item.

    `chosen` are the rows that stand for items so far; `proved` asks that the value adds up.
    """
    if not item.agrees or not len(found):
        return np.ones(len(found), bool)
    adds_up, against = _beside(book, chosen, found, item)
    if proved:
        return adds_up
    fid = book.fid[found]
    elsewhere = np.isin(fid, fid[adds_up]) & ~np.isin(fid, fid[against])
    untold = ~np.isin(fid, fid[adds_up | against])
    untold[untold] = _no_part(book, found[untold])
    adds_up |= ~against & (elsewhere | untold)
    return adds_up


def _beside(book: PeriodTable, chosen: Numbers, found: Numbers, item: Item) -> tuple[Flags, Flags]:
    """(whether any equation gives the value, whether some give others alone or it is too small)."""
    value = book.value[found]
    holds, known = np.zeros(len(found), bool), np.zeros(len(found), bool)
    for equation in item.agrees:
        apart = np.abs(value - _total(book, chosen, found, equation))
        known |= np.isfinite(apart)
        holds |= apart <= EXACT * np.abs(value)
    for name in item.covers:
        known |= _amount(book, chosen, found, name) > value * (1 + EXACT)
    return holds, known & ~holds


def _total(book: PeriodTable, chosen: Numbers, found: Numbers, equation: Equation) -> Floats:
    """What the terms of an equation come to in the period of each row; NaN where one is missing."""
    terms = [term.sign * _amount(book, chosen, found, term.item) for term in equation.terms]
    total: Floats = np.sum(terms, axis=0)
    return total


def _amount(book: PeriodTable, chosen: Numbers, found: Numbers, name: str) -> Floats:
    """What a filing tells of an item in the period of each row; NaN where nothing."""
    told = chosen[book.of([name])[chosen]]
    period = (book.fid, book.start, book.end)
    place = found_rows([p[told] for p in period], [p[found] for p in period])
    return np.append(book.value[told], np.nan)[place]


def _no_part(book: PeriodTable, found: Numbers) -> Flags:
    """Whether a filing tells no other sales in the period, or two whose sum or difference it is."""
    row, lines = _other_sales(book, found)
    value = book.value[found]
    fits: Flags = np.bincount(row, minlength=len(found)) == 0
    for place in np.unique(row):
        line = np.unique(lines[row == place])
        both = np.abs(np.concatenate([line[:, None] + line, line[:, None] - line]))
        fits[place] = (np.abs(both - value[place]) <= NEAR * np.abs(value[place])).any()
    return fits


def _other_sales(book: PeriodTable, found: Numbers) -> tuple[Numbers, Floats]:
    """(places in `found`, amounts): what is told of other sales in the unit and period of each."""
    if not len(found):
        return np.zeros(0, np.int64), np.zeros(0)
    sales, other = SALES
    rows = book.measuring(book.named(sales) & ~book.named(other))
    facts = book.facts[["fid", "period_start", "period_end", "value"]]
    rows = rows[np.isin(facts["fid"].to_numpy()[rows], book.fid[found])]
    unit = book.measures["code"].to_numpy()[book.number]
    own = book.long["row"].to_numpy()[found]
    both = facts[np.concatenate([own, rows])]
    columns = [both["fid"].to_numpy(), as_int(both["period_start"]), as_int(both["period_end"]),
               unit[np.concatenate([own, rows])]]  # fmt: skip
    place, line = matched_rows([c[: len(own)] for c in columns], [c[len(own) :] for c in columns])
    amount = facts["value"].to_numpy()[rows[line]]
    differs = (amount != 0) & (amount != book.value[found[place]])
    return place[differs], amount[differs]
