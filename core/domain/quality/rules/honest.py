"""What makes up for a departure: lines between, no flow of a kind, a sheet of an adoption."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from core.domain.quality.facts.amounts import Amounts, first_given
from core.domain.quality.facts.arrays import Flags, Floats, Numbers, or_zero
from core.domain.quality.facts.forms import slack, total
from core.domain.quality.facts.packing import as_index, as_int, found_rows, matched_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Equation, Rule
from core.domain.quality.rules.sold_cash import most_told

FLOWS = ("Cfo", "Cfi", "Cff")


Days = tuple[Numbers, Numbers]  # filings, and a day of each


def opening(known: Days, asked: Days, own: Flags) -> Flags:
    """Balances of the day after another sheet of the filing: what a new standard changes.

    Such a sheet holds the lines that change, or only by how much. known: the filings and days of
    sheets. asked, own: of the balances, and which are of their filing's own period.
    """
    before: Flags = found_rows(known, (asked[0], asked[1] - 1)) >= 0
    return before & ~own


def opening_points(given: Amounts) -> Flags:
    """The same of the rows of points."""
    days = given.fid, given.end
    return opening(days, days, given.keys["own"].to_numpy())


def line_between(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows of which some form is apart by just what one other line of the period is.

    Gains on sales and shares of others' income stand between revenue less costs and what is left.
    An amount that the form itself has explains nothing: it is dropped, or told twice.
    """
    rows = np.flatnonzero(broken)
    left, fact = _lines(book, given, rows, rule.between)
    value = np.abs(book.facts["value"].to_numpy()[fact])
    found, part = np.zeros(len(broken), bool), given.of(broken, rule.operands)
    for form in rule.equations:
        apart, room = _apart(part, rule, form)
        same = np.abs(value - apart[left]) <= room[left]
        for item in form.items:
            own = np.abs(part.items[item])[left]
            same &= ~(np.abs(value - own) <= room[left])
        found[rows[left[same]]] = True
    return found


def _lines(
    book: PeriodTable, given: Amounts, rows: Numbers, pattern: str
) -> tuple[Numbers, Numbers]:
    """(place among `rows`, row of the facts) of what filings tell of the periods of some rows under
    names that have a pattern.
    """
    here = np.zeros(book.filings.height, bool)
    here[given.fid[rows]] = True
    stated = book.measuring(book.named(pattern))
    stated = stated[here[book.facts["fid"].to_numpy()[stated]]]
    facts = book.facts[["fid", "period_start", "period_end"]][as_index(stated)]
    keys = [as_int(facts[name]) for name in ("fid", "period_start", "period_end")]
    asked = [values[rows] for values in (given.fid, given.start, given.end)]
    left, right = matched_rows(asked, keys)
    return left, stated[right]


def lines_between(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows of which some form is apart by just what a few lines of the period are together.

    Below the costs stand interest, gains on sales and on currencies, shares of others' income, and
    charges that the costs leave out: goodwill written off, and what it cost to reorganise. What
    is small beside the rounding, or has many such lines, some of them make up for by chance.
    """
    rows = np.flatnonzero(broken)
    left, fact = _lines(book, given, rows, rule.several)
    cost = (book.named(COSTS) & ~book.named("Income"))[book.number[fact]]
    value = book.facts["value"].to_numpy()[fact] * np.where(cost, -1.0, 1.0)
    found, part = np.zeros(len(broken), bool), given.of(broken, rule.operands)
    sums = [_sums(value[left == place]) for place in range(len(rows))]
    for form in rule.equations:
        gap = part.items[form.whole] - total(part.items, form)
        _, room = _apart(part, rule, form)
        large = np.abs(gap) >= CHANCE * part.unit
        for place in np.flatnonzero(large):
            found[rows[place]] |= bool((np.abs(sums[place] - gap[place]) <= room[place]).any())
    return found


COSTS = "Expense|Impairment|Restructuring"
MOST_LINES, MOST_TOGETHER = 10, 5
CHANCE = 20.0  # rounding units


def _sums(values: Floats) -> Floats:
    """What two to five of some amounts make; none where there are too many."""
    told = values[values != 0]
    if len(told) > MOST_LINES:
        return np.zeros(0)
    many = range(2, MOST_TOGETHER + 1)
    return np.array([sum(some) for n in many for some in combinations(told, n)], np.float64)


def consolidated(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows that are apart by a small part, and by no more than the cash that is likely among
    what entities consolidated are told to hold: it comes and goes with their consolidation.
    """
    rows = np.flatnonzero(broken)
    most = ENTITY_CASH * most_told(book, ENTITIES)
    found, part = np.zeros(len(broken), bool), given.of(broken, rule.operands)
    for form in rule.equations:
        apart, _ = _apart(part, rule, form)
        share = part.greatest(form.items) * rule.consolidated_pct / 100
        found[rows[apart <= np.minimum(share, most[part.fid])]] = True
    return found


ENTITIES = "^VariableInterestEntityConsolidatedCarryingAmountAssets$"
ENTITY_CASH = 0.1  # of the assets of funds: the rest is invested


def _apart(part: Amounts, rule: Rule, form: Equation) -> tuple[Floats, Floats]:
    """(how far both sides of a form are apart, what rounding leaves)."""
    apart = np.abs(part.items[form.whole] - total(part.items, form))
    return apart, np.minimum(slack(part, rule, form), part.unit * 2.0)


def idle(book: PeriodTable) -> dict[str, Flags]:
    """Of each kind of cash flow the filings that have none of it in their own period.

    The others make the change in cash between them: a shell invests nothing.
    """
    spans, found = book.spans, {}
    items = spans.items
    change = first_given(
        items["CashChangeRestricted"], items["CashChange"], items["CashEnd"] - items["CashBegin"]
    )
    told = np.array([items[name] for name in FLOWS])
    rest = np.nansum(told, axis=0) + or_zero(items["Fx"])
    whole = np.abs(change - rest) <= spans.unit * 4.0
    own = spans.keys["own"].to_numpy() & whole & (~np.isnan(told)).any(axis=0)
    for name, values in zip(FLOWS[1:], told[1:], strict=True):
        found[name] = np.zeros(book.filings.height, bool)
        found[name][spans.fid[own & np.isnan(values)]] = True
    return found
