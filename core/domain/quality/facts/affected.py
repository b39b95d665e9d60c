"""What a change can reach: the filings whose grades it may move, so that only they are judged.

A filing is judged by itself and by filings of its company up to its own day, so that a change
reaches the filing itself and what the company filed on or after that day. There is one order of
filings, by day and accession, and past reports, runs of values, habits and sold operations all look
back in it; filings of one day may reach each other. What else a grade rests on:

- An amendment is noted on the report of its period that was filed before it (Q46), and a notice of
  late filing excuses the report of its period (Q45), whenever it came. So a change reaches all
  filings of the company for the same period.
- Filer category and deadlines are those of today: how long ago a late report was filed decides
  which of them hold (Q45), and a report without facts is given a day (Q44). Both hang on the day up
  to which anything is known, so that they are judged again every time; they are few.
- Filings without facts are graded only where the company has facts (Q44), and name, industry and
  category are the company's. So a company with none of its facts as they were is reached whole.

Where it is not known what a filing was, the company is reached whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.deadlines import BY_CATEGORY, days_taken, slow
from core.domain.quality.facts.packing import days, packed
from core.domain.quality.model import Ruleset

CHANGED = {"cik": pl.Int64, "accession": pl.String, "filed": pl.Date, "report_date": pl.Date}
COLUMNS = list(CHANGED)
KEYS = COLUMNS[:2]


def changes(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """What changed between two states (columns of CHANGED and `mark`) of some companies' filings.

    Columns of CHANGED: the dates are those before, null for new filings. A company of which nothing
    was known before is one row without accession: all of it.
    """
    known = now.join(before, on="cik", how="semi")
    both = before.join(known, on=KEYS, how="full", suffix="_now", coalesce=True)
    moved = both.filter(pl.col("mark").ne_missing(pl.col("mark_now"))).select(COLUMNS)
    new = now.join(before, on="cik", how="anti").select("cik").unique(maintain_order=True)
    return pl.concat([moved, new], how="diagonal")


def affected(
    filings: pl.DataFrame, other: pl.DataFrame, changed: pl.DataFrame, rules: Ruleset
) -> Flags:
    """Which of the filings with facts a change can affect; `other` are those without facts.

    `changed` has the columns of CHANGED: a row for each filing that is new, altered or gone, with
    its dates before (null: it had none, or they are the same); without accession: the company.
    """
    states = _states(filings, other, changed)
    after = states.filed[: filings.height] >= states.since()[states.company[: filings.height]]
    found: Flags = after | states.same_period()[: filings.height] | _of_the_day(filings, rules)
    return found


@dataclass(frozen=True, slots=True)
class _States:
    """Filings with facts, then those without, then what changed as it was before."""

    full: int  # how many have facts
    company: Numbers
    filed: Floats
    report: Floats
    touched: Flags  # which are what changed, as it is and as it was
    lost: Flags  # what changed, but is not there and was at no known time

    def since(self) -> Floats:
        """Of each company the first day on which anything changed."""
        since = np.full(int(self.company.max(initial=-1)) + 1, np.inf)
        np.fmin.at(since, self.company[self.touched], self.filed[self.touched])
        since[self.company[self.lost]] = -np.inf
        facts = self.company[: self.full]
        kept = np.bincount(facts[~self.touched[: self.full]], minlength=len(since))
        since[(kept == 0) & (since < np.inf)] = -np.inf
        return since

    def same_period(self) -> Flags:
        """Which are for a period for which anything changed."""
        dated = ~np.isnan(self.report)
        period = packed([self.company, np.where(dated, self.report, 0.0)])
        same: Flags = dated & np.isin(period, period[dated & self.touched])
        return same


def _states(filings: pl.DataFrame, other: pl.DataFrame, changed: pl.DataFrame) -> _States:
    every = pl.concat([frame[COLUMNS] for frame in (filings, other, changed)])
    there, company = filings.height + other.height, np.unique(every["cik"], return_inverse=True)[1]
    filed, report = (days(every[name]) for name in COLUMNS[2:])
    key = every["accession"].hash().to_numpy() ^ (every["cik"].to_numpy().astype(np.uint64) << 32)
    touched = np.isin(key, key[there:])
    lost = ~np.isin(key, key[:there]) & np.isnan(filed)
    return _States(filings.height, company, filed, report, touched, lost)


def _of_the_day(filings: pl.DataFrame, rules: Ruleset) -> Flags:
    """Filings whose grade hangs on the day up to which anything is known."""
    late = slow(filings, days_taken(filings), rules)
    filer = filings["filer"]
    by_category = np.logical_or.reduce([(filer == name).to_numpy() for name in BY_CATEGORY])
    hangs: Flags = late & by_category
    return hangs
