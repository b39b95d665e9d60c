"""Facts laid out for the rules: filings numbered, items chosen, one row a period with its items.

`PeriodTable.points` has one row per (filing, date), `PeriodTable.spans` one per (filing, start,
end); each has an array per item. `PeriodTable.long` keeps which fact (row of `facts`) every item
came from.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.affected import affected
from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.concepts import Known, choose, know
from core.domain.quality.facts.filings import filings_table
from core.domain.quality.facts.forms import imputed
from core.domain.quality.facts.measures import measured
from core.domain.quality.facts.packing import as_index, as_int, begins, days, packed, spread
from core.domain.quality.facts.periods import laid_out, periods, with_period_ends
from core.domain.quality.model import Ruleset


@dataclass(frozen=True)
class PeriodTable:
    """What every rule reads. Filings are numbered from 0 (`fid`): by it they are looked up."""

    rules: Ruleset
    as_of: date
    facts: pl.DataFrame  # FACTS columns + row, fid
    number: Numbers  # of the measure of every fact
    measures: pl.DataFrame  # taxonomy, concept, unit, code, given
    filings: pl.DataFrame  # row = fid: form, filed, report_date, period_end, unit, style …
    other: pl.DataFrame  # filings without facts (for Q44, Q45, Q46)
    known: Known  # facts of standard items, with the unit they have and should have
    long: pl.DataFrame  # fid, item, number, start, end, value, row, rank (of the tag), months, own
    points: Amounts  # with missing operands of equations filled from others
    spans: Amounts
    changed: pl.DataFrame | None = None  # columns of CHANGED: only what this reaches is judged

    @cached_property
    def affected(self) -> Flags:
        """The filings to judge. The others are there for what they say of the past."""
        if self.changed is None:
            return np.ones(self.filings.height, bool)
        return affected(self.filings, self.other, self.changed, self.rules)

    @cached_property
    def here(self) -> Flags:
        """Which rows of `long` are of the filings to judge."""
        return self.affected[self.fid]

    @cached_property
    def near(self) -> tuple[Amounts, Amounts]:
        """(points, spans) of the filings to judge: enough for what looks at nothing else."""
        if self.changed is None:
            return self.points, self.spans
        points, spans = (given.of(self.affected[given.fid]) for given in (self.points, self.spans))
        return points, spans

    @cached_property
    def item(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The place of the item of each row of `long` among the items of the rule set."""
        return self.long["number"].to_numpy()

    @cached_property
    def fid(self) -> Numbers:
        """The filing of each row of `long`."""
        return self.long["fid"].to_numpy()

    @cached_property
    def value(self) -> Floats:
        """The value of each row of `long`."""
        return self.long["value"].to_numpy()

    @cached_property
    def start(self) -> Numbers:
        """The first day of each row of `long`, since 1970; the least of all where it has none."""
        return as_int(self.long["start"])

    @cached_property
    def end(self) -> Numbers:
        """The last day of each row of `long`, since 1970."""
        return as_int(self.long["end"])

    @cached_property
    def months(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        """The length of each row of `long`."""
        return self.long["months"].to_numpy()

    @cached_property
    def own(self) -> Flags:
        """Which rows of `long` are of the filing's own period."""
        return self.long["own"].to_numpy()

    def stating(self, measure: Flags) -> Numbers:
        """fids of the filings that state anything of some measures (flags of `measures`)."""
        return np.unique(self.facts["fid"].to_numpy()[self.measuring(measure)])

    def measuring(self, measure: Flags) -> Numbers:
        """The rows of the facts of some measures (flags of `measures`), which are runs of them."""
        runs = np.flatnonzero(measure)
        return spread(self._runs[runs], self._runs[runs + 1])

    @cached_property
    def _runs(self) -> Numbers:
        """The first fact of each measure, and last how many facts there are."""
        return np.searchsorted(self.number, np.arange(self.measures.height + 1))

    @cached_property
    def concepts(self) -> tuple[pl.Series, Numbers]:
        """(the concepts that occur, each once; the place of that of each measure among them)."""
        _, first, of = np.unique(
            self.measures["name"].to_numpy(), return_index=True, return_inverse=True
        )
        return self.measures["concept"][as_index(first)], of

    def named(self, pattern: str) -> Flags:
        """Which of the measures are of concepts with a name that holds a regular expression.

        Rules ask for the same names again, and to look for them takes longer than to judge them.
        """
        if pattern not in self._named:
            different, of = self.concepts
            self._named[pattern] = different.str.contains(pattern).to_numpy()[of]
        return self._named[pattern]

    @cached_property
    def _named(self) -> dict[str, Flags]:
        """What was looked for by now."""
        return {}

    @cached_property
    def selling(self) -> Flags:
        """Which filings come within 800 days after one that tells of operations held for sale."""
        told = self.stating(self.named(HELD_FOR_SALE) & ~self.named(OF_TRADE))
        company = self.company
        day = as_int(self.filings["filed"])
        both = packed([company, day])
        before = np.searchsorted(both[told], both, side="right") - 1
        last = np.append(told, 0)[before]
        fits: Flags = (before >= 0) & (company[last] == company) & (day - day[last] <= SELLING_DAYS)
        return fits

    @cached_property
    def style(self) -> Numbers:
        """The place of the style of each filing among the styles; -1: none of them."""
        style = self.filings["style"]
        found = np.full(len(style), -1)
        for place, known in enumerate(self.rules.styles):
            found[(style == known.name).to_numpy()] = place
        return found

    @cached_property
    def company(self) -> Numbers:
        """A number for each filing's company: 0, 1, 2 … as the filings come."""
        number: Numbers = np.cumsum(begins(packed([self.filings["cik"].to_numpy()]))) - 1
        return number

    @cached_property
    def teller(self) -> Numbers:
        """A number for each filing's company in its currency: amounts in another are no past.

        What gives no amounts goes with the filing before it.
        """
        company, main = self.company, self.known.main
        if len(np.unique(main[main >= 0])) <= 1:
            return company
        told = np.where((main >= 0) | begins(company), np.arange(len(main)), 0)
        return packed([company, main[np.maximum.accumulate(told)]])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.rules.items)}

    def among(self, items: Collection[str]) -> Flags:
        """Which of the items of the rule set, by their places, are some items."""
        named = np.zeros(len(self.rules.items), bool)
        named[[self._places[name] for name in items if name in self._places]] = True
        return named

    def of(self, items: Collection[str]) -> Flags:
        """Which rows of `long` are of some items."""
        chosen: Flags = self.among(items)[self.item]
        return chosen

    def flagged(self, flag: str) -> Flags:
        """Which rows of `long` are of the items that carry a flag."""
        return self.of(self.rules.flagged(flag))

    def flag(self, name: str) -> Flags:
        """A column of the filings that is true or false."""
        return self.filings[name].to_numpy()

    def day(self, name: str) -> Floats:
        """A date of each filing in days since 1970; NaN where it has none."""
        return days(self.filings[name])

    @cached_property
    def originals(self) -> Flags:
        """Which filings are annual or quarterly reports, and no amendments."""
        return self.flag("periodic") & ~self.flag("amendment")

    def rows(self, where: Flags, *about: str) -> pl.DataFrame:
        """Some rows of `long`, with columns of their filings beside them."""
        return self.rows_at(np.flatnonzero(where), *about)

    def rows_at(self, rows: Numbers, *about: str) -> pl.DataFrame:
        """The same of rows told by their places."""
        return self.beside(self.long[as_index(rows)], *about)

    def beside(self, frame: pl.DataFrame, *about: str) -> pl.DataFrame:
        """A frame that has `fid`, with columns of the filings beside it."""
        if not about:
            return frame
        return frame.hstack(self.filings[list(about)][frame["fid"]])


def open_book(
    facts: pl.DataFrame,
    filings: pl.DataFrame,
    companies: pl.DataFrame,
    rules: Ruleset,
    as_of: date | None = None,
    last: date | None = None,
    changed: pl.DataFrame | None = None,
) -> PeriodTable:
    """A book of the frames FACTS, FILINGS, COMPANIES as they were known on `as_of`.

    `last` is the day up to which anything is known, where the frames are a part of more; only
    what `changed` (columns of CHANGED; None: everything) can reach is to be judged.
    """
    if as_of is not None:
        facts = facts.filter(pl.col("filed") <= as_of)
        filings = filings.filter(pl.col("filed") <= as_of)
    last = last or as_of or latest(facts, filings)
    number, measures, units = measured(facts)
    registry, other, fid = filings_table(facts, number, measures, filings, companies, rules)
    known = know(fid, number, measures, units, registry.height, rules)
    chosen = choose(facts, known, rules)
    flows = ~np.isnat(chosen["start"].to_numpy())
    points_of, spans_of = periods(chosen, ~flows), periods(chosen, flows)
    registry = with_period_ends(registry, points_of, spans_of)
    long, balances, amounts = laid_out(chosen, registry, points_of, spans_of, rules)
    row = pl.Series("row", np.arange(facts.height), pl.UInt32)
    facts = facts.hstack([row, pl.Series("fid", fid)])
    points, spans = (imputed(given, rules) for given in (balances, amounts))
    return PeriodTable(
        rules, last, facts, number, measures, registry, other, known, long, points, spans, changed
    )


SELLING_DAYS = 800
HELD_FOR_SALE = "DisposalGroup|HeldForSale|DiscontinuedOperation"
OF_TRADE = (  # what is bought or lent to be sold is no part of the company
    "(Loan|Mortgage|Receivable|Inventory|Inventories|Financing).*HeldForSale|"
    "HeldForSale.*(Loan|Mortgage|Receivable)"
)


def latest(facts: pl.DataFrame, filings: pl.DataFrame) -> date:
    """The last day of filing in the frames."""
    days = [day for frame in (facts, filings) if isinstance(day := frame["filed"].max(), date)]
    return max(days, default=date(1970, 1, 1))
