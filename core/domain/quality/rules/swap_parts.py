"""What the parts of two lines say each should be, and whether they have come out crosswise.

Two lines may be of one size, so that their own past does not tell them apart; but what each is made
of is told under other names. What a line should be is what it was in the period that the report
compares with, and what its parts grew by; of flows also what their parts are together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.packing import (
    NO_DAY,
    as_index,
    dated,
    found_rows,
    grouped,
    last_per_group,
    matched_rows,
    packed,
)
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.rules.part_weights import earning, investing, late, soon

Two = tuple[Floats, Floats]
YEAR_DAYS, LENGTH_DAYS = (350, 380), 8
LEAST = {True: 0.05, False: 0.1}  # of both lines: balances, flows; nearer ones are told by nothing
CROSSED, CLEARLY, ABOUT = 0.5, 0.3, 0.9
FITS = 0.7  # of both lines: what parts leave open that say what both should be
DOUBTFUL = 1.5  # of how far both are from their past: farther crosswise is no exchange
WHOLE = 0.05  # of the investments: what their parts may leave out
CHANCE = 5e3  # rounding units: smaller flows may be what the other's parts make by chance
ALONE = 0.05  # of how far both are from what their parts make: crosswise, without a past
SUMMED = 0.01  # of a line: what its own parts may leave out that show that it is no other

TWICE = "PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"
INCOME = ("IncomeContinuingAll", "IncomeContinuing", "ProfitLoss", "NetIncome")


@dataclass(frozen=True, slots=True)
class ReportPeriods:
    """Filings, and a period of each in days since 1970."""

    fid: Numbers
    start: Numbers
    end: Numbers


@dataclass(frozen=True, slots=True)
class Compared:
    """Pairs of lines, each with the period before that it is compared with, and both of then."""

    place: Numbers  # of the pair among those asked for
    now: ReportPeriods
    before: ReportPeriods
    was: Two


@dataclass(frozen=True, slots=True)
class Lines:
    """Weighted facts of some filings: the period (start NO_DAY: balances), concept and value."""

    period: ReportPeriods
    concept: Numbers
    value: Floats

    def of(self, rows: Flags) -> Lines:
        """Some of them."""
        p = self.period
        some = ReportPeriods(p.fid[rows], p.start[rows], p.end[rows])
        return Lines(some, self.concept[rows], self.value[rows])


def crosswise(
    book: PeriodTable, pair: tuple[str, str], rows: tuple[Numbers, Numbers], past: Two
) -> Flags:
    """Which own pairs of lines are by their parts what the other should be.

    pair: names of the items. rows: of `book.long`, of each. past: what each was told to be before,
    NaN where nothing was.
    """
    values = book.value[rows[0]], book.value[rows[1]]
    direct, cross = _apart(values, past)
    doubtful = ~(cross >= DOUBTFUL * direct) & ~_lenders(book)[book.fid[rows[0]]]
    found = np.zeros(len(doubtful), bool)
    if not doubtful.any():
        return found
    balances = pair[0] != "Cfo"
    given = book.points if balances else book.spans
    compared = _compared(book, given, rows[0][doubtful], pair)
    if not balances:
        alone = np.delete(np.flatnonzero(doubtful), compared.place)
        found[alone] = _alone_crossed(book, pair, (rows[0][alone], rows[1][alone]))
    if not len(compared.place):
        return found
    now = values[0][doubtful][compared.place], values[1][doubtful][compared.place]
    crossed = _balances_crossed if balances else _flows_crossed
    known = ~np.isnan(past[0] + past[1])[doubtful][compared.place]
    crossed_now = crossed(book, pair[0], compared, now)
    found[np.flatnonzero(doubtful)[compared.place]] = crossed_now & known
    return found


def _alone_crossed(
    book: PeriodTable, pair: tuple[str, str], rows: tuple[Numbers, Numbers]
) -> Flags:
    """Flows of a first report that are by their parts just what the other should be."""
    if not len(rows[0]):
        return np.zeros(0, bool)
    asked = ReportPeriods(book.fid[rows[0]], book.start[rows[0]], book.end[rows[0]])
    lines = _lines(book, asked.fid, earning(), investing())
    made = _sums(asked, lines[0]) + _income(book.spans, asked), _sums(asked, lines[1])
    return _clearly(book, asked.fid, (book.value[rows[0]], book.value[rows[1]]), made)


def _clearly(book: PeriodTable, fid: Numbers, now: Two, made: Two) -> Flags:
    """Flows that need no past: far nearer crosswise to what their parts make, or one to the
    rounding what the other's parts make, as its own line is not.
    """
    direct, cross = _apart(now, made)
    found: Flags = (direct > np.abs(now[0]) + np.abs(now[1])) & (cross < ALONE * direct)
    unit = book.filings["unit"].to_numpy()[fid]
    for one, other, parts in ((*now, made[1]), (*now[::-1], made[0])):
        exact = (np.abs(one - parts) <= 2 * unit) & (np.abs(parts) >= CHANCE * unit)
        found |= exact & ~_near(other, parts, 6 * WHOLE)
    return found


def summed_current(book: PeriodTable, item: str, rows: tuple[Numbers, Numbers]) -> Flags:
    """Which current balances are what their own parts make together, as the other line is not.

    item: their name. rows: of `book.long`, of the current balances and of the others.
    """
    if not len(rows[0]):
        return np.zeros(0, bool)
    fid, end = book.fid[rows[0]], book.end[rows[0]]
    (lines,) = _lines(book, fid, soon(owed=item.startswith("Liabilities")))
    lines = lines.of(lines.period.start == NO_DAY)
    place, told = matched_rows((fid, end), (lines.period.fid, lines.period.end))
    parts = _summed(place, lines.value[told], len(fid))
    summed: Flags = _near(book.value[rows[0]], parts, SUMMED)
    return summed & ~_near(book.value[rows[1]], parts, 6 * SUMMED)


def by_parts(book: PeriodTable, pair: tuple[str, str], rows: tuple[Numbers, Numbers]) -> Two:
    """(how far both lines are from what their parts of the same period make, how far crosswise).

    pair: names of the items. rows: of `book.long`, of each.
    """
    if not len(rows[0]):
        return np.zeros(0), np.zeros(0)
    asked = ReportPeriods(book.fid[rows[0]], book.start[rows[0]], book.end[rows[0]])
    if pair[0] == "Cfo":
        one, other = _lines(book, asked.fid, earning(), investing())
        made = _sums(asked, one) + _income(book.spans, asked), _sums(asked, other)
    else:
        owed = pair[0].startswith("Liabilities")
        one, other = _lines(book, asked.fid, soon(owed=owed), late(owed=owed))
        made = _sums(asked, one), _sums(asked, other)
    return _apart((book.value[rows[0]], book.value[rows[1]]), made)


def _lenders(book: PeriodTable) -> Flags:
    """Filings of those that lend and invest as their business."""
    names = [n for n, style in enumerate(book.rules.styles) if style.name in ("bank", "fund")]
    lenders: Flags = np.isin(book.style, names)
    return lenders


def _apart(values: Two, expected: Two) -> Two:
    """(how far both are from what they should be, how far crosswise)."""
    direct = np.abs(values[0] - expected[0]) + np.abs(values[1] - expected[1])
    return direct, np.abs(values[1] - expected[0]) + np.abs(values[0] - expected[1])


def _compared(book: PeriodTable, given: Amounts, rows: Numbers, pair: tuple[str, str]) -> Compared:
    """Some rows of `long` with the last period before that tells both lines; of flows the year
    before's. Without those of which none does.
    """
    lines = given.items[pair[0]], given.items[pair[1]]
    told = np.flatnonzero(~np.isnan(lines[0] + lines[1]))
    place, before = matched_rows((book.fid[rows],), (given.fid[told],))
    row, before = rows[place], told[before]
    back = book.end[row] - given.end[before]
    fits = back > 0
    if pair[0] == "Cfo":
        longer = (book.end[row] - book.start[row]) - (given.end[before] - given.start[before])
        fits = (back >= YEAR_DAYS[0]) & (back <= YEAR_DAYS[1]) & (np.abs(longer) <= LENGTH_DAYS)
    place, row, before = place[fits], row[fits], before[fits]
    last = last_per_group(place, packed([given.end[before], given.start[before]]))
    row, before = row[last], before[last]
    now = ReportPeriods(book.fid[row], book.start[row], book.end[row])
    then = ReportPeriods(now.fid, given.start[before], given.end[before])
    return Compared(place[last], now, then, (lines[0][before], lines[1][before]))


def _balances_crossed(book: PeriodTable, item: str, compared: Compared, now: Two) -> Flags:
    """By the lines of then, and what their parts have more since."""
    owed, was = item.startswith("Liabilities"), compared.was
    lines = _lines(book, compared.now.fid, soon(owed=owed), late(owed=owed))
    grown = [_grown(compared, parts) for parts in lines]
    direct, cross = _apart(now, (was[0] + grown[0], was[1] + grown[1]))
    large = direct > LEAST[True] * (np.abs(now[0]) + np.abs(now[1]))
    crossed: Flags = large & (cross < CROSSED * direct)
    return crossed


def _grown(compared: Compared, parts: Lines) -> Floats:
    """What the parts told of both dates have more on the second."""
    asked, before = compared.now, compared.before
    fid, end, concept = parts.period.fid, parts.period.end, parts.concept
    place, now = matched_rows((asked.fid, asked.end), (fid, end))
    then = (before.fid[place], before.end[place], concept[now])
    both, was = matched_rows(then, (fid, end, concept))
    more = parts.value[now[both]] - parts.value[was]
    return _summed(place[both], more, len(compared.place))


def _summed(place: Numbers, values: Floats, places: int) -> Floats:
    """What the values of each place make together; 0 where there is none."""
    return np.bincount(place, values, places).astype(np.float64, copy=False)


def _flows_crossed(book: PeriodTable, _: str, compared: Compared, now: Two) -> Flags:
    """By what their parts have more than a year ago, and by the parts alone."""
    both, was = (compared.now, compared.before), compared.was
    lines = _lines(book, compared.now.fid, earning(), investing())
    earned, earned_before = (_sums(p, lines[0]) + _income(book.spans, p) for p in both)
    spent, spent_before = (_sums(p, lines[1]) for p in both)
    direct, cross = _apart(now, (was[0] + earned - earned_before, was[1] + spent - spent_before))
    level_direct, level_cross = _apart(now, (earned, spent))
    size = np.abs(now[0]) + np.abs(now[1])
    large = (direct > LEAST[False] * size) & (level_cross < FITS * size)
    crossed = (cross < CROSSED * direct) & (level_cross < CROSSED * level_direct)
    crossed |= (cross < CLEARLY * direct) & (level_cross < ABOUT * level_direct)
    whole: Flags = (
        _near(now[0], spent) & ~_near(now[1], spent, 6 * WHOLE) & _near(was[1], spent_before)
    )
    clear = _clearly(book, both[0].fid, now, (earned, spent))
    return (large & crossed) | whole | clear


def _near(value: Floats, total: Floats, share: float = WHOLE) -> Flags:
    near: Flags = (np.abs(value - total) <= share * np.abs(total)) & (total != 0)
    return near


def _lines(book: PeriodTable, fids: Numbers, *weights: pl.Expr) -> list[Lines]:
    """For each of some weights (of a `concept`) the facts of some filings that have it, each
    concept of a period once.
    """
    rows, concept = _amounts(book, fids)
    told = np.zeros(len(book.concepts[0]), bool)
    told[concept] = True
    frame = book.concepts[0].filter(pl.Series(told)).to_frame("concept")
    weight = np.zeros((len(weights), len(told)))
    weight[:, told] = frame.select(w.alias(str(n)) for n, w in enumerate(weights)).to_numpy().T
    return [_weighted(book, rows, concept, some) for some in weight]


def _amounts(book: PeriodTable, fids: Numbers) -> tuple[Numbers, Numbers]:
    """(rows, concepts by their places) of the amounts of money that some filings tell."""
    here = np.zeros(book.filings.height, bool)
    here[fids] = True
    given, taxonomy = book.measures["given"], book.measures["taxonomy"]
    rows = book.measuring(((given == MONEY) & (taxonomy != "custom")).to_numpy())
    rows = rows[here[_fid(book)[rows]]]
    return rows, book.concepts[1][book.number[rows]]


def _weighted(book: PeriodTable, rows: Numbers, concept: Numbers, weight: Floats) -> Lines:
    """Some facts, with the weight of the concept of each; those without one are left out."""
    some = weight[concept] != 0
    rows, concept = rows[some], concept[some]
    facts = book.facts[["period_start", "period_end", "value"]][as_index(rows)]
    fid, start, end = _fid(book)[rows], dated(facts["period_start"]), dated(facts["period_end"])
    first = grouped(packed([fid, start, end, concept]))[0]
    value = facts["value"].to_numpy() * weight[concept]
    period = ReportPeriods(fid[first], start[first], end[first])
    lines = Lines(period, concept[first], value[first])
    return lines.of(~_twice(book, lines))


def _twice(book: PeriodTable, lines: Lines) -> Flags:
    """Which tell again, with what else was acquired, what another line tells of their period."""
    narrow, wide = (
        np.isin(lines.concept, np.flatnonzero(book.concepts[0] == name)) for name in TWICE
    )
    p = lines.period
    period = packed([p.fid, p.start, p.end])
    again: Flags = wide & np.isin(period, period[narrow])
    return again


def _fid(book: PeriodTable) -> Numbers:
    return book.facts["fid"].to_numpy()


def _sums(asked: ReportPeriods, lines: Lines) -> Floats:
    """What the lines of a period make together; 0 where there is none."""
    p = lines.period
    place, told = matched_rows((asked.fid, asked.start, asked.end), (p.fid, p.start, p.end))
    return _summed(place, lines.value[told], len(asked.fid))


def _income(spans: Amounts, asked: ReportPeriods) -> Floats:
    """Income of a period before what was discontinued; 0 where none is told."""
    known = (spans.fid, spans.start, spans.end)
    place = found_rows(known, (asked.fid, asked.start, asked.end))
    income = np.append(spans.first(INCOME), np.nan)[place]
    return np.where(np.isnan(income), 0.0, income)
