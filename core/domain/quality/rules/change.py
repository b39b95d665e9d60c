"""Rules about change: growth out of line with the past, and values told anew in later filings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index, as_int
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.history import PER_SHARE
from core.domain.quality.rules.past import Own, Told, median
from core.domain.quality.rules.shares import SHELL_BALANCE
from core.domain.quality.rules.splits import as_split, five_for_four
from core.domain.quality.words import FindingText, facts_of, with_columns_from

SPLITS = [
    a / b
    for a in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 200)
    for b in (1, 2, 3)
] + [250, 300, 400, 500, 600, 750, 800, 1200, 1500, 2000, 2500, 3000, 4000, 5000]  # 1,000: a scale


def restated(book: PeriodTable, told: Told) -> Outcome:
    """Q47: comparatives that differ from the first report beyond rounding and splits.

    Fails where at least three headline items of at least a tenth of those compared changed. Told
    under another tag, it is another line: products alone, or before excise taxes.
    """
    first = _first_told(book, told)
    again = _told_again(book, told, first, book.affected)
    if again.unlike.any():
        again = _told_again(book, told, _since_merger(book, told, first), book.affected)
    fid = again.fid
    changed = again.changed & ~_of_another(again, book.filings.height)[fid]
    number_of, of = (np.bincount(f, minlength=book.filings.height) for f in (fid[changed], fid))
    many = changed & ((number_of >= 3) & (number_of / of >= 0.1))[fid]
    if not many.any():
        return outcome("Q47", fid)
    was = book.long["row"][as_index(told.row[again.first[many]])]
    bad = with_columns_from(book.long[as_index(told.row[again.place[many]])], was_row=was)
    failed = with_columns_from(
        bad, expected=told.value[again.first[many]], actual="value", tolerance=again.room[many],
        rows=facts_of(bad, "row", "was_row"),
    )  # fmt: skip
    said = "{item} is {value}, but was first reported as {expected}."
    return outcome("Q47", fid, FindingText(failed, said))


@dataclass(frozen=True, slots=True)
class _Again:
    """Values told before, in rows of `Told`: each (`place`) beside the first of its run."""

    place: Numbers
    first: Numbers
    fid: Numbers
    room: Floats  # what rounding explains
    changed: Flags
    unlike: Flags  # changed, and of another size that is no thousands of the first


def _told_again(book: PeriodTable, told: Told, first: Numbers, filings: Flags) -> _Again:
    """What some filings tell of periods that filings before them told of."""
    before = (told.fid[first] < told.fid) & filings[told.fid]
    place = np.flatnonzero(before & (told.value != 0) & (told.value[first] != 0))
    first = first[place]
    was, value, fid = told.value[first], told.value[place], told.fid[place]
    eps = book.among(("EpsBasic", "EpsDiluted"))[told.item[place]]
    rounding = np.fmax(book.filings["unit"].to_numpy()[fid] * 2, np.abs(was) * 0.001)
    room = np.where(eps, 0.011, rounding)
    rank = book.long["rank"].to_numpy()
    changed = np.abs(value - was) > room
    changed &= rank[told.row[place]] == rank[told.row[first]]
    per_share = book.among(PER_SHARE)[told.item[place]]
    suspect = np.flatnonzero(changed & per_share)
    counts = value[suspect], was[suspect]
    split = by_split(*counts, eps[suspect]) | as_split(book, fid[suspect], *counts)
    changed[suspect] = ~(split | five_for_four(fid[suspect], *counts, eps[suspect]))
    log = np.abs(np.log10(np.abs(value / was)))
    unlike = changed & (log > np.log10(OTHER_SIZE)) & (np.abs(log - np.round(log / 3) * 3) > 0.01)
    changed &= ~(unlike & (np.abs(was) < SHELL_BALANCE) & ~per_share)
    return _Again(place, first, fid, room, changed, unlike)


def _of_another(again: _Again, filings: int) -> Flags:
    """Filings whose past is another company's: a shell told it, and then bought the business.

    Most of what it told is now another size altogether, each line by its own factor.
    """
    others, every = (
        np.bincount(again.fid[some], minlength=filings) for some in (again.unlike, again.changed)
    )
    another: Flags = (others >= 3) & (others * 2 >= every)
    return another


def _first_told(book: PeriodTable, told: Told) -> Numbers:
    """The first row of each run that was told of a past: of a day to come nothing is known yet."""
    ahead = book.end[told.row] > as_int(book.filings["filed"])[told.fid]
    first = told.first
    while (early := ahead[first] & (told.fid[first] < told.fid)).any():
        first = first + early
    return first


def _since_merger(book: PeriodTable, told: Told, first: Numbers) -> Numbers:
    """The first row of each run that is of its company: a shell's past is not.

    What was told before the first report after the merger is no past of any report since.
    """
    filings = book.filings.height
    again = _told_again(book, told, first, np.ones(filings, bool))
    bought = np.flatnonzero(_of_another(again, filings))
    since = np.full(int(book.company[-1]) + 1, filings)
    np.minimum.at(since, book.company[bought], bought)
    own = since[book.company]
    while (shell := (told.fid[first] < own[told.fid]) & (told.fid >= own[told.fid])).any():
        first = first + shell
    return first


OTHER_SIZE = 5.0


def by_split(value: Floats, first: Floats, cents: Flags) -> Flags:
    """Whether a per-share value or share count is the other times a split ratio.

    Either way round (a reverse split as well), with room for half a cent in both.
    """
    sizes = np.abs(value), np.abs(first)
    large, small = np.maximum(*sizes)[:, None], np.minimum(*sizes)[:, None]
    ratios = np.unique([ratio for ratio in SPLITS if ratio > 1])[None, :]
    room = np.where(cents[:, None], 0.0051 * (1 + ratios), 0.0)
    split: Flags = (np.abs(large - small * ratios) <= np.maximum(large * 0.02, room)).any(axis=1)
    return split


LEAST, MOST = 8, 20  # values of a past that says something


def _median_before(values: Floats, run: Numbers, rows: Numbers) -> Floats:
    """Of some rows the median of the values before it in its run: up to 20, and eight at least."""
    place = rows[:, None] - np.arange(1, MOST + 1)
    there = (place >= 0) & (run[place] == run[rows][:, None])
    before = np.where(there, values[place], np.nan).T
    seen = (~np.isnan(before)).sum(axis=0)
    return np.where(seen >= LEAST, median(before, seen), np.nan)


def _beyond(growth: Floats, run: Numbers, rows: Numbers) -> Flags:
    """Which of some rows, each with a past, grew beyond what the growth before it spread."""
    close = np.zeros(len(growth), bool)
    for back in range(MOST + 1):
        close[np.maximum(rows - back, 0)] = True
    near = np.flatnonzero(close)
    spread = np.full(len(growth), np.nan)
    spread[near] = np.abs(growth[near] - _median_before(growth, run, near))
    mad = _median_before(spread, run, rows)
    beyond: Flags = spread[rows] > np.fmax(6 * 1.4826 * mad, LEAST_SPREAD)
    return beyond


def outliers(book: PeriodTable, own: Own) -> Outcome:
    """Q35: growth on the year before, beyond 6 median absolute deviations of its own history.

    And beyond the year before as the filing tells it anew: after a split, as a rule.
    """
    year = _year_before(book, own)
    growth = np.log(np.abs(own.value) / np.abs(year))
    run = np.cumsum(own.place == 0)
    often = np.bincount(run[np.isfinite(growth)], minlength=len(run) + 1)
    grown = np.flatnonzero(np.isfinite(growth) & (often[run] > 2 * LEAST))  # others have no spread
    growth, run = growth[grown], run[grown]
    place = np.arange(len(grown)) - np.searchsorted(run, run)
    here = np.flatnonzero(book.affected[own.fid[grown]] & (place >= 2 * LEAST))
    ratio = (np.abs(own.value) / own.usual)[grown[here]]
    judged, odd = own.fid[grown[here]], here[~((ratio >= 0.25) & (ratio <= 4.0))]
    rows = grown[odd[_beyond(growth, run, odd)]]
    if not len(rows):
        return outcome("Q35", judged)
    rows = rows[~_in_line(book, own.row[rows], year[rows])]
    if not len(rows):
        return outcome("Q35", judged)
    bad = book.long[as_index(own.row[rows])]
    failed = with_columns_from(bad, expected=year[rows], actual="value", rows=facts_of(bad, "row"))
    said = "{item} is {value} after {expected}: a change far from the company's own history."
    return outcome("Q35", judged, FindingText(failed, said))


def _year_before(book: PeriodTable, own: Own) -> Floats:
    """The own value of the same item and length a year before each, as told then; NaN: none.

    Where fourth quarters are not told, that is not the fourth value before.
    """
    end, here = book.end[own.row], np.arange(len(own.row))
    found = np.full(len(here), np.nan)
    for back in range(MOST_BACK, 0, -1):
        was = np.maximum(here - back, 0)
        alike = (own.place >= back) & (own.until[was] > own.fid)
        alike &= np.abs(end - end[was] - YEAR) <= YEAR_SLACK
        found[alike] = own.value[was[alike]]
    return found


MOST_BACK = 6  # filings: four quarters, and amendments of some
YEAR, YEAR_SLACK = 365, 15


def _in_line(book: PeriodTable, rows: Numbers, past: Floats) -> Flags:
    """Which rows of `long` are like the year before as their filing tells it, not as `past` was."""
    of = ["fid", "item", "months"]
    said = book.long[as_index(rows)].select(*of, "end", said="value", past=pl.Series(past))
    told = book.long.filter(pl.col("fid").is_in(said["fid"].implode())).select(
        *of, day="end", anew="value"
    )
    both = said.with_row_index("place").join(told, on=of)
    year = (pl.col("end") - pl.col("day")).dt.total_days().is_between(350, 380)
    recast = _apart("anew", "past") > np.log(RECAST)
    like = both.filter(year, recast, _apart("said", "anew") <= LEAST_SPREAD)
    found = np.zeros(len(rows), bool)
    found[like["place"].to_numpy()] = True
    return found


RECAST, LEAST_SPREAD = 1.2, 1.1  # a factor; the logarithm of one


def _apart(one: str, other: str) -> pl.Expr:
    return (pl.col(one) / pl.col(other)).abs().log().abs()
