"""What makes up for a departure: a line between, no flow of a kind, a sheet of an adoption."""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.amounts import Amounts, first_given
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.forms import slack, total
from core.domain.quality.facts.packing import as_index, as_int, found_rows, matched, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Equation, Rule

FLOWS = ("Cfo", "Cfi", "Cff")


def opening(fid: Numbers, end: Numbers, own: Flags) -> Flags:
    """Balances of the day after another sheet of the filing: what a new standard changes.

    Such a sheet holds the lines that change, or only by how much.
    """
    places = fid.astype(np.int64)
    before: Flags = found_rows((places, end), (places, end - 1)) >= 0
    return before & ~own


def opening_points(given: Amounts) -> Flags:
    """The same of the rows of points."""
    return opening(given.fid, as_int(given.keys["end"]), given.keys["own"].to_numpy())


def line_between(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows of which some form is apart by just what one other line of the period is.

    Gains on sales and shares of others' income stand between revenue less costs and what is left.
    An amount that the form itself has explains nothing: it is dropped, or told twice.
    """
    rows = np.flatnonzero(broken)
    stated = np.flatnonzero(np.isin(book.facts["fid"].to_numpy(), given.fid[rows]))
    facts = book.facts[["fid", "period_start", "period_end", "value"]][as_index(stated)]
    keys = [as_int(facts[name]) for name in ("fid", "period_start", "period_end")]
    asked = [as_int(given.keys[name])[rows] for name in ("fid", "start", "end")]
    both = packed([np.concatenate([a, k]) for a, k in zip(asked, keys, strict=True)])
    left, right = matched(both[: len(rows)], both[len(rows) :])
    value = np.abs(facts["value"].to_numpy()[right])
    found = np.zeros(len(broken), bool)
    for form in rule.equations:
        apart, room = _apart(given, rule, form, rows)
        same = np.abs(value - apart[left]) <= room[left]
        for item in form.items:
            own = np.abs(given.items[item][rows])[left]
            same &= ~(np.abs(value - own) <= room[left])
        found[rows[left[same]]] = True
    return found


def _apart(given: Amounts, rule: Rule, form: Equation, rows: Numbers) -> tuple[Floats, Floats]:
    """(how far both sides of a form are apart, what rounding leaves), of some rows."""
    apart = np.abs(given.items[form.whole] - total(given.items, form))[rows]
    return apart, np.minimum(slack(given, rule, form), given.unit * 2.0)[rows]


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
    rest = np.nansum(told, axis=0) + np.nan_to_num(items["Fx"])
    whole = np.abs(change - rest) <= spans.unit * 4.0
    own = spans.keys["own"].to_numpy() & whole & (~np.isnan(told)).any(axis=0)
    for name, values in zip(FLOWS[1:], told[1:], strict=True):
        found[name] = np.zeros(book.filings.height, bool)
        found[name][spans.fid[own & np.isnan(values)]] = True
    return found
