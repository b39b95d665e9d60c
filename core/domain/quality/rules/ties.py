"""Headlines that other figures of the same filing make: slips of a sign or of a scale.

Small filers tell little twice, but their equity is what its lines make, their income is what
retained earnings moved by, and their weighted shares are near those on the cover and in the sheet.
Other differences are dividends or lines that are not told; only a figure that is just the negative,
or a thousandth or a millionth (or so many times) of what the others make, is a slip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, or_zero
from core.domain.quality.facts.packing import NO_DAY, as_index, dated, found_rows, packed
from core.domain.quality.facts.table import PeriodTable

EXACT = 0.0005
SAME = 1e-6  # of what was rounded alike
ADDS_UP = 0.005
LEAST, ROUNDED = 20.0, 3.0  # rounding units
POWERS = (1e-6, 1e-3, 1e3, 1e6)
INCOMES, EQUITIES = ("NetIncome", "ProfitLoss"), ("EquityParent", "EquityAll")
EPS = ("EpsBasic", "EpsDiluted")
WEIGHTED, COUNTED = ("SharesBasic", "SharesDiluted"), ("SharesOutstanding", "SharesIssued")
FAR = 250.0  # classes and days make fewer times of a count
FOUNDING = 1e5  # shares: before an offering, what is weighted may be those of after it
ADDED = (  # of names that tell the same amount the first is taken
    ("CommonStockValue", "CommonStockValueOutstanding"), ("PreferredStockValue",),
    ("AdditionalPaidInCapital", "AdditionalPaidInCapitalCommonStock"),
    ("RetainedEarningsAccumulatedDeficit",), ("AccumulatedOtherComprehensiveIncomeLossNetOfTax",),
    ("WarrantsAndRightsOutstanding",),
)  # fmt: skip
TAKEN = (
    ("TreasuryStockValue", "TreasuryStockCommonValue"),
    ("ReceivableFromShareholdersOrAffiliatesForIssuanceOfCapitalStock",),
)


@dataclass(frozen=True, slots=True)
class Slips:
    """An item, what others make of it, where it is the negative of that, where of another scale."""

    given: Amounts
    item: str
    made: Floats
    turned: Flags
    scaled: Flags
    said: str


def slips(book: PeriodTable) -> list[Slips]:
    """What the filings to judge tell with a slip."""
    points, spans = book.near
    lines, moved = _equity_lines(book, points), _moved(points, spans)
    found = [_against(points, name, lines, ", but its lines make ") for name in EQUITIES]
    paid = [or_zero(spans.items[name]) != 0 for name in PAID]
    sure = _adding_up(points, spans, lines) & ~np.logical_or.reduce(paid)
    for name in INCOMES:
        slip = _against(spans, name, moved, ", but retained earnings moved by ")
        found.append(replace(slip, turned=slip.turned & sure))
    found += [_as_other(spans, *EPS), _as_other(spans, *EPS[::-1])]
    found.append(_part_of_cash(points))
    return found + [_beyond_counts(book, spans, name) for name in WEIGHTED]


def _as_other(spans: Amounts, item: str, other: str) -> Slips:
    """Earnings per share, basic and diluted, just a thousand or a million times each other."""
    size = np.abs(spans.items[item] / spans.items[other])
    scaled = np.logical_or.reduce([np.abs(size / p - 1) <= SAME for p in POWERS])
    none = np.zeros(len(size), bool)
    return Slips(spans, item, spans.items[other], none, scaled, f", but {other} is ")


def _part_of_cash(points: Amounts) -> Slips:
    """Cash in parts of a dollar that is just a thousandth of that with restricted cash."""
    value, other = points.items["Cash"], points.items["CashRestricted"]
    scaled = (np.abs(value * 1e3 / other - 1) <= SAME) & (value != np.round(value))
    none = np.zeros(len(value), bool)
    return Slips(points, "Cash", other, none, scaled, ", but with restricted cash it is ")


def _adding_up(points: Amounts, spans: Amounts, lines: Floats) -> Flags:
    """Whether the lines of equity make it at the end of each span: then their signs are right."""
    equity = points.first(EQUITIES)
    holds = np.append(np.abs(equity - lines) <= ADDS_UP * np.abs(equity), False)
    there: Flags = holds[found_rows((points.fid, points.end), (spans.fid, spans.end))]
    return there


def _against(given: Amounts, item: str, made: Floats, said: str) -> Slips:
    value = given.items[item].copy()
    for filled in given.filled.get(item, {}).values():
        value[filled] = np.nan
    value[np.fmax(np.abs(value), np.abs(made)) < LEAST * given.unit] = np.nan
    room = np.minimum(EXACT * np.abs(made), ROUNDED * given.unit)
    turned: Flags = np.abs(value + made) <= room
    size = np.abs(made)
    powers = [np.abs(np.abs(value) * p - size) <= room for p in POWERS]
    return Slips(given, item, made, turned, np.logical_or.reduce(powers), said)


def _of_a_power(ratio: Floats) -> Flags:
    near: Flags = np.logical_or.reduce([np.abs(ratio * p - 1) <= EXACT for p in POWERS])
    return near


def _moved(points: Amounts, spans: Amounts) -> Floats:
    """What retained earnings grew by in each span; NaN where one of the two is not told."""
    told = np.append(points.items["RetainedEarnings"], np.nan)
    first, last = (
        told[found_rows((points.fid, points.end), (spans.fid, day))]
        for day in (spans.start - 1, spans.end)
    )
    moved: Floats = last - first
    return moved


def _equity_lines(book: PeriodTable, points: Amounts) -> Floats:
    """What the lines of equity make on each day; NaN where not three of them are told."""
    different, concept = book.concepts
    place = np.array([PLACES.get(name, -1) for name in different.to_list()], np.int64)[concept]
    rows = book.measuring(place >= 0)
    of = book.facts["fid"].to_numpy()[rows]
    home = book.measures["code"].to_numpy()[book.number[rows]] == book.known.main[of]
    rows = rows[home & book.affected[of]]
    facts = book.facts[["fid", "period_start", "period_end", "value"]][as_index(rows)]
    place, value = place[book.number[rows]], facts["value"].to_numpy()
    fid, end = facts["fid"].to_numpy().astype(np.int64), dated(facts["period_end"])
    told = np.flatnonzero(dated(facts["period_start"]) == NO_DAY)
    told = told[np.argsort(place[told], kind="stable")]  # of a line the first name goes before
    line = place[told] // NAMES
    once = told[np.unique(packed([fid[told], end[told], line]), return_index=True)[1]]
    day = found_rows((points.fid, points.end), (fid[once], end[once]))
    once, day = once[day >= 0], day[day >= 0]
    signed = np.where(place[once] // NAMES < len(ADDED), value[once], -np.abs(value[once]))
    total = np.bincount(day, signed, len(points.fid))
    return np.where(np.bincount(day, minlength=len(points.fid)) >= LINES, total, np.nan)


LINES, NAMES = 3, 8  # names of a line: fewer
PLACES = {
    name: line * NAMES + rank
    for line, names in enumerate((*ADDED, *TAKEN))
    for rank, name in enumerate(names)
}
PAID = ("DividendsPaid", "Buybacks")  # then retained earnings may move by twice the income


def _beyond_counts(book: PeriodTable, spans: Amounts, item: str) -> Slips:
    """Weighted shares hundreds of times those on the cover and in the sheet, of whatever class.

    Of founders' shares just a thousand or a million times them. None at all are few in thousands.
    """
    most = np.full((2, book.filings.height), np.nan)
    for n, names in enumerate((("CoverShares",), COUNTED)):
        rows = np.flatnonzero(book.of(names) & book.here & (book.value > 0))
        np.fmax.at(most[n], book.fid[rows], book.value[rows])
    count = most.max(axis=0)[spans.fid]  # NaN without one of the two
    known = np.fmax(*most)[spans.fid]
    own = spans.keys["own"].to_numpy()
    ratio = np.where(own, spans.items[item] / count, np.nan)
    scaled = np.where(count >= FOUNDING, ratio >= FAR, (ratio > 1) & _of_a_power(ratio))
    scaled |= own & (spans.items[item] == 0) & (known > 0)
    return Slips(spans, item, known, np.zeros(len(own), bool), scaled, ", but shares counted are ")
