"""The chosen facts laid out by period: which periods a filing states, and the items of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts, first_given
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index, as_int, days, found_rows, grouped, packed
from core.domain.quality.model import CASH, Ruleset

LENGTHS: Mapping[int, tuple[int, int]] = {
    3: (65, 115),
    6: (155, 205),
    9: (245, 295),
    12: (340, 390),
}


@dataclass(frozen=True, slots=True)
class Periods:
    """The points or the spans: one entry for each filing and period, in order of appearance."""

    where: Flags  # rows of the chosen facts
    first: Numbers  # among those, the first of each period
    of: Numbers  # and the period of each
    fid: Numbers
    start: Numbers  # days since 1970
    end: Numbers

    def latest(self, filings: int, least: int) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Of each filing the last end among those that most of its items (and `least`) have."""
        first, day = grouped(packed([self.fid, self.end]))  # spans of any length end on a day
        often, fid = np.bincount(day[self.of], minlength=len(first)), self.fid[first]
        most = np.zeros(filings, np.int64)
        np.maximum.at(most, fid, often)
        usual = (often * 2 >= most[fid]) & (often >= least)
        last = np.full(filings, np.iinfo(np.int64).min)  # NaT
        np.maximum.at(last, fid[usual], self.end[first][usual])
        return last.astype("datetime64[D]")


def periods(chosen: pl.DataFrame, where: Flags) -> Periods:
    """The periods of some of the chosen facts."""
    fid = chosen["fid"].to_numpy()[where]
    start, end = as_int(chosen["start"])[where], as_int(chosen["end"])[where]
    first, of = grouped(packed([fid, start, end]))
    return Periods(where, first, of, fid[first], start[first], end[first])


YEAR, SLIP_DAYS, NEAR_DAYS = 365, 8, 3
EARLIER = (25, LENGTHS[3][1])  # days: the month or the quarter before


def with_period_ends(registry: pl.DataFrame, points: Periods, spans: Periods) -> pl.DataFrame:
    """Adds sheet_date (the modal latest instant) and period_end (report date, else sheet date).

    A report date of just a year before the sheet's is a slip of the year, one of a month or a
    quarter before the day that sheet and flows agree on is a slip, too, or that of the report
    before, and one not before the day of filing no report's: the sheet's counts. Where no date is
    listed and the flows go on after the sheet, theirs counts: the sheet is that of the year before.
    """
    sheet, flow = points.latest(registry.height, least=2), spans.latest(registry.height, least=1)
    report = registry["report_date"].to_numpy().astype("datetime64[D]")
    filed = registry["filed"].to_numpy().astype("datetime64[D]")
    later = np.isnat(sheet) | (np.isnat(report) & (flow > sheet + NEAR_DAYS) & (flow <= filed))
    found = np.where(later, np.where(np.isnat(flow), report, flow), sheet)
    periodic = registry["periodic"].to_numpy() & ~np.isnat(report)
    late = (sheet - report).astype(np.int64)
    agreed = np.abs((flow - sheet).astype(np.int64)) <= NEAR_DAYS
    before = (late >= EARLIER[0]) & (late <= EARLIER[1])
    slip = (np.abs(late - YEAR) <= SLIP_DAYS) | (agreed & ((report >= filed) | before))
    near = (np.abs(late) <= NEAR_DAYS) | (slip & (sheet <= filed))
    end = np.where(periodic & ~(near & ~np.isnat(sheet)), report, found)
    ends = {"sheet_date": sheet, "flow_end": flow, "period_end": end}
    return registry.hstack([pl.Series(name, values) for name, values in ends.items()])


def laid_out(
    chosen: pl.DataFrame, registry: pl.DataFrame, points: Periods, spans: Periods, rules: Ruleset
) -> tuple[pl.DataFrame, Amounts, Amounts]:
    """(chosen facts with months and own, points, spans)."""
    months, own = np.zeros(chosen.height, np.int8), np.zeros(chosen.height, bool)
    sheets, flows = _keys(chosen, registry, points), _keys(chosen, registry, spans, flows=True)
    for part, keys in ((points, sheets), (spans, flows)):
        months[part.where] = keys["months"].to_numpy()[part.of]
        own[part.where] = keys["own"].to_numpy()[part.of]
    balances = _items(chosen, points, rules, "instant")
    amounts = _items(chosen, spans, rules, "duration") | _cash(balances, points, spans)
    balances["Equity"] = first_given(balances["EquityAll"], balances["EquityParent"])
    marked = chosen.hstack([pl.Series("months", months), pl.Series("own", own)])
    return marked, _amounts(sheets, balances), _amounts(flows, amounts)


def _keys(
    chosen: pl.DataFrame, registry: pl.DataFrame, part: Periods, *, flows: bool = False
) -> pl.DataFrame:
    """fid, start, end, own (the filing's period), months (0: instants, 3, 6, 9, 12, else -1)."""
    ends = days(registry["period_end"])[part.fid]  # NaN where null
    long, months = part.end - part.start + 1, np.full(len(part.fid), -1 if flows else 0, np.int8)
    for length, (low, high) in LENGTHS.items() if flows else ():
        months[(long >= low) & (long <= high)] = length
    keys = chosen[["fid", "start", "end"]][as_index(np.flatnonzero(part.where)[part.first])]
    return keys.hstack([
        pl.Series("own", np.abs(part.end - ends) <= NEAR_DAYS), pl.Series("months", months),
        pl.Series("unit", registry["unit"].to_numpy()[part.fid]),
    ])  # fmt: skip


def _items(chosen: pl.DataFrame, part: Periods, rules: Ruleset, kind: str) -> dict[str, Floats]:
    """An array for each item of a kind; a filing gives an item of a period once, as a number."""
    cells = np.full((len(rules.items), len(part.first)), np.nan)
    item = chosen["number"].to_numpy()[part.where]
    cells[item, part.of] = chosen["value"].to_numpy()[part.where]
    named = zip(rules.items.items(), cells, strict=True)
    return {name: amounts for (name, item), amounts in named if item.kind == kind}


def _amounts(keys: pl.DataFrame, items: Mapping[str, Floats]) -> Amounts:
    return Amounts(keys, items, {}, keys["unit"].to_numpy(), keys["fid"].to_numpy())


def _cash(balances: Mapping[str, Floats], points: Periods, spans: Periods) -> dict[str, Floats]:
    """Cash at both ends of every span, from the sheets of the same filing."""
    named: dict[str, Floats] = {}
    for side, day in (("Begin", spans.start - 1), ("End", spans.end)):
        place = _on_day(points, spans, day)
        for item in CASH:
            held = np.append(balances[item], np.nan)  # the last for spans without a sheet
            named[f"{item}{side}"] = held[place]
    return named


def _on_day(points: Periods, spans: Periods, days: Numbers) -> Numbers:
    """Which of the points each span's filing has on a day; -1: none."""
    return found_rows((points.fid, points.end), (spans.fid, days))
