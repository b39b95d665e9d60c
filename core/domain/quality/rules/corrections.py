"""Which figures an amendment put right: what comes after it is not compared with them any more.

An amendment is filed to correct, so where it tells a figure ten times as large or as small, or with
another sign, that of the report amended is no past. (A smaller change is a restatement, and told as
one.) It is no correction where earlier filings side with the report amended: then the mistake is
its own. Where none tell, the smaller of the two is not believed: figures in millions told as
dollars are the usual mistake.
"""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_int, begins, ends, packed
from core.domain.quality.facts.table import PeriodTable

NEVER = np.iinfo(np.int64).max
APART = 10.0


def reports(book: PeriodTable) -> Numbers:
    """A number of each filing, the same for a report and its amendments."""
    base = np.unique(book.filings["base_form"].to_numpy(), return_inverse=True)[1]
    period = as_int(book.filings["period_end"])
    dated = book.filings["period_end"].is_not_null().to_numpy()
    count = np.arange(len(base))
    return packed([book.company, base, np.where(dated, period, 0), np.where(dated, 0, count + 1)])


def put_right(book: PeriodTable, rows: Numbers, run: Numbers, own: Numbers) -> Numbers:
    """The filing (fid) that put each row of `book.long` right; NEVER where none did.

    `rows` are places in `book.long` in order of runs of what is the same but for the filing, and
    `run` numbers the runs; `own` numbers in the same way the runs of own values (-1: none).
    """
    found = np.full(book.long.height, NEVER)
    if not book.flag("amendment").any():
        return found
    numbers = reports(book)
    report = numbers[book.fid[rows]]
    amended = np.isin(numbers, numbers[book.flag("amendment")])
    some = np.flatnonzero(amended[book.fid[rows]])
    later = _amended_by(book, rows[some], packed([run[some], report[some]]))
    told = np.flatnonzero(later >= 0)
    told = told[_apart(book.value[rows[some[told]]], book.value[later[told]])]
    if not len(told):
        return found
    told, now = some[told], later[told]
    was = rows[told]
    known = _known_before(book, rows, run, report)[told]
    past = _past(book, rows, np.where(np.isin(own, own[told]), own, -1), report)
    known = np.where(np.isnan(known), past[told], known)
    believed = _believed(book, was, now, known)[book.fid[now]]
    found[was[believed]] = book.fid[now[believed]]
    return found


def _amended_by(book: PeriodTable, rows: Numbers, key: Numbers) -> Numbers:
    """The row of the last amendment of each row's report that tells the same; -1: none."""
    order = np.argsort(key, kind="stable")
    last = rows[order][ends(key[order])]
    group = np.cumsum(begins(key[order])) - 1
    later = np.full(len(rows), -1)
    later[order] = last[group]
    amends = (later != rows) & book.flag("amendment")[book.fid[later]]
    return np.where(amends, later, -1)


def _known_before(book: PeriodTable, rows: Numbers, run: Numbers, report: Numbers) -> Floats:
    """What the first to tell of each row said, if that is another report; NaN where not."""
    heads = np.flatnonzero(begins(run))
    first = heads[np.cumsum(begins(run)) - 1]
    return np.where(report[first] != report, book.value[rows[first]], np.nan)


def _past(book: PeriodTable, rows: Numbers, own: Numbers, report: Numbers) -> Floats:
    """The own value of the report before of each own value; NaN where there is none."""
    past = np.full(len(rows), np.nan)
    mine = np.flatnonzero(own >= 0)
    order = mine[np.argsort(packed([own[mine], book.fid[rows[mine]]]), kind="stable")]
    before = np.append(-1, order[:-1])[: len(order)]
    same = np.zeros(len(order), bool)
    same[1:] = own[order[1:]] == own[order[:-1]]
    other = same & (report[order] != report[before])
    past[order[other]] = book.value[rows[before[other]]]
    return past


def _apart(old: Floats, new: Floats) -> Flags:
    """Whether values are of another size or sign."""
    ratio = np.abs(new / old)
    apart: Flags = (ratio >= APART) | (ratio <= 1 / APART) | (old * new < 0)
    return apart


def _believed(book: PeriodTable, was: Numbers, now: Numbers, known: Floats) -> Flags:
    """Of each filing whether what it tells anew is believed."""
    old, new, fid, height = book.value[was], book.value[now], book.fid[now], book.filings.height
    nearer = np.where(np.abs(new - known) < np.abs(old - known), 1.0, -1.0)
    nearer[np.isnan(known)] = 0.0
    larger = np.where(np.abs(new) < np.abs(old), -1.0, 1.0)
    sides, sizes = (np.bincount(fid, votes, height) for votes in (nearer, larger))
    asked = np.bincount(fid, nearer != 0, height) > 0
    believed: Flags = np.where(asked, sides >= 0, sizes >= 0)
    return believed
