"""Equations as linear forms over amounts: every row at once, NaN where none is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.model import Equation, Rule, Ruleset


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


def imputed(given: Amounts, rules: Ruleset) -> Amounts:
    """Missing operands filled from other relations, with the rule that filled them."""
    items, filled = dict(given.items), {}
    for rule, equation in rules.imputations:
        if (whole := items.get(equation.whole)) is not None:
            value = total(items, equation)
            missing = np.isnan(whole) & ~np.isnan(value)
            items[equation.whole] = np.where(missing, value, whole)
            filled[equation.whole] = {rule: missing}
    return replace(given, items=items, filled=filled)


def total(items: Mapping[str, Floats], equation: Equation) -> Floats:
    """The right side of an equation; NaN where a required term is missing."""
    summed: Any = 0.0
    for term in equation.terms:
        value = items[term.item]
        value = np.where(np.isnan(value), 0.0, value) if term.optional else value
        summed = summed + value if term.sign > 0 else summed - value
    return np.asarray(summed, np.float64)


def slack(given: Amounts, rule: Rule, equation: Equation) -> Floats:
    """The tolerance T0, T1 or T2 of an equation, in the unit of its amounts."""
    addends = sum(1 for term in equation.terms if not term.optional)
    rounding: Floats = given.unit * 2.0 * max(1.0, (addends + 1) / 2)
    if rule.tolerance == "T0":
        return rounding
    relative = 0.001 if rule.tolerance == "T1" else 0.02
    share: Floats = np.fmax(rounding, given.greatest(equation.items) * relative)
    return share


def gap(given: Amounts, rule: Rule, equation: Equation) -> Floats:
    """Distance of both sides in tolerances; NaN where it cannot be told, or fills itself."""
    distance = np.abs(given.items[equation.whole] - total(given.items, equation))
    distance = distance / slack(given, rule, equation)
    for item in equation.items:
        own = given.filled.get(item, {}).get(rule.id)
        if own is not None:
            distance = np.where(own, np.nan, distance)
    return distance


def judge(given: Amounts, rule: Rule, only: Flags | None) -> Verdicts | None:
    """Any form that holds will do; only the main forms can make a rule evaluable or break it.

    None where no row gives the operands of any form.
    """
    also = [gap(given, rule, form) for form in rule.also if stated(given, form)]
    told = [stated(given, form) for form in rule.equations]
    if not also and not any(told):
        return None
    unknown = np.full(len(given.fid), np.nan)
    with np.errstate(all="ignore"):
        forms = zip(rule.equations, told, strict=True)
        main = np.array([gap(given, rule, form) if there else unknown for form, there in forms])
        best = np.fmin.reduce([*main, *also])
        holds = best <= 1.0
        usable = holds | ~np.isnan(main).all(axis=0)
        if rule.unseen_pct:
            usable &= holds | ~_unseen(given, rule)
        closest = np.where(np.isnan(main), np.inf, main).argmin(axis=0)
    return Verdicts(usable if only is None else usable & only, holds, closest)


def stated(given: Amounts, equation: Equation) -> bool:
    """Whether any row gives the whole, and any each of the terms that may not be missing."""
    needed = [equation.whole, *(term.item for term in equation.terms if not term.optional)]
    return given.there.issuperset(needed)


def _unseen(given: Amounts, rule: Rule) -> Flags:
    """Whether the whole exceeds its parts by what a line of the filer's own may explain."""
    first = rule.equations[0]
    over = (given.items[first.whole] - total(given.items, first)) / given.items[first.whole]
    return (over >= 0.0) & (over <= rule.unseen_pct / 100)


def near(given: Amounts, rule: Rule) -> Flags:
    """Whether both sides of some main form differ by the share that operations for sale explain."""
    share = rule.held_for_sale_pct / 100
    with np.errstate(all="ignore"):
        tests = [
            np.abs(given.items[form.whole] - total(given.items, form))
            <= np.abs(given.items[form.whole]) * share
            for form in rule.equations
        ]
    any_near: Flags = np.logical_or.reduce(tests)
    return any_near
