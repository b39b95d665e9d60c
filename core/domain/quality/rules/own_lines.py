"""Equations that a line of the filer's own makes hold: cash that left with a subsidiary, say.

The SEC's taxonomies have no name for such a line, so no form of an equation can. Facts with names
of the filer's own come with the quarters of the Financial Statement Data Sets alone.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags
from core.domain.quality.facts.forms import total
from core.domain.quality.facts.packing import as_index
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Rule

CHANCE = 20.0  # rounding units; a smaller difference may be some line's amount by chance
PERIOD = ("fid", "start", "end")


def told_alone(book: PeriodTable, rule: Rule, given: Amounts, broken: Flags) -> Flags:
    """Which broken rows are apart by what one line of the filer's own tells for the same period,
    to the rounding, whichever way its sign is written.
    """
    rows = np.flatnonzero(broken)
    found = np.zeros(len(broken), bool)
    lines = _own_lines(book)
    if lines.is_empty():
        return found
    asked = given.keys[as_index(rows)].select(*PERIOD).with_columns(row=rows)
    pairs = asked.join(lines, on=PERIOD)
    row, value = pairs["row"].to_numpy(), np.abs(pairs["value"].to_numpy())
    unit = given.unit[row]
    for form in rule.equations:
        apart = np.abs(given.items[form.whole] - total(given.items, form))[row]
        explained = (np.abs(apart - value) <= unit) & (apart >= CHANCE * unit)
        found[row[explained]] = True
    return found


def _own_lines(book: PeriodTable) -> pl.DataFrame:
    """fid, start, end and value of the durations under names of the filers' own."""
    rows = book.measuring((book.measures["taxonomy"] == "custom").to_numpy())
    return book.facts[as_index(rows)].select(
        "fid", pl.col("period_start").alias("start"), pl.col("period_end").alias("end"), "value"
    )
