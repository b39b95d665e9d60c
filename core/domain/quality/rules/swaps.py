"""Lines and columns that are exchanged: against what was told before, crosswise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers, or_zero
from core.domain.quality.facts.packing import (
    as_index,
    as_int,
    found_rows,
    matched_rows,
    ordered,
    packed,
)
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.past import Own, ToldAgain, median
from core.domain.quality.rules.swap_parts import by_parts, crosswise, summed_current
from core.domain.quality.words import FindingText, facts_of, with_columns_from

PAIRS = (
    ("Cfo", "Cfi"), ("AssetsCurrent", "AssetsNoncurrent"),
    ("LiabilitiesCurrent", "LiabilitiesNoncurrent"),
)  # fmt: skip
CROSSED = (0.4, 0.3)  # of how far both are from their own past, how far crosswise: near, very
FAR = 0.3  # in logarithms: how far both together must be from their own past
TURNED = (0.33, 0.5)  # of how far both are from what they should be; with a year until now: more
EXACT = 1e-3


def exchanged(book: PeriodTable, own: Own, told: ToldAgain) -> Outcome:
    """Q57: a pair of lines of which each has what the other had before."""
    places = {name: n for n, name in enumerate(book.rules.items)}
    judged, said = [], []
    for one, other in PAIRS:
        if one not in places or other not in places:
            continue
        pair = (places[one], places[other])
        retold = _retold(book, told, pair)
        tests = (retold, _turned(book, own, pair, retold.before[book.affected[retold.fid]]))
        at_fault = np.zeros(book.filings.height, bool)
        for found in tests:
            at_fault[found.fid[found.wrong]] = True
        for found in tests:
            judged.append(found.fid)
            excused = at_fault[found.before] & (found.before != found.fid)
            wrong = found.wrong & ~excused & book.affected[found.fid]
            if wrong.any():
                said.append(_told(book, found.one[wrong], found.other[wrong]))
    return outcome("Q57", np.concatenate([*judged, np.zeros(0, np.int64)]), *said)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of `long` of a pair of lines, whether each is what the other was, and two filings."""

    one: Numbers
    other: Numbers
    wrong: Flags
    fid: Numbers
    before: Numbers  # the filing that told what was before


def _retold(book: PeriodTable, told: ToldAgain, pair: tuple[int, int]) -> Pairs:
    """Lines of one period: each exactly what the other was before, and no nearer to its own parts.

    Where it is nearer, the lines of before were exchanged.
    """
    left = np.flatnonzero((told.item == pair[0]) & ~np.isnan(told.was))
    right = np.flatnonzero((told.item == pair[1]) & ~np.isnan(told.was))
    keys = [(told.fid[r], book.start[told.row[r]], book.end[told.row[r]]) for r in (left, right)]
    place = found_rows(keys[1], keys[0])
    left, right = left[place >= 0], right[place[place >= 0]]
    one, other = (told.value[rows] for rows in (left, right))
    was, other_was = (told.was[rows] for rows in (left, right))
    same = _near(one, other_was) & _near(other, was) & ~_near(one, other)
    names, some = list(book.rules.items), np.flatnonzero(same)
    asked = told.row[left[some]], told.row[right[some]]
    direct, cross = by_parts(book, (names[pair[0]], names[pair[1]]), asked)
    same[some] = cross <= direct
    before = told.fid[told.last[left]]
    return Pairs(told.row[left], told.row[right], same, told.fid[left], before)


def columns(book: PeriodTable, own: Own, told: ToldAgain) -> Outcome:
    """Q58: the own value is what was told of a year before, and the year before has another."""
    compared = np.flatnonzero(~book.own[told.row] & (told.own >= 0) & ~np.isnan(told.was))
    was, now = told.was[compared], own.value[told.own[compared]]
    fid, item = told.fid[compared], told.item[compared]
    changed = ~_near(told.value[compared], was)
    moved = changed & _near(now, was)
    counts = []
    for some in (moved, changed):
        items = np.zeros((book.filings.height, len(book.rules.items)), bool)
        items[fid[some], item[some]] = True
        counts.append(items.sum(axis=1))
    wrong = moved & ((counts[0] >= FEW) & (counts[0] * 2 >= counts[1]) & book.affected)[fid]
    if not wrong.any():
        return outcome("Q58", fid)
    rows = told.row[compared[wrong]]
    before = with_columns_from(
        book.long[as_index(own.row[told.own[compared[wrong]]])], was=was[wrong]
    )
    said = with_columns_from(
        before, expected="was", actual="value", other_row=book.long["row"][as_index(rows)],
        told_end=book.long["end"][as_index(rows)],
    )  # fmt: skip
    failed = with_columns_from(said, rows=facts_of(said, "row", "other_row"))
    return outcome("Q58", fid, FindingText(failed, COLUMNS))


FEW = 3  # items that move together
COLUMNS = (
    "{item} is {actual} to {end}, which is what was told before for {told_end}: the columns of two "
    "years are exchanged."
)


def _near(one: Floats, other: Floats) -> Flags:
    near: Flags = (np.abs(one - other) <= EXACT * np.abs(other)) & (other != 0)
    return near


def _turned(book: PeriodTable, own: Own, pair: tuple[int, int], also: Numbers) -> Pairs:
    """Lines of the filing's own period: each like the other's past, and unlike its own."""
    names = list(book.rules.items)
    left, right = (np.flatnonzero(own.item == n) for n in pair)
    keys = [(own.fid[rows], own.months[rows]) for rows in (left, right)]
    place = found_rows(keys[1], keys[0])
    left, right = left[place >= 0], right[place[place >= 0]]
    rows = own.row[left], own.row[right]
    if own.months[left].any():
        wrong = _flows_turned(book, own, left, right)
    else:
        wrong = _sheets_turned(book, own, left, right)
        wrong[wrong] = ~summed_current(book, names[pair[0]], (rows[0][wrong], rows[1][wrong]))
    before = own.fid[own.last[left]]
    before = np.where(before == own.fid[left], own.fid[own.last[right]], before)
    wrong &= before != own.fid[left]  # of a first report its parts alone say
    some = _asked(book, own.fid[left], before, also)
    of = (own.row[left[some]], own.row[right[some]])
    past = own.past[0][left[some]], own.past[0][right[some]]
    wrong[some] |= crosswise(book, (names[pair[0]], names[pair[1]]), of, past)
    return Pairs(own.row[left], own.row[right], wrong, own.fid[left], before)


def _asked(book: PeriodTable, fid: Numbers, before: Numbers, also: Numbers) -> Flags:
    """Which pairs are of filings to judge, of those before them (they may be at fault), or others.

    fid: the filing of each pair. before: the one that told what was before. also: others.
    """
    asked = book.affected.copy()
    asked[before[book.affected[fid]]] = asked[also] = True
    return asked[fid]


def _sheets_turned(book: PeriodTable, own: Own, left: Numbers, right: Numbers) -> Flags:
    """Balances that come near each other's last ones, and are far from their own.

    Very near, for debt may fall due at once; or near, where a line is smaller than its parts.
    """
    one, other, was, other_was = (
        np.log(np.abs(values))
        for values in (own.value[left], own.value[right], own.past[0][left], own.past[0][right])
    )
    direct = np.abs(one - was) + np.abs(other - other_was)
    cross = np.abs(one - other_was) + np.abs(other - was)
    near, very = (cross < share * direct for share in CROSSED)
    turned: Flags = (direct > FAR) & (very | (near & _overfull(book, own.row[left])))
    if turned.any():
        turned &= ~_as_a_year_ago(book, own, left, right) & ~_fell_due(book, own, left)
    return turned


def _as_a_year_ago(book: PeriodTable, own: Own, left: Numbers, right: Numbers) -> Flags:
    """Whether both balances are nearer to their own of a year before than to each other's.

    A season moves them: what customers pay for a year comes in at once.
    """
    (one, was), (other, other_was) = (_year_ago(book, own, rows) for rows in (left, right))
    direct = np.abs(one - was) + np.abs(other - other_was)
    cross = np.abs(one - other_was) + np.abs(other - was)
    same: Flags = direct < cross  # false where nothing was told
    return same


def _year_ago(book: PeriodTable, own: Own, rows: Numbers) -> tuple[Floats, Floats]:
    """Logarithms of own balances, and of those of a year before as told by then; NaN: none."""
    return np.log(np.abs(own.value[rows])), np.log(np.abs(_told_a_year_ago(book, own, rows)))


def _told_a_year_ago(book: PeriodTable, own: Own, rows: Numbers) -> Floats:
    """What a report of a year before told of the same item and length; NaN: nothing."""
    end = book.end[own.row]
    company = book.teller[own.fid]
    found = np.full(len(rows), np.nan)
    for step in (-1, 0, 1):  # ends of years differ by some days
        asked = (end[rows] - YEAR) // SOME_DAYS + step
        left, right = matched_rows(
            (company[rows], own.item[rows], own.months[rows], asked),
            (company, own.item, own.months, end // SOME_DAYS),
        )
        near = np.abs(end[rows[left]] - end[right] - YEAR) <= SOME_DAYS
        near &= own.fid[right] < own.fid[rows[left]]
        found[left[near]] = own.value[right[near]]
    return found


def _fell_due(book: PeriodTable, own: Own, left: Numbers) -> Flags:
    """Whether debt due within the year makes up for what current liabilities grew or fell by.

    It fell due, or what the report before told as due was paid, or made to last.
    """
    rows, before = own.row[left], own.row[own.last[left]]
    grown = own.value[left] - own.past[0][left]
    now, was = (_most_stated(book, DUE, some, instant=True) for some in (rows, before))
    moved = np.where(grown > 0, now, was)
    fell: Flags = (moved >= PART_DUE * np.abs(grown)) & book.among(["LiabilitiesCurrent"])[
        book.item[rows]
    ]
    return fell


PART_DUE = 1 / 3  # the rest is what customers paid ahead, which a season moves


def _overfull(book: PeriodTable, rows: Numbers) -> Flags:
    """Whether a line of current or noncurrent balances is smaller than its parts."""
    points, full = book.points, np.zeros(len(rows), bool)
    place = found_rows((points.fid, points.end), (book.fid[rows], book.end[rows]))
    for whole, parts in PARTS.items():
        summed = np.nansum([points.items[name] for name in parts], axis=0)
        over = np.append(summed > points.items[whole] * 1.01, False)[place]
        full |= over & (book.among([whole.replace("Noncurrent", "Current")])[book.item[rows]])
    return full


PARTS = {
    "AssetsCurrent": ("Cash", "Receivables", "Inventory"),
    "AssetsNoncurrent": ("PropertyPlantEquipment", "Goodwill"),
    "LiabilitiesCurrent": ("AccountsPayable", "LongTermDebtCurrent"),
    "LiabilitiesNoncurrent": ("LongTermDebt",),
}


def _flows_turned(book: PeriodTable, own: Own, left: Numbers, right: Numbers) -> Flags:
    """An outflow from operations and an inflow from investments, each like the other's usual.

    What operations bring in is known from the year until now, from income and depreciation, and
    from the past; what is invested from the year until now, or capital expenditure and the past.
    """
    earned, spent = _likely(book, own.row[left])
    rates = [_rate(book, own, rows) for rows in (left, right)]
    usual = [median(own.past[:, rows], own.seen[rows]) for rows in (left, right)]
    brought = _mean(earned, np.where(np.isnan(rates[0]), usual[0], rates[0]))
    invested = np.where(np.isnan(rates[1]), _mean(-spent, usual[1]), rates[1])
    one, other = own.value[left], own.value[right]
    direct = np.abs(one - brought) + np.abs(other - invested)
    cross = np.abs(other - brought) + np.abs(one - invested)
    share = np.where(np.isnan(rates[0]), *TURNED)
    turned: Flags = (one < 0) & (other > 0) & (cross < share * direct)
    if turned.any():
        turned &= ~_sold(book, own.row[left], other) & ~_so_a_year_ago(book, own, left, right)
    return turned


def _so_a_year_ago(book: PeriodTable, own: Own, left: Numbers, right: Numbers) -> Flags:
    """Whether operations took cash and investments gave some a year before too, as told by then."""
    so: Flags = (_told_a_year_ago(book, own, left) < 0) & (_told_a_year_ago(book, own, right) > 0)
    return so


def _sold(book: PeriodTable, rows: Numbers, inflow: Floats) -> Flags:
    """Whether what a business was sold for, or receivables collected, makes most of an inflow."""
    sold: Flags = _most_stated(book, SALES, rows, instant=False) >= 0.5 * inflow
    return sold


def _most_stated(book: PeriodTable, concepts: str, rows: Numbers, *, instant: bool) -> Floats:
    """The greatest fact of some concepts, of the filing and period of each row; 0 without any."""
    told = book.measuring(book.named(concepts))
    facts = book.facts[["fid", "period_start", "period_end", "value"]][as_index(told)]
    facts = facts.filter(facts["period_start"].is_null() == instant)
    names = ("fid", "period_end") if instant else ("fid", "period_end", "period_start")
    keys = [as_int(facts[name]) for name in names]
    asked = [book.fid[rows].astype(np.int64), book.end[rows], book.start[rows]][: len(keys)]
    left, right = matched_rows(asked, keys)
    most = np.zeros(len(rows))
    np.fmax.at(most, left, facts["value"].to_numpy()[right])
    return most


YEAR, SOME_DAYS = 365, 16
DUE = "^(LongTermDebt|Convertible|SecuredDebt|SeniorNotes|NotesPayable|Debt).*Current$"
SALES = (
    "^Proceeds.*(Divestiture|SaleOfBusiness|SaleOf.*(Business|Subsidiar|Segment)|"
    "BeneficialInterest|RetainedInterest|DeferredPurchasePrice)"
)


def _mean(one: Floats, other: Floats) -> Floats:
    """The mean of two, or the one that is given."""
    return np.where(np.isnan(one), other, np.where(np.isnan(other), one, (one + other) / 2))


def _rate(book: PeriodTable, own: Own, rows: Numbers) -> Floats:
    """What each flow would be if the year went on as until the report before; NaN without one."""
    months = own.months[rows].astype(np.int64)
    company = book.teller[own.fid[rows]]
    year = packed([company, book.start[own.row[rows]]])
    order = ordered(packed([year, months, own.fid[rows]]))
    same = year[order[1:]] == year[order[:-1]]
    goes_on = np.flatnonzero(same & (months[order[1:]] > months[order[:-1]]))
    until, now = order[goes_on], order[goes_on + 1]
    found = np.full(len(rows), np.nan)
    found[now] = own.value[rows[until]] / months[until] * months[now]
    return found


def _likely(book: PeriodTable, rows: Numbers) -> tuple[Floats, Floats]:
    """(income and depreciation, capital expenditure) of the period of each row."""
    spans = book.spans
    keys = (spans.fid, spans.start, spans.end)
    place = found_rows(keys, (book.fid[rows], book.start[rows], book.end[rows]))
    income, depreciation, spent = (
        np.append(values, np.nan)[place]
        for values in (
            spans.first(("ProfitLoss", "NetIncome")), spans.items["Depreciation"],
            spans.items["CapitalExpenditure"],
        )
    )  # fmt: skip
    return income + or_zero(depreciation), spent


def _told(book: PeriodTable, one: Numbers, other: Numbers) -> FindingText:
    frame = book.long[as_index(one)]
    beside = book.long[as_index(other)]
    found = with_columns_from(
        frame, expected=book.value[other], actual="value", other=beside["item"].cast(pl.String),
        other_row=beside["row"],
    )  # fmt: skip
    told = with_columns_from(found, rows=facts_of(found, "row", "other_row"))
    return FindingText(told, SAID)


SAID = "{item} is {actual} and {other} {expected}: each is what the other was before."
