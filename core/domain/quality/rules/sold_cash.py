"""Cash that goes to what is held for sale, and comes back: how large a departure it explains.

It stands on a line of the statement that no taxonomy names, so that the flows and the change in
cash are apart by it.
"""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.amounts import Amounts, first_given
from core.domain.quality.facts.arrays import Flags, Floats, or_zero
from core.domain.quality.facts.forms import slack, total
from core.domain.quality.facts.packing import as_int, packed, spread
from core.domain.quality.facts.table import SELLING_DAYS, PeriodTable
from core.domain.quality.model import Rule

CASH = (
    "^DisposalGroupIncludingDiscontinuedOperationCash(AndCashEquivalents)?$|"
    "^CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
    "DisposalGroupIncludingDiscontinuedOperations$"
)
GROUPS = (  # assets, or liabilities, which stand for them where no assets are told
    "^AssetsOfDisposalGroupIncludingDiscontinuedOperation(Current)?$|^AssetsHeldForSale|"
    "^DisposalGroupIncludingDiscontinuedOperationAssets(Current)?$",
    "^LiabilitiesOfDisposalGroupIncludingDiscontinuedOperation(Current)?$|^LiabilitiesOfAssetsHeldF",
)
CASH_SHARE = 0.5  # of the assets: no more is cash in 19 of 20 groups that tell both
LITTLE = 0.05  # of the greatest operand: what parts sold may leave out whatever is told of them


def moved_to_sold(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Broken rows of which some form is apart by little, or by no more than the cash of what is
    held for sale and the rule's share of the greatest operand, where anything is held for sale.
    """
    found, asked = np.zeros(len(broken), bool), broken & book.selling[given.fid]
    part = given.of(asked, rule.operands)
    explained, most = np.zeros(len(part.fid), bool), None
    for form in rule.equations:
        apart = np.abs(part.items[form.whole] - total(part.items, form))
        greatest = part.greatest(form.items)
        explained |= apart <= greatest * LITTLE
        likely = ~explained & (apart <= greatest * rule.held_for_sale_pct / 100)
        if likely.any():
            most = cash_for_sale(book)[part.fid] if most is None else most
            room = np.minimum(slack(part, rule, form), part.unit * 2.0)
            explained |= likely & (most > 0) & (apart <= most + room)
    found[asked] = explained
    return found


def cash_for_sale(book: PeriodTable) -> Floats:
    """Of each filing the most cash that its company's filings of two years, up to it, can have
    among what is held for sale: what they tell of it, else a share of the whole.
    """
    told = most_told(book, CASH)
    for other in (_beside_cash(book), *(CASH_SHARE * most_told(book, names) for names in GROUPS)):
        told = np.where(told > 0, told, other)
    company, day = book.company, as_int(book.filings["filed"])
    tellers = np.flatnonzero(told > 0)
    ends = company[tellers], day[tellers] + SELLING_DAYS
    both = packed([np.append(company, ends[0]), np.append(day, ends[1])])
    both, until = both[: len(told)], both[len(told) :]
    first, last = np.searchsorted(both, both[tellers]), np.searchsorted(both, until, side="right")
    most = np.zeros(len(told))
    np.maximum.at(most, spread(first, last), np.repeat(told[tellers], last - first))
    return most


def _beside_cash(book: PeriodTable) -> Floats:
    """What filings tell of cash with that held for sale beyond the cash without."""
    points = book.points
    both, without = (points.items[name] for name in ("CashWithSold", "CashRestricted"))
    without = first_given(np.where(without == both, np.nan, without), points.items["Cash"])
    more = or_zero(both - without)
    most = np.zeros(book.filings.height)
    np.maximum.at(most, points.fid, more)
    return most


def most_told(book: PeriodTable, pattern: str) -> Floats:
    """The largest amount of each filing under concepts that a pattern names; 0 without any."""
    held = book.measuring(book.named(pattern))
    most = np.zeros(book.filings.height)
    np.maximum.at(most, book.facts["fid"].to_numpy()[held], book.facts["value"].to_numpy()[held])
    return most
