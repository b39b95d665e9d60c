"""Rules about periods that hold each other: quarters in half-years, half-years in years."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers, equal_any
from core.domain.quality.facts.packing import as_index, last_per_group, matched, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules import recast
from core.domain.quality.rules.crossed_before import crossed_before
from core.domain.quality.rules.recast import Flows
from core.domain.quality.rules.shares import holds_losses
from core.domain.quality.words import FindingText, facts_of, with_columns_from


def adding_up(book: PeriodTable) -> Outcome:
    """Q27: last quarter + what came before = the longer period.

    The earlier part is taken from the same filing, else from the latest earlier filing that gives
    it; then a departure counts only where that filing's value was not restated since.
    """
    flows = _flows(book, "flow")
    long, last, rest = _parts(flows, book.affected)
    value, quarter, before = (flows.value[rows] for rows in (long, last, rest))
    earlier = flows.fid[rest] < flows.fid[long]
    summed = quarter + before
    room = np.fmax(flows.unit[long] * 6.0, np.abs(value) * 0.001)
    departs = np.abs(value - summed) > room
    judged = ~(earlier & _misreported(before / (value - quarter)))
    slip = _slipped(value, quarter, before, flows.unit[long])
    judged |= _same(value, quarter, before) | slip
    if (departs & judged).any():
        across = departs & judged & earlier
        anew = recast.by_much(book, flows, long, across, value / summed)
        anew |= recast.by_its_quarters(flows, long, last, across & ~anew)
        judged &= ~anew | _same(value, quarter, before) | slip
        judged &= ~_crossed(book, flows, (long, last, rest), room, judged & departs & earlier)
    wrong = judged & departs
    if not wrong.any():
        return outcome("Q27", flows.fid[long[judged]])
    bad = _beside(book, flows, long[wrong], last=last[wrong], rest=rest[wrong])
    failed = with_columns_from(
        bad, expected=summed[wrong], tolerance=room[wrong], actual="value",
        rows=facts_of(bad, "row", "last_row", "rest_row"),
    )  # fmt: skip
    said = (
        "{item} of the longer period is {value}, but the last quarter and what came before make "
        "{expected}."
    )
    return outcome("Q27", flows.fid[long[judged]], FindingText(failed, said))


def _crossed(
    book: PeriodTable,
    flows: Flows,
    parts: tuple[Numbers, Numbers, Numbers],
    room: Floats,
    asked: Flags,
) -> Flags:
    """Sums that hold with two lines of the earlier report exchanged: that is its fault."""
    names = list(book.rules.items)
    if not asked.any() or "Cfo" not in names or "Cfi" not in names:
        return np.zeros(len(asked), bool)
    return crossed_before(flows, (names.index("Cfo"), names.index("Cfi")), parts, room, asked)


def _same(value: Floats, quarter: Floats, before: Floats) -> Flags:
    """The quarter is the longer period, though something was told of what came before."""
    same: Flags = (value == quarter) & (value != 0) & (np.abs(before) >= 0.05 * np.abs(value))
    return same


def _slipped(value: Floats, quarter: Floats, before: Floats, unit: Floats) -> Flags:
    """The last quarter is what the others leave of it but for its sign, or thousands: a slip of its
    own, whatever was restated since. What is told by few units says nothing of its scale.
    """
    left = value - before
    fine = (np.abs(left) >= FINE * unit) & (quarter != 0)
    power = np.full(len(left), np.nan)
    power[fine] = np.log10(np.abs(quarter[fine] / left[fine]))
    thousands = equal_any(np.round(power), (-6, -3, 3, 6)) & (quarter * left > 0)
    turned = (np.round(power) == 0) & (quarter * left < 0)
    slipped: Flags = (thousands | turned) & (np.abs(power - np.round(power)) < SLIP)
    return slipped


SLIP = 0.005  # of a power of ten: a hundredth
FINE = 40.0  # units


def _misreported(ratio: Floats) -> Flags:
    """The earlier filing had the sign or the scale wrong: that is its fault, not this one's."""
    size = np.abs(ratio)
    wrong: Flags = (np.abs(ratio + 1) < 0.02) | ~(size <= 100) | (size < 0.01)  # 0 of 0 too
    return wrong


def _flows(book: PeriodTable, flag: str, some: Flags | None = None) -> Flows:
    chosen = (book.months > 0) & book.flagged(flag)
    place = np.flatnonzero(chosen if some is None else chosen & some)
    fid, item = book.fid[place].astype(np.int64), book.item[place].astype(np.int64)
    rank, start, end = book.long["rank"].to_numpy()[place], book.start[place], book.end[place]
    company, unit = book.teller[fid], book.filings["unit"].to_numpy()[fid]
    months, value = book.months[place], book.value[place]
    tag = packed([item, rank])
    return Flows(place, fid, item, tag, start, end, months, value, unit, company)


def _parts(flows: Flows, filings: Flags) -> tuple[Numbers, Numbers, Numbers]:
    """(longer flows, their last quarters, what came before, of this filing or an earlier one).

    Longer flows of some filings; what came before may be of any.
    """
    longer = np.flatnonzero(equal_any(flows.months, (6, 9, 12)) & filings[flows.fid])
    quarters = np.flatnonzero(flows.months == 3)
    same = packed([flows.fid, flows.tag, flows.end])
    left, right = matched(same[longer], same[quarters])
    long, last = longer[left], quarters[right]
    later = flows.start[last] > flows.start[long]
    long, last = long[later], last[later]
    # What came before starts with the longer flow and ends a day before its last quarter.
    stem = packed([flows.company, flows.tag, flows.start])
    ends = np.concatenate([flows.end, flows.start[last] - 1])
    both = packed([np.concatenate([stem, stem[long]]), ends])
    pair, rest = matched(both[len(stem) :], both[: len(stem)])
    long, last = long[pair], last[pair]
    told = flows.fid[rest] <= flows.fid[long]
    long, last, rest = long[told], last[told], rest[told]
    # Comparatives of last year are not added up across filings: they may be restated.
    told = (flows.fid[rest] == flows.fid[long]) | _newest(flows, long)
    long, last, rest = long[told], last[told], rest[told]
    latest = last_per_group(long, flows.fid[rest])
    return long[latest], last[latest], rest[latest]


def _newest(flows: Flows, some: Numbers) -> Flags:
    """Which of some flows end with the last of them of their filing."""
    last = np.full(int(flows.fid.max(initial=-1)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, flows.fid[some], flows.end[some])
    newest: Flags = flows.end[some] == last[flows.fid[some]]
    return newest


def nested(book: PeriodTable) -> Outcome:
    """Q28: a flow of a shorter period is not larger than the longer one with the same end."""
    flows = _flows(book, "growing", book.here)
    same = packed([flows.fid, flows.tag, flows.end])
    long, short = matched(same, same)
    held = (flows.start[short] > flows.start[long]) & (flows.value[long] >= 0)
    held &= ~holds_losses(book)[flows.fid[long]]
    long, short = long[held], short[held]
    value = flows.value[long]
    room = np.fmax(flows.unit[long] * 2, value * 0.001)
    wrong = flows.value[short] > value + room
    if not wrong.any():
        return outcome("Q28", flows.fid[long])
    bad = _beside(book, flows, long[wrong], short=short[wrong])
    failed = with_columns_from(
        bad, expected="value", actual="short", tolerance=room[wrong],
        rows=facts_of(bad, "short_row", "row"),
    )  # fmt: skip
    said = "{item} of the shorter period is {short}, but of the longer one that holds it {value}."
    return outcome("Q28", flows.fid[long], FindingText(failed, said))


def year_to_date(book: PeriodTable) -> Outcome:
    """Q56: the flows of a quarter are those of the quarter, not of the year to date.

    Against what the report before told of the year until then: a quarter that is one and a half
    times the half-year (or twice the first quarter) in nearly all its flows, without the longer
    period beside it, or equal to the longer period, is the year to date under a quarter's dates.
    """
    flows = _flows(book, "flow")
    own = book.own[flows.place]
    quarterly = book.filings["form"].str.starts_with("10-Q").to_numpy()
    quarter = np.flatnonzero((flows.months == 3) & own & book.affected[flows.fid])
    until = np.flatnonzero(equal_any(flows.months, (3, 6)) & own)
    both = np.concatenate([quarter, until])
    ends = np.concatenate([flows.start[quarter] - 1, flows.end[until]])
    key = packed([flows.company[both], flows.tag[both], ends])
    left, right = matched(key[: len(quarter)], key[len(quarter) :])
    now, before = quarter[left], until[right]
    told = (flows.fid[before] < flows.fid[now]) & (flows.value[before] > 0)
    told &= quarterly[flows.fid[now]] & quarterly[flows.fid[before]]  # no fourth quarters
    now, before = now[told], before[told]
    latest = last_per_group(now, flows.fid[before] * 16 + flows.months[before])
    now, before = now[latest], before[latest]
    longer = _longer(flows, own, now)
    ratio, parts = flows.value[now] / flows.value[before], flows.months[before] / 3
    alone = np.isnan(longer) & (ratio >= LEAST_YTD[parts.astype(int)])
    alone &= ratio <= 1.35 * (parts + 1) / parts
    equal = (longer == flows.value[now]) & (flows.value[now] != 0)
    differed = equal & _differed(flows, now)
    counts = [_kinds_of(book, flows, now, some) for some in (now >= 0, alone, equal)]
    items = counts[0][flows.fid[now]]
    many = (items >= FEW_FLOWS) & (counts[1][flows.fid[now]] >= 0.75 * items)
    wrong = (alone & many) | differed | (equal & (counts[2] >= FEW_FLOWS)[flows.fid[now]])
    missing = _no_year_to_date(book, flows, own)
    if not wrong.any():
        return outcome("Q56", flows.fid[now], *missing)
    bad = _beside(book, flows, now[wrong], before=before[wrong])
    failed = with_columns_from(
        bad, expected="before", actual="value", rows=facts_of(bad, "row", "before_row"),
    )  # fmt: skip
    said = (
        "{item} of the quarter is {value}, after {before} of the year before it: the year to date "
        "under the dates of a quarter."
    )
    return outcome("Q56", flows.fid[now], FindingText(failed, said), *missing)


def _differed(flows: Flows, now: Numbers) -> Flags:
    """Quarters of whose year-ago both the quarter and the longer period are told, and differ."""
    short = np.flatnonzero(flows.months == 3)
    long = np.flatnonzero(equal_any(flows.months, (6, 9)))
    key = packed([flows.fid, flows.tag, flows.end])
    left, right = matched(key[short], key[long])
    apart = short[left[flows.value[short[left]] != flows.value[long[right]]]]
    stem = packed([flows.fid, flows.tag])
    one, other = matched(stem[now], stem[apart])
    back = flows.end[now[one]] - flows.end[apart[other]]
    found = np.zeros(len(now), bool)
    found[one[(back >= YEAR[0]) & (back <= YEAR[1])]] = True
    return found


YEAR = (350, 380)  # days


def _no_year_to_date(book: PeriodTable, flows: Flows, own: Flags) -> list[FindingText]:
    """Quarters of cash flow alone in the reports of second and third quarters."""
    period = book.filings["fiscal_period"]
    second, third = ((period == name).to_numpy() == 1 for name in ("Q2", "Q3"))
    asked = (second | third) & book.originals & ~book.flag("annual") & ~book.flag("transition")
    flow = np.flatnonzero(own & book.among(["Cfo"])[flows.item])
    longer = np.zeros(book.filings.height, bool)
    longer[flows.fid[flow[equal_any(flows.months[flow], (6, 9, 12))]]] = True
    alone = flow[(flows.months[flow] == 3) & (asked & ~longer & book.affected)[flows.fid[flow]]]
    alone = alone[_continues(flows, alone)]
    if not len(alone):
        return []
    bad = _beside(book, flows, alone)
    failed = with_columns_from(bad, actual="value", rows=facts_of(bad, "row"))
    said = "{item} is {actual} for the quarter, but that of the year to date is not there."
    return [FindingText(failed, said)]


def _continues(flows: Flows, quarters: Numbers) -> Flags:
    """Which quarters begin where an earlier report's flow of the year ended."""
    asked = packed([
        np.concatenate([flows.company, flows.company[quarters]]),
        np.concatenate([flows.item, flows.item[quarters]]),
        np.concatenate([flows.end, flows.start[quarters] - 1]),
    ])  # fmt: skip
    known = asked[: len(flows.end)][equal_any(flows.months, (3, 6))]
    goes_on: Flags = np.isin(asked[len(flows.end) :], known)
    return goes_on


FEW_FLOWS = 3
LEAST_YTD = np.array([np.nan, 1.6, 1.15])  # of the first quarter, of the half-year


def _longer(flows: Flows, own: Flags, now: Numbers) -> Floats:
    """Of quarters, the longer flow of the same filing with the same end; NaN without one."""
    long = np.flatnonzero(equal_any(flows.months, (6, 9)) & own)
    key = packed([flows.fid, flows.tag, flows.end])
    left, right = matched(key[now], key[long])
    found = np.full(len(now), np.nan)
    found[left] = flows.value[long[right]]
    return found


def _kinds_of(book: PeriodTable, flows: Flows, rows: Numbers, where: Flags) -> Numbers:
    """Of how many items each filing has some of the flows."""
    items = np.zeros((book.filings.height, len(book.rules.items)), bool)
    items[flows.fid[rows[where]], flows.item[rows[where]]] = True
    counts: Numbers = items.sum(axis=1)
    return counts


def _beside(book: PeriodTable, flows: Flows, which: Numbers, **others: Numbers) -> pl.DataFrame:
    """Some flows as rows of `long`, with value and row (`x`, `x_row`) of others beside them."""
    frame = book.long[as_index(flows.place[which])]
    for name, place in others.items():
        row, value = book.long["row"][as_index(flows.place[place])], flows.value[place]
        frame = with_columns_from(frame, **{name: value, f"{name}_row": row})
    return frame


def fourth(book: PeriodTable) -> Outcome:
    """Q50: year less nine months, from the third quarter's report before it."""
    flows = _flows(book, "growing")
    nines = np.flatnonzero(flows.months == 9)
    years = np.flatnonzero((flows.months == 12) & book.affected[flows.fid])
    stem = packed([flows.company, flows.tag, flows.start])
    left, right = matched(stem[years], stem[nines])
    year, nine = years[left], nines[right]
    fits = (flows.fid[nine] <= flows.fid[year]) & (flows.value[year] > 0) & (flows.value[nine] > 0)
    year, nine = year[fits], nine[fits]
    newest = _newest(flows, year)
    year, nine = year[newest], nine[newest]
    latest = last_per_group(
        packed([flows.fid[year], flows.item[year], flows.end[year]]), flows.fid[nine]
    )
    year, nine = year[latest], nine[latest]
    value, quarter = flows.value[year], flows.value[year] - flows.value[nine]
    judged = (flows.value[nine] < 100 * value) & book.among(MAIN)[flows.item[year]]
    wrong = judged & ((quarter < -0.02 * value) | (quarter > 0.75 * value))
    if not wrong.any():
        return outcome("Q50", flows.fid[year[judged]])
    bad = _beside(book, flows, year[wrong], nine=nine[wrong])
    failed = with_columns_from(
        bad, expected="nine", actual="value", rows=facts_of(bad, "row", "nine_row"),
        quarter=quarter[wrong],
    )  # fmt: skip
    said = (
        "{item} of the year is {value} and of its first nine months {nine}: the fourth quarter "
        "would be {quarter}."
    )
    return outcome("Q50", flows.fid[year[judged]], FindingText(failed, said))


MAIN = ("Revenues", "CostOfRevenue")
