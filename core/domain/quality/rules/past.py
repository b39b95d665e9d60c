"""What a company said before: of every value those of the filings before it.

The past of a value is what earlier filings (by day of filing) gave for their own periods; a filing
is never judged by later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import (
    begins,
    found_in,
    found_rows,
    last_per_group,
    ordered,
    packed,
)
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.rules.corrections import NEVER, put_right

PRIOR = 4
Runs = tuple[Numbers, Numbers]  # rows of `PeriodTable.long`, and the run of each


@dataclass(frozen=True)
class Told:
    """Headline values in runs of what is the same but for the filing, in order of filing.

    A row is a row of `PeriodTable.long`; the first of its run is where `place` is 0.
    """

    row: Numbers
    fid: Numbers
    item: Numbers
    value: Floats
    place: Numbers
    until: Numbers  # the filing that put the value right: from it on it is no past; NEVER: none

    def before(self, values: Floats, n: int = 1) -> Floats:
        """The value n rows earlier in the same run; NaN where there is none."""
        place: Numbers = np.arange(len(self.row))
        for _ in range(n):
            place = self._earlier(place)
        return np.append(values, np.nan)[place]

    def _earlier(self, place: Numbers) -> Numbers:
        """The row before each, without those put right by then; -1: none."""
        back = self._back(place)
        while (wrong := (back >= 0) & (self.until[back] <= self.fid)).any():
            back = np.where(wrong, self._back(back), back)
        return back

    def _back(self, place: Numbers) -> Numbers:
        return np.where((place >= 0) & (self.place[place] > 0), place - 1, -1)

    @cached_property
    def was(self) -> Floats:
        """The value before."""
        return self.before(self.value)

    @cached_property
    def last(self) -> Numbers:
        """The place of the row before; the same row where there is none."""
        here = np.arange(len(self.row))
        before = self._earlier(here)
        return np.where(before >= 0, before, here)

    @cached_property
    def first(self) -> Numbers:
        """The place of the first row of the run that was not put right by then."""
        first = np.arange(len(self.row)) - self.place
        while (wrong := self.until[first] <= self.fid).any():
            first = first + wrong
        return first


@dataclass(frozen=True)
class Own(Told):
    """The own values of filings, with those of the four filings before it.

    `size` is the greatest magnitude of the four, `usual` their median; without any, that of the
    filing's comparatives. `seen` counts them.
    """

    months: Numbers
    past: Floats  # four rows
    size: Floats
    usual: Floats
    seen: Numbers


@dataclass(frozen=True)
class ToldAgain(Told):
    """What each filing tells of a period, with what those before it told of the same.

    `own` is the place of the own value of its filing, item and length; -1: none.
    """

    own: Numbers


def _flagged(book: PeriodTable, flag: str, least_months: int) -> Numbers:
    return np.flatnonzero(book.flagged(flag) & (book.months >= least_months))


def _run(
    book: PeriodTable, rows: Numbers, key: Numbers, until: Numbers
) -> tuple[Numbers, Numbers, Numbers, Floats, Numbers, Numbers]:
    """The columns of Told, of rows in order of their runs."""
    index = np.arange(len(rows))
    start = np.maximum.accumulate(np.where(begins(key), index, 0))
    fid = book.fid[rows].astype(np.int64)
    return rows, fid, book.item[rows], book.value[rows], index - start, until[rows]


def corrected(book: PeriodTable, same: Runs) -> Numbers:
    """The filing that put each row of `book.long` right, if any (see `corrections`)."""
    if not book.flag("amendment").any():
        return np.full(book.long.height, NEVER)
    rows, key = same
    company = book.teller[book.fid[rows]]
    own = packed([company, book.item[rows], book.months[rows]])
    return put_right(book, rows, key, np.where(book.own[rows], own, -1))


def own_values(book: PeriodTable, until: Numbers, flag: str = "headline") -> Own:
    """The last own value of each item with a flag, and length, of each filing, with its past."""
    rows = _flagged(book, flag, 0)
    fid, item, months = book.fid[rows], book.item[rows], book.months[rows]
    company = book.teller[fid]
    key = packed([company, item, months, fid])
    own = np.flatnonzero(book.own[rows])
    own = own[last_per_group(key[own], own)]
    told = _run(book, rows[own], packed([company, item, months])[own], until)
    run = Told(*told)
    past = np.array([run.before(run.value, n) for n in range(1, PRIOR + 1)])
    seen = (~np.isnan(past)).sum(axis=0)
    size = np.fmax.reduce(np.abs(past))
    beside, new = np.full(len(own), np.nan), np.flatnonzero(seen == 0)
    beside[new] = _beside(key, own[new], ~book.own[rows], np.abs(book.value[rows]))
    return Own(
        *told, months[own], past, np.where(seen > 0, size, beside),
        np.where(seen > 0, median(np.abs(past), seen), beside), seen,
    )  # fmt: skip


def told_before(book: PeriodTable, own: Own, until: Numbers, same: Runs) -> ToldAgain:
    """Every headline value with what the filings before it said for the same period."""
    run = Told(*_run(book, *same, until))
    asked = (run.fid, run.item, book.months[run.row])
    place = found_rows((own.fid, own.item, own.months), asked)
    return ToldAgain(run.row, run.fid, run.item, run.value, run.place, run.until, place)


def same_periods(book: PeriodTable) -> Runs:
    """(rows, run of each): headline values in order of item, period and filing."""
    rows = _flagged(book, "headline", -1)
    company = book.teller[book.fid[rows]]
    key = packed([company, book.item[rows], book.start[rows], book.end[rows]])
    order = ordered(packed([key, book.fid[rows]]))
    return rows[order], key[order]


def _beside(key: Numbers, own: Numbers, others: Flags, size: Floats) -> Floats:
    """The greatest of the sizes of others with the key of each own row; NaN without any."""
    place = found_in(key[own], key[others])
    greatest = np.full(len(own), -np.inf)
    np.maximum.at(greatest, place[place >= 0], size[others][place >= 0])
    return np.where(np.isinf(greatest), np.nan, greatest)


FEW = 4  # rows: more are sorted sooner column by column


def _sorted(values: Floats) -> Floats:
    """The columns sorted, NaN last (as infinite): every two neighbours compared in turn."""
    inorder = np.where(np.isnan(values), np.inf, values)
    for last in range(len(values) - 1, 0, -1):
        for n in range(last):
            pair = inorder[n], inorder[n + 1]
            inorder[n], inorder[n + 1] = np.minimum(*pair), np.maximum(*pair)
    return inorder


def median(values: Floats, given: Numbers) -> Floats:
    """The medians of columns, of what is no NaN; `given` counts those."""
    inorder = _sorted(values) if len(values) <= FEW else np.sort(values, axis=0)
    low, high = (
        np.take_along_axis(inorder, np.maximum(place, 0)[None, :], axis=0)[0]
        for place in ((given - 1) // 2, given // 2)
    )
    middle: Floats = low + (high - low) * 0.5
    return middle
