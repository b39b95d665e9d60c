"""Rules about the scale of figures: powers of ten between what belongs together."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.past import Own
from core.domain.quality.rules.shares import as_earned
from core.domain.quality.rules.splits import as_split
from core.domain.quality.rules.thousandths import told_again
from core.domain.quality.rules.vouching import vouched
from core.domain.quality.words import FindingText, contrast, with_columns_from

INCOMES = ("IncomeToCommon", "NetIncome", "ProfitLoss", "IncomeContinuing")  # the likeliest first
PAIRS = (("EpsBasic", "SharesBasic", 0.02), ("EpsDiluted", "SharesDiluted", 0.05))
POWERS = (3, 6)
MOST_ROOM = 0.6  # of a power of ten, where the earnings meant are a cent
LEAST_EPS = 0.05  # below, half a cent of rounding hides a power of ten's exactness
CENT = 0.01
THOUSANDTH = (500.0, 2000.0)
COUNTED_BOTH = (250.0, 4000.0)  # classes and days lie between
OF_A_LINE = (150.0, 6700.0)  # a line may have grown or fallen a few times beside it
STEADY = 10.0
STEADY_COUNT = 1.5
WEIGHTED = ("SharesBasic", "SharesDiluted")
COUNTS = ("CoverShares", "SharesOutstanding", "SharesIssued")
ABOUT = 1.0  # powers of ten: counts of other classes or days differ by less


def earnings_scale(book: PeriodTable) -> Outcome:
    """Q54: earnings per share times shares is not the income a thousand or a million times.

    Percents of difference are usual (other classes, preferred dividends, rounding); an exact power
    of ten is one of the three figures in the wrong scale.
    """
    _, spans = book.near
    own = spans.keys["own"].to_numpy()
    income = _told_income(spans)
    told, judged = [], np.zeros(len(own), bool)
    for eps, shares, slack in PAIRS:
        asked, wrong = _off_by_power(spans, eps, shares, slack, income)
        judged |= asked & own
        if (wrong & own).any():
            told.append(_said(spans, wrong & own, (eps, shares), income))
    return outcome("Q54", spans.fid[judged], *told)


def _told_income(spans: Amounts) -> Floats:
    """The first income that the filer reports: none that was filled in."""
    found = np.full(len(spans.fid), np.nan)
    for name in INCOMES:
        value = spans.items[name].copy()
        for made_up in spans.filled.get(name, {}).values():
            value[made_up] = np.nan
        found = np.where(np.isnan(found), value, found)
    return found


def _off_by_power(
    spans: Amounts, eps: str, shares: str, slack: float, income: Floats
) -> tuple[Flags, Flags]:
    """Where the three are told, and where they are exactly 10^3 or 10^6 apart."""
    per_share, count = spans.items[eps], spans.items[shares]
    most = np.fmax(np.abs(per_share), np.abs(income / count))  # of both, what was rounded to cents
    asked = (most >= LEAST_EPS) & (per_share != 0) & (count > 0) & (income != 0) & ~np.isnan(income)
    ratio = np.where(asked, np.abs(per_share * count / income), np.nan)
    room = slack + 0.005 / most
    meant = (
        np.abs(per_share) / 10.0 ** np.array(POWERS)[:, None]
    )  # of cents that were rounded before
    rooms = np.maximum(room, np.minimum(slack + 0.005 / meant, MOST_ROOM))
    near = [np.abs(ratio / 10.0**n - 1) <= more for n, more in zip(POWERS, rooms, strict=True)]
    near += [np.abs(ratio * 10.0**n - 1) <= room for n in POWERS]
    off: Flags = asked & np.logical_or.reduce(near)
    share = np.abs(income / count)
    finer = _finer_than_cents(np.abs(per_share), share) | _from_cents(np.abs(per_share), share)
    finer |= _told_finely(np.abs(per_share), share)
    return asked | finer, off | finer


def _from_cents(per_share: Floats, share: Floats) -> Flags:
    """Earnings per share that are a thousand or a million times the cents that round the share."""
    found = np.zeros(len(share), bool)
    for power in POWERS:
        meant = per_share / 10.0**power
        whole = (meant >= CENT * 0.999) & (np.abs(np.round(meant / CENT) * CENT - meant) <= 1e-9)
        found |= whole & (np.abs(meant - share) <= CENT / 2 + 1e-6) & (share > 0)
    return found


def _told_finely(per_share: Floats, share: Floats) -> Flags:
    """Earnings per share in parts of a cent that are the share but for a thousand or a million."""
    fine = (per_share > 0) & (np.abs(np.round(per_share / CENT) * CENT - per_share) > 1e-9)
    fine |= (share > 0) & (share < CENT / 2) & (per_share >= CENT)
    ratio = np.where(fine & (share > 0), per_share / share, np.nan)
    found: Flags = np.logical_or.reduce(
        [np.abs(ratio / 10.0**n - 1) <= FINE for n in (*POWERS, *(-p for p in POWERS))]
    )
    return found


FINE = 0.02


def _finer_than_cents(per_share: Floats, share: Floats) -> Flags:
    """Earnings per share of parts of a cent that are a thousandth of the cents that were earned."""
    cents = (per_share > 0) & (per_share < CENT / 5) & (share >= CENT / 2) & np.isfinite(share)
    found = np.zeros(len(share), bool)
    for power in POWERS:
        meant = per_share * 10.0**power
        found |= (meant >= CENT / 2) & (np.abs(meant - share) <= CENT / 2 + 0.02 * share)
    return cents & found


def _said(spans: Amounts, wrong: Flags, pair: tuple[str, str], income: Floats) -> FindingText:
    eps, shares = pair
    failed = with_columns_from(
        spans.rows(wrong, [eps, shares]),
        expected=(spans.items[eps] * spans.items[shares])[wrong],
        actual=income[wrong],
        tolerance=np.abs(income[wrong]) * 0.05,
        items=[eps, shares, "NetIncome"],
    )
    said = (
        f"Earnings per share of {{{eps}}} times {{{shares}}} shares is {{expected}}, but the "
        "income is {actual}: one of the three is in the wrong scale."
    )
    return FindingText(failed, said)


def shrunk(book: PeriodTable, own: Own, lines: Own) -> Outcome:
    """Q55: an amount a thousandth of its steady past, finer than the filing rounds its amounts.

    The past are three reports or more within a factor of ten. A line that truly shrinks to next
    to nothing is still told in the filing's unit; a thousandth of a rounded amount is not. Counts
    of shares are not rounded, but steadier, and other counts confirm weighted ones; where shares
    were joined, the ratio tells, or earnings per share. And several
    amounts of any concept a thousandth of what was told of the same period before.
    """
    judged, told = [], told_again(book)
    for values, bounds in ((own, THOUSANDTH), (lines, OF_A_LINE)):
        asked, wrong = _thousandth(book, values, bounds)
        judged.append(values.fid[asked])
        told[:0] = _as_usual(book, values, wrong)
    asked, wrong, counts = _weighted(book, own)
    judged.append(own.fid[asked])
    alone = wrong & ~np.isnan(counts)
    told[:0] = _against(book, own, counts, alone, COUNTED)
    told[:0] = _as_usual(book, own, wrong & ~alone)
    fine = _parts_of_cents(book, own)
    told[:0] = _against(book, own, own.value * 1e3, fine, MILLS)
    judged.append(own.fid[fine])
    return outcome("Q55", np.concatenate(judged), *told)


def _parts_of_cents(book: PeriodTable, own: Own) -> Flags:
    """Amounts of money that are no whole cents, though a thousand times them are whole."""
    money = [n for n, item in book.rules.items.items() if item.unit == "money"]
    some = book.among(money)[own.item] & book.affected[own.fid] & (np.abs(own.value) < MOST_FINE)
    cents = np.abs(own.value) * 100
    whole = np.abs(np.round(cents * 10) - cents * 10) < UNWRITTEN
    found: Flags = some & whole & (np.abs(np.round(cents) - cents) > 10 * UNWRITTEN)
    return found


MOST_FINE, UNWRITTEN = 1e9, 0.005  # beyond, and below, numbers are too coarse to tell
MILLS = " would be whole: nothing is paid in parts of a cent."


def _as_usual(book: PeriodTable, values: Own, wrong: Flags) -> list[FindingText]:
    return _against(book, values, values.usual, wrong, USUAL)


USUAL = " is usual: about a thousandth of its steady past."
COUNTED = " shares are counted on the cover and in the sheet: about a thousandth of them."


def _against(
    book: PeriodTable, values: Own, other: Floats, wrong: Flags, said: str
) -> list[FindingText]:
    if not wrong.any():
        return []
    rows = book.long[as_index(values.row[wrong])]
    return [contrast(with_columns_from(rows, other=other[wrong]), "other", ", but ", said)]


def _thousandth(book: PeriodTable, own: Own, bounds: tuple[float, float]) -> tuple[Flags, Flags]:
    """Which values have a steady past, and which are a thousandth of it."""
    least = np.fmin.reduce(np.abs(own.past))
    known = (own.seen >= 3) & (least > 0)
    items = book.rules.items.items()
    money, counts = (
        book.among([n for n, item in items if item.unit == unit])[own.item]
        for unit in ("money", "shares")
    )
    counts &= book.among(book.rules.flagged("followed"))[own.item] & (
        own.size < STEADY_COUNT * least
    )
    judged = known & ((money & (own.size < STEADY * least)) | counts)
    unit = book.filings["unit"].to_numpy()[own.fid]
    ratio = own.usual / np.abs(own.value)
    finer = (unit > 1) & (np.abs(own.value) % np.maximum(unit, 1) != 0)
    near, about = ((ratio >= low) & (ratio <= most) for low, most in (bounds, OF_A_LINE))
    wrong = judged & ((finer & about) | (counts & near)) & book.affected[own.fid]
    some = np.flatnonzero(wrong & counts)
    if len(some):
        fid, value = own.fid[some], own.value[some]
        joined = as_split(book, fid, value, own.usual[some]) | as_earned(book, fid, value)
        wrong[some] = ~joined
    return judged, wrong


def _weighted(book: PeriodTable, own: Own) -> tuple[Flags, Flags, Floats]:
    """(judged, wrong, what the cover and the sheet count): the same of weighted shares.

    Without a steady past, what was told before (or of a year before) is believed where the shares
    outstanding or the cover are of that size; and both of these where they are a thousand times the
    value (NaN elsewhere). Where they are of the size of the value, or earnings per share times it
    are the income, it stands: shares were joined, or the past was wrong.
    """
    judged, wrong = np.zeros(len(own.fid), bool), np.zeros(len(own.fid), bool)
    counts = np.full(len(own.fid), np.nan)
    asked = book.among(WEIGHTED)[own.item] & book.affected[own.fid]
    some = np.flatnonzero(asked & (own.value > 0))
    fid, value = own.fid[some], own.value[some]
    counts[some] = beside = _beside(book, fid, value)
    usual = np.where(np.isnan(beside), own.usual[some], beside)
    held = usual > 0
    some, fid, value, beside, usual = some[held], fid[held], value[held], beside[held], usual[held]
    least = np.fmin.reduce(np.abs(own.past[:, some]))
    steady = (own.seen[some] >= 3) & (least > 0) & (own.size[some] < STEADY_COUNT * least)
    counted, told = _counted(book, fid, usual, value)
    judged[some] = known = steady | counted | ~np.isnan(beside)
    ratio = usual / value
    about = (ratio >= THOUSANDTH[0]) & (ratio <= THOUSANDTH[1])
    off = known & (about | ~np.isnan(beside)) & ~told
    if off.any():
        basic = book.long[as_index(own.row[some[off]])].with_columns(items=pl.lit("SharesBasic"))
        off[off] = ~vouched(book, basic)  # diluted ones far from them are Q34's
        off &= ~as_split(book, fid, value, usual)
    wrong[some] = off
    return judged, wrong, counts


def _beside(book: PeriodTable, fid: Numbers, value: Floats) -> Floats:
    """The shares that the cover and the sheet count, where both are a thousand times the value and
    of one size; NaN elsewhere.
    """
    both = []
    for items in (("CoverShares",), ("SharesOutstanding", "SharesIssued")):
        rows = np.flatnonzero(book.of(items) & book.here & (book.value > 0))
        counts = np.full((2, book.filings.height), np.nan)
        np.fmin.at(counts[0], book.fid[rows], book.value[rows])
        np.fmax.at(counts[1], book.fid[rows], book.value[rows])
        both.append(counts[:, fid] / value)
    low, high = (np.minimum(both[0][0], both[1][0]), np.maximum(both[0][1], both[1][1]))
    thousand = (low >= COUNTED_BOTH[0]) & (high <= COUNTED_BOTH[1])
    thousand &= (low <= THOUSANDTH[1]) & (high >= THOUSANDTH[0])
    return np.where(thousand, low * value, np.nan)


def _counted(book: PeriodTable, fid: Numbers, *sizes: Floats) -> tuple[Flags, ...]:
    """Whether filings count about so many shares on their cover or in their sheet."""
    told = np.flatnonzero(book.of(COUNTS) & book.here & (book.value > 0))
    of, power = book.fid[told], np.log10(book.value[told])
    least, most = np.full(book.filings.height, np.inf), np.full(book.filings.height, -np.inf)
    np.minimum.at(least, of, power)
    np.maximum.at(most, of, power)
    low, high = least[fid], most[fid]
    sought = [np.log10(size) for size in sizes]
    return tuple(np.minimum(np.abs(low - s), np.abs(high - s)) <= ABOUT for s in sought)
