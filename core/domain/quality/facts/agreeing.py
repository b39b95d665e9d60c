"""Of several tags reported for an item, the one that the rest of the statement agrees with.

The first tag of the list is what it is called most often, not what it is: Procter & Gamble gave its
sales in America as `Revenues` and those of the whole as `SalesRevenueNet`. So a tag that adds up
with what stands beside it (the item's `agrees`), or with two other tags as its parts, goes before
one that does not, and one smaller than what it must cover (`covers`) goes last. Where nothing of
that decides, a tag told for this one year only yields to one told for the years beside it as well:
statements have comparatives, notes and disaggregations need none (Occidental's `Revenues` of 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import found_rows, matched, packed
from core.domain.quality.model import Equation, Item, Ruleset

SLACK = 1e-3  # of the value: figures are rounded one by one
PARTS_SLACK = 1e-6
POWER_SLACK = 0.01
POWERS = (1e3, 1e6)  # another tag that is the same but for its scale tells of a mistake, as it is
AGREES, IS_WHOLE, FALLS_SHORT, ALONE = 2.0, 1.0, -3.0, -0.5
YEAR_DAYS = (350, 380)  # from a period to the one a year before


def preferred(
    first: Numbers, ordered: Numbers, group: Numbers, item: Numbers, rank: Numbers,
    period: Sequence[Numbers], value: Floats, rules: Ruleset,
) -> Numbers:  # fmt: skip
    """`first` (the row of each group), with the row that agrees where another tag does so better.

    `ordered` are all rows by group and rank of tag, `group` the group of each; of a row, `item` is
    its item, `rank` that of its tag, `period` its filing, start and end, `value` what it states.
    """
    several = np.flatnonzero(np.bincount(group, minlength=len(first))[group] > 1)
    of = item[ordered[several]]
    for place, wanted in enumerate(rules.items.values()):
        if wanted.agrees:
            rows = several[of == place]
            rows = rows[_differing(group[rows], value[ordered[rows]], value[first])]
            if len(rows):
                beside = _Beside(first, item, period, value, rules)
                alone = _alone(ordered[rows], np.flatnonzero(item == place), rank, period)
                first = _agreeing(first, ordered[rows], group[rows], wanted, beside, alone)
    return first


def _differing(group: Numbers, value: Floats, first: Floats) -> Flags:
    """Rows of groups in which any value is another than the first."""
    other = np.unique(group[value != first[group]])
    differ: Flags = np.isin(group, other)
    return differ


class _Beside:
    """What else is chosen of the same filing and period."""

    def __init__(
        self, first: Numbers, item: Numbers, period: Sequence[Numbers], value: Floats,
        rules: Ruleset,
    ) -> None:  # fmt: skip
        self._first, self._item, self.period, self.value = first, item, period, value
        self._places = {name: place for place, name in enumerate(rules.items)}

    def of(self, name: str, rows: Numbers) -> Floats:
        """The amount of an item beside some rows; NaN where there is none."""
        if name not in self._places:
            return np.full(len(rows), np.nan)
        known = self._first[self._item[self._first] == self._places[name]]
        place = found_rows([p[known] for p in self.period], [p[rows] for p in self.period])
        return np.append(self.value[known], np.nan)[place]


def _agreeing(
    first: Numbers, rows: Numbers, group: Numbers, item: Item, beside: _Beside, alone: Flags
) -> Numbers:
    value = beside.value[rows]
    lead = beside.value[first[group]]
    points = AGREES * _adds_up(value, rows, item.agrees, beside)
    points += IS_WHOLE * _sum_of_others(group, value)
    points += FALLS_SHORT * _too_small(value, rows, item.covers, beside)
    points += ALONE * alone
    points[_rescaled(value, lead)] = -np.inf  # a mistake must not be chosen away
    order = np.argsort(-points, kind="stable")  # the best one first, of several the first
    replaced = first.copy()
    replaced[group[order[::-1]]] = rows[order[::-1]]
    return replaced


def _adds_up(value: Floats, rows: Numbers, equations: Sequence[Equation], beside: _Beside) -> Flags:
    """Whether any of the equations with the value as its whole holds."""
    holds = np.zeros(len(rows), bool)
    for equation in equations:
        total = np.zeros(len(rows))
        for term in equation.terms:
            total += term.sign * beside.of(term.item, rows)
        holds |= np.abs(value - total) <= SLACK * np.abs(value)
    return holds


def _too_small(value: Floats, rows: Numbers, covers: Sequence[str], beside: _Beside) -> Flags:
    """Whether a value is below what it must hold."""
    small = np.zeros(len(rows), bool)
    for name in covers:
        small |= beside.of(name, rows) > value + SLACK * np.abs(value)
    return small


def _alone(rows: Numbers, among: Numbers, rank: Numbers, period: Sequence[Numbers]) -> Flags:
    """Whether the filing tells a tag for neither the year before a period nor the one after."""
    fid, start, end = period
    filing = among[np.isin(fid[among], fid[rows])]
    both = np.concatenate([rows, filing])
    tag = packed([fid[both], rank[both]])
    place, other = matched(tag[: len(rows)], tag[len(rows) :])
    years = np.ones(len(place), bool)
    for day in (start, end):
        apart = np.abs(day[filing[other]] - day[rows[place]])
        years &= (apart >= YEAR_DAYS[0]) & (apart <= YEAR_DAYS[1])
    alone = np.ones(len(rows), bool)
    alone[place[years]] = False
    return alone


def _sum_of_others(group: Numbers, value: Floats) -> Flags:
    """Whether a value is the sum of two others of its group, both above nothing."""
    part = np.flatnonzero(value > 0)
    one, other = matched(group[part], group[part])
    pairs = one < other
    one, other = part[one[pairs]], part[other[pairs]]
    place, sums = matched(group, group[one])
    total = value[one[sums]] + value[other[sums]]
    near = np.abs(value[place] - total) <= PARTS_SLACK * np.abs(value[place])
    found = np.zeros(len(group), bool)
    found[place[near]] = True
    return found


def _rescaled(value: Floats, lead: Floats) -> Flags:
    """Whether a value is the first one's negative, or a thousand or million times more or less."""
    with np.errstate(all="ignore"):
        ratio = value / lead
        power = [
            np.abs(r / scale - 1) <= POWER_SLACK
            for scale in POWERS
            for r in (np.abs(ratio), 1 / np.abs(ratio))
        ]
    rescaled: Flags = np.logical_or.reduce([*power, np.abs(ratio + 1) <= SLACK])
    return rescaled
