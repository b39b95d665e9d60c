"""Years that were told anew: parts told before that are no parts of them any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.table import PeriodTable


@dataclass(frozen=True, slots=True)
class Flows:
    """Rows of `Book.long` that are flows of some items, as arrays."""

    place: Numbers  # in `long`
    fid: Numbers
    item: Numbers
    tag: Numbers  # a number for each item and rank of its tag
    start: Numbers  # days since 1970
    end: Numbers
    months: Numbers
    value: Floats
    unit: Floats
    company: Numbers


def by_much(book: PeriodTable, flows: Flows, long: Numbers, departs: Flags, ratio: Floats) -> Flags:
    """Departures from an earlier filing that was recast since: rule Q47 tells of those.

    A change of method moves three items or more, operations that were sold any of them, a
    reclassification one by a little; a fault moves one by an order of magnitude or through zero.
    """
    moved = departs & (ratio >= 0.1) & (ratio <= 10.0)
    fid, item = flows.fid[long], flows.item[long]
    items = np.zeros((book.filings.height, len(book.rules.items)), bool)
    items[fid[moved], item[moved]] = True
    many = (items.sum(axis=1) >= RECAST)[fid]
    little = (ratio >= 1 / RECLASSED) & (ratio <= RECLASSED)
    anew: Flags = moved & (many | book.selling[fid] | little)
    return anew


def by_its_quarters(flows: Flows, long: Numbers, last: Numbers, departs: Flags) -> Flags:
    """Departures where the quarters that the filing itself tells make the longer period.

    A year that is recast comes with its quarters recast: those that were told before are no parts
    of it.
    """
    found = np.zeros(len(long), bool)
    quarterly = np.flatnonzero(flows.months == 3)
    for n in np.flatnonzero(departs):
        one = long[n]
        here = quarterly[
            (flows.fid[quarterly] == flows.fid[one])
            & (flows.item[quarterly] == flows.item[one])
            & (flows.start[quarterly] >= flows.start[one])
            & (flows.end[quarterly] < flows.end[one])
        ]
        _, once = np.unique(flows.end[here], return_index=True)
        summed = flows.value[here[once]].sum() + flows.value[last[n]]
        whole = len(once) == flows.months[one] // 3 - 1
        room = max(flows.unit[one] * 6.0, 0.001 * abs(flows.value[one]))
        found[n] = whole and abs(summed - flows.value[one]) <= room
    return found


RECAST = 3
RECLASSED = 1.05
