"""Main flows that a filing gives for the period a year ago, but not for its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.quality.facts.arrays import Flags, Numbers
from core.domain.quality.facts.packing import as_index, last_per_group, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.rules.history import PER_SHARE
from core.domain.quality.words import FindingText, facts_of, with_columns_from

LEAST = 1e4  # what a shell had is no line that it must go on to give
MAIN = (
    "Revenues", "OperatingIncome", "PretaxIncome", "IncomeTax", "NetIncome", "ProfitLoss", "Cfo",
    "Cfi", "Cff",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MainFlows:
    """Main flows given for the period a year ago, but not for the filing's own of that length.

    Of annual reports those of the year, and of a quarter where the line is told of the one before
    it: other tables of quarters leave lines out.
    """

    row: Numbers  # of `PeriodTable.long`, the last of each item, length and filing
    own_end: Numbers  # of the filing's own flows of that length, days since 1970

    def one_sided(
        self, book: PeriodTable, items: Sequence[str], none: Mapping[str, Flags] | None = None
    ) -> list[FindingText]:
        """Those of some items, in words. `none`: of flows, the filings that have none."""
        fid, item = book.fid[self.row], book.item[self.row]
        asked = book.among(items)[item]
        for name, filings in (none or {}).items():
            asked &= ~(book.among([name])[item] & filings[fid])
        if not asked.any():
            return []
        found = book.long[as_index(self.row[asked])]
        last = self.own_end[asked].astype("datetime64[D]")
        found = with_columns_from(found, own_end=last, rows=facts_of(found, "row"))
        said = "{item} is given as {value} for the {months} months to {end}, but not for those to "
        return [FindingText(found, said + "{own_end}.")]


def main_flows(book: PeriodTable) -> MainFlows:
    """The main flows that the filings to judge give for the period a year ago alone."""
    ends = book.day("period_end")
    judged = book.flag("periodic") & ~book.flag("transition") & book.affected
    main = np.flatnonzero((book.months > 0) & book.of([*MAIN, *PER_SHARE]) & judged[book.fid])
    fid, months = book.fid[main].astype(np.int64), book.months[main]
    end, own, item = book.end[main], book.own[main], book.item[main]
    back = ends[fid] - end
    given, length = packed([fid, months, item]), fid * 16 + months
    known = np.unique(given[own], return_index=True)[1]
    often = np.bincount(length[own][known], minlength=book.filings.height * 16)
    year = (back >= 354) & (back <= 376) & (often[length] >= 3)
    large = np.abs(book.value[main]) >= np.where(book.among(PER_SHARE)[item], 0.0, LEAST)
    missing = np.flatnonzero(year & large)
    missing = missing[~np.isin(given[missing], given[own])]
    near = np.abs(back - 365.25 / 12 * months) <= 12
    kept = (months == 12) | ~book.flag("annual")[fid]
    missing = missing[kept[missing] | np.isin(given[missing], given[near])]
    missing = missing[last_per_group(given[missing], np.arange(len(missing)))]
    latest = np.full(len(often), end.min(initial=np.iinfo(np.int64).max))
    np.maximum.at(latest, length[own], end[own])
    return MainFlows(main[missing], latest[length[missing]])
