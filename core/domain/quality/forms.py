"""Equations as linear forms over columns of amounts: every row at once, NaN where none is given.

A rule set has more than a hundred forms; planning them as expressions takes far longer than
computing them, so they are evaluated on arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.model import Equation, Rule, Ruleset

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Amounts:
    """Rows of points or spans as arrays: items, the rules that filled some, units, filings."""

    items: Mapping[str, Floats]
    filled: Mapping[str, Mapping[str, Flags]]  # item -> rule -> where that rule filled it
    unit: Floats
    fid: np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One rule over all rows: where it can be judged, where it holds, which main form is next."""

    usable: Flags
    holds: Flags
    closest: np.ndarray[Any, np.dtype[np.intp]]

    @property
    def broken(self) -> Flags:
        """Rows that fail."""
        return self.usable & ~self.holds


def amounts(wide: pl.DataFrame, rules: Ruleset) -> Amounts:
    """The columns of points or spans that equations may name."""
    named = [name for name in wide.columns if not name.endswith("_by") and name not in LABELS]
    filled: dict[str, dict[str, Flags]] = {}
    for rule, equation in rules.imputations:
        if (column := f"{equation.whole}_by") in wide.columns:
            where = wide.select((pl.col(column) == rule).fill_null(value=False)).to_series()
            filled.setdefault(equation.whole, {})[rule] = where.to_numpy()
    given = wide.select(pl.col(named).fill_null(np.nan))
    items = {name: given[name].to_numpy() for name in named}
    return Amounts(items, filled, wide["unit"].to_numpy(), wide["fid"].to_numpy())


LABELS = ("fid", "start", "end", "own", "months", "unit")


def total(given: Amounts, equation: Equation) -> Floats:
    """The right side of an equation; NaN where a required term is missing."""
    summed = np.zeros_like(given.unit)
    for term in equation.terms:
        value = given.items[term.item]
        summed = summed + term.sign * (np.nan_to_num(value, nan=0.0) if term.optional else value)
    return summed


def slack(given: Amounts, rule: Rule, equation: Equation) -> Floats:
    """The tolerance T0, T1 or T2 of an equation, in the unit of its amounts."""
    addends = sum(1 for term in equation.terms if not term.optional)
    rounding: Floats = given.unit * 2.0 * max(1.0, (addends + 1) / 2)
    if rule.tolerance == "T0":
        return rounding
    greatest = np.fmax.reduce([np.abs(given.items[name]) for name in equation.items])
    share: Floats = np.fmax(rounding, greatest * (0.001 if rule.tolerance == "T1" else 0.02))
    return share


def gap(given: Amounts, rule: Rule, equation: Equation) -> Floats:
    """Distance of both sides in tolerances; NaN where it cannot be told, or fills itself."""
    distance = np.abs(given.items[equation.whole] - total(given, equation))
    distance = distance / slack(given, rule, equation)
    for item in equation.items:
        own = given.filled.get(item, {}).get(rule.id)
        if own is not None:
            distance = np.where(own, np.nan, distance)
    return distance


def judge(given: Amounts, rule: Rule, only: Flags | None) -> Verdicts:
    """Any form that holds will do; only the main forms can make a rule evaluable or break it."""
    with np.errstate(all="ignore"):
        main = np.array([gap(given, rule, form) for form in rule.equations])
        also = [gap(given, rule, form) for form in rule.also]
        best = np.fmin.reduce([*main, *also])
        holds = best <= 1.0
        usable = holds | ~np.isnan(main).all(axis=0)
        if rule.unseen_pct:
            usable &= holds | ~_unseen(given, rule)
        closest = np.where(np.isnan(main), np.inf, main).argmin(axis=0)
    return Verdicts(usable if only is None else usable & only, holds, closest)


def _unseen(given: Amounts, rule: Rule) -> Flags:
    """Whether the whole exceeds its parts by what a line of the filer's own may explain."""
    first = rule.equations[0]
    over = (given.items[first.whole] - total(given, first)) / given.items[first.whole]
    return (over >= 0.0) & (over <= rule.unseen_pct / 100)


def near(given: Amounts, rule: Rule) -> Flags:
    """Whether both sides of some main form differ by the share that operations for sale explain."""
    share = rule.held_for_sale_pct / 100
    with np.errstate(all="ignore"):
        tests = [
            np.abs(given.items[form.whole] - total(given, form))
            <= np.abs(given.items[form.whole]) * share
            for form in rule.equations
        ]
    any_near: Flags = np.logical_or.reduce(tests)
    return any_near
