"""Which operands of broken equations are right: those that another equation holds with.

Where comprehensive income does not add up, but the net income is pretax income less tax, the net
income is not the figure to doubt.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Numbers
from core.domain.quality.facts.forms import vouchers
from core.domain.quality.facts.packing import as_int, found_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Ruleset
from core.domain.quality.rules.shares import earned


def vouched(book: PeriodTable, named: pl.DataFrame) -> Flags:
    """Which rows (fid, start, end, items: one name) are operands of an equation that holds."""
    found = np.zeros(named.height, bool)
    instant = named["start"].is_null().to_numpy()
    for given, of in ((book.points, instant), (book.spans, ~instant)):
        rows = np.flatnonzero(of)
        if len(rows):
            found[rows] = _of_kind(given, named[rows], book.rules)
    return found


def _of_kind(given: Amounts, named: pl.DataFrame, rules: Ruleset) -> Flags:
    """The same of rows that are all points or all spans."""
    place = found_rows(_keys(given.fid, given.keys), _keys(named["fid"].to_numpy(), named))
    some = np.zeros(len(given.fid), bool)
    some[place[place >= 0]] = True
    part = given.of(some)
    right = _right(part, rules, frozenset(named["items"]))
    where = np.cumsum(some) - 1
    found = np.zeros(named.height, bool)
    for row, (item, at) in enumerate(zip(named["items"], place, strict=True)):
        found[row] = at >= 0 and item in right and right[item][where[at]]
    return found


def _keys(fid: Numbers, days: pl.DataFrame) -> tuple[Numbers, ...]:
    """Filing and period as numbers; points have no start."""
    if days["start"].is_null().all():
        return fid.astype(np.int64), as_int(days["end"])
    return fid.astype(np.int64), as_int(days["start"]), as_int(days["end"])


def _right(part: Amounts, rules: Ruleset, wanted: frozenset[str]) -> Mapping[str, Flags]:
    """Of each item wanted where an equation with it holds; of others perhaps."""
    right: dict[str, Flags] = {}
    if wanted & {"EquityAll", "EquityParent"}:
        wanted |= {"Equity"}
    for rule in rules.rules.values():
        if rule.equations and rule.equations[0].whole in part.items:
            for item, holds in vouchers(part, rule, wanted):
                right[item] = right.get(item, np.zeros(len(part.fid), bool)) | holds
    for income, agrees in earned(part).items() if "EpsBasic" in part.items else ():
        for item in (income, "EpsBasic", "SharesBasic"):
            right[item] = right.get(item, np.zeros(len(part.fid), bool)) | agrees
    if "Equity" in right:
        all_owners = ~np.isnan(part.items["EquityAll"])
        for item, meant in (("EquityAll", all_owners), ("EquityParent", ~all_owners)):
            right[item] = right.get(item, False) | (right["Equity"] & meant)
    return right
