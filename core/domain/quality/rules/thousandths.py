"""Amounts of any concept that a filing tells again a thousandth of what was told before."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.packing import as_index, dated, matched_rows, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.words import FindingText, facts_of, with_columns_from

FEW = 5  # fewer may be a slip in a note; five are a table in the wrong scale
LEAST_UNIT = 1e3
COLUMNS = ["fid", "row", "period_start", "period_end", "value"]


def told_again(book: PeriodTable) -> list[FindingText]:
    """A table in thousands told as one in units, in a filing that rounds to thousands or millions.

    Of the amounts that are finer than the filing rounds, those that are a thousandth of what the
    same concept and period were before.
    """
    fid, unit = book.facts["fid"].to_numpy(), book.filings["unit"].to_numpy()
    value = book.facts["value"].to_numpy()
    fine = _finer(value, unit[fid])
    fine = fine[((unit >= LEAST_UNIT) & book.affected)[fid[fine]]]
    fine = fine[(book.measures["given"].to_numpy() == MONEY)[book.number[fine]]]
    few = np.bincount(fid[fine], minlength=len(unit)) < FEW
    fine = fine[~few[fid[fine]]]
    now, before = _same_before(book, fid, fine)
    room = 0.5 * unit[fid[now]] + 0.001 * np.abs(value[before])
    less = np.abs(value[before] - 1e3 * value[now]) <= room
    less &= np.abs(value[before]) >= 2 * unit[fid[now]]
    now, first = np.unique(now[less], return_index=True)
    before = before[less][first]
    count = np.bincount(fid[now], minlength=len(unit))
    many = count[fid[now]] >= FEW
    return _told(book, now[many], before[many], count) if many.any() else []


def _finer(values: Floats, units: Floats) -> Numbers:
    """The places of values that are no multiple of their unit: few, so it goes before the rest."""
    return np.flatnonzero(np.floor(values / units) * units != values)


def _same_before(book: PeriodTable, fid: Numbers, asked: Numbers) -> tuple[Numbers, Numbers]:
    """(facts asked for, facts of the same concept, unit and period in earlier filings): pairs."""
    company = book.company
    concept = _concepts(book)  # a measure is there once for each run of facts
    wanted: Flags = np.isin(concept, concept[book.number[asked]])
    known = book.measuring(wanted)
    known = known[np.isin(company, company[fid[asked]])[fid[known]]]
    keys = []
    for rows in (asked, known):
        days = book.facts[["period_start", "period_end"]][as_index(rows)]
        keys.append([company[fid[rows]], concept[book.number[rows]], *map(dated, days)])
    left, right = matched_rows(*keys)
    now, before = asked[left], known[right]
    earlier = fid[before] < fid[now]
    return now[earlier], before[earlier]


def _concepts(book: PeriodTable) -> Numbers:
    """A number for the concept and the unit of each measure."""
    return packed([book.concepts[1], book.measures["code"].to_numpy()])


def _told(book: PeriodTable, now: Numbers, before: Numbers, count: Numbers) -> list[FindingText]:
    facts, was = (book.facts[COLUMNS][as_index(rows)] for rows in (now, before))
    concept = book.measures["concept"][as_index(book.number[now])]
    found = with_columns_from(
        facts[["fid"]], start=facts["period_start"], end=facts["period_end"], concept=concept,
        actual=facts["value"], expected=was["value"],
        count=pl.Series(count[facts["fid"].to_numpy()].astype(float)),
        rows=facts_of(facts, "row"),
    )  # fmt: skip
    said = (
        "{concept} is {actual}, but was {expected} before: {count} amounts are a thousandth of "
        "what was told."
    )
    return [FindingText(found, said)]
