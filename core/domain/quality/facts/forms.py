"""Equations as linear forms over amounts: every row at once, NaN where none is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        forms = list(zip(rule.equations, told, strict=True))
        every = np.array([gap(given, rule, form) if there else unknown for form, there in forms])
        best = np.fmin.reduce([*every, *also])
        holds = best <= 1.0
        main = _as_told(given, every, forms)
        usable = holds | ~np.isnan(main).all(axis=0)
        if rule.unseen_pct:
            unclear = usable & ~holds & _unseen(given, rule)
            usable &= ~unclear | slipped(given, rule, unclear)
        closest = np.where(np.isnan(main), np.inf, main).argmin(axis=0)
    return Verdicts(usable if only is None else usable & only, holds, closest)


def _as_told(given: Amounts, gaps: Floats, forms: Sequence[tuple[Equation, bool]]) -> Floats:
    """The gaps of forms without those that rest on what was filled in: no filer told it."""
    if not any(made_up.any() for by in given.filled.values() for made_up in by.values()):
        return gaps
    told = gaps.copy()
    for place, (form, there) in enumerate(forms):
        for item in form.items if there else ():
            for made_up in given.filled.get(item, {}).values():
                told[place, made_up] = np.nan
    return told


def vouchers(given: Amounts, rule: Rule, wanted: frozenset[str]) -> Iterator[tuple[str, Flags]]:
    """(item, where a form with it holds that rests on nothing filled in), for each form with one
    of the items wanted.
    """
    every = (*rule.equations, *rule.also)
    forms = [form for form in every if not wanted.isdisjoint(form.items) and stated(given, form)]
    if not forms:
        return
    with np.errstate(all="ignore"):
        gaps = np.array([gap(given, rule, form) for form in forms])
        holds = _as_told(given, gaps, [(form, True) for form in forms]) <= 1.0
    for form, right in zip(forms, holds, strict=True):
        for item in wanted.intersection(form.items):
            yield item, right & ~np.isnan(given.items[item])


def stated(given: Amounts, equation: Equation) -> bool:
    """Whether any row gives the whole, and any each of the terms that may not be missing."""
    return given.there >= equation.needed


def slipped(given: Amounts, rule: Rule, where: Flags) -> Flags:
    """Some rows of which a main form would hold, had one of its figures the other sign or scale.

    Nothing else is apart by just twice a figure, or 999 times it, so that nothing excuses it.
    """
    found = np.zeros(len(given.fid), bool)
    if where.any():
        found[where] = _slipped(given.of(where, rule.operands), rule)
    return found


def _slipped(given: Amounts, rule: Rule) -> Flags:
    """The same of all rows."""
    found = np.zeros(len(given.fid), bool)
    for form in rule.equations:
        if not stated(given, form):
            continue
        gap = np.abs(given.items[form.whole] - total(given.items, form))
        large = gap >= SLIP * given.unit
        for item in FIGURES.intersection(form.items) if large.any() else ():
            value = np.abs(given.items[item])
            room = np.minimum(slack(given, rule, form), given.unit * 2.0) + gap * 1e-6
            for times in SLIPS:
                made = np.abs(gap - times * value) <= room * max(1.0, times / 2)
                found |= large & made
    return found


SLIP = 20.0  # rounding units
SLIPS = (2.0, 9.0, 0.9, 999.0, 0.999)  # times the figure told: another sign, a tenth, a thousandth
FIGURES = frozenset(
    ("Cfo", "Cfi", "Cff", "Liabilities", "Equity", "EquityAll", "EquityParent", "Assets")
)


def _unseen(given: Amounts, rule: Rule) -> Flags:
    """Whether the whole exceeds its parts by what a line of the filer's own may explain."""
    found = np.zeros(len(given.fid), bool)
    for form in rule.equations:
        whole = given.items[form.whole]
        over = (whole - total(given.items, form)) / np.abs(whole)
        found |= (over >= 0.0) & (over <= rule.unseen_pct / 100)
        if "Liabilities" in form.items:
            found |= _before_an_offering(given.items, whole - total(given.items, form))
    return found


def _before_an_offering(items: Mapping[str, Floats], more: Floats) -> Flags:
    """Where equity is negative, and convertible preferred stock of any size may make up for it.

    Twice the equity is what a turned sign would leave.
    """
    equity = items["EquityParent"]
    turned = np.abs(more + 2 * equity) <= 0.02 * np.abs(equity)
    likely: Flags = (equity < 0) & (more > 0) & (more <= items["LiabilitiesAndEquity"]) & ~turned
    return likely
