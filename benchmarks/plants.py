"""Faults of one fact, a statement or a column, as filers make them: each planted in one filing.

A plant takes the facts of a company, the fact that was picked (a row of `Graded.items`) and a
generator, and gives the facts back with the fault in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.model import default_ruleset
from core.domain.tables.frames import FACTS

Pick = dict[str, Any]
Plant = Callable[[pl.DataFrame, Pick, np.random.Generator], pl.DataFrame]

MONEY = (
    "Revenues",
    "NetIncome",
    "ProfitLoss",
    "Cfo",
    "Assets",
    "EquityParent",
    "EquityAll",
    "Cash",
)
PER_SHARE, SHARES = ("EpsBasic", "EpsDiluted"), ("SharesBasic", "SharesDiluted")
HEADLINES = (*MONEY, *PER_SHARE, *SHARES)
FLOWS = ("Revenues", "NetIncome", "ProfitLoss", "Cfo")
PAIRS = {
    "Cfo": "Cfi",
    "AssetsCurrent": "AssetsNoncurrent",
    "LiabilitiesCurrent": "LiabilitiesNoncurrent",
}
YEAR_DAYS = (350, 380)
NATURAL = [name for name in FACTS.key if name != "seq"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A class of faults: where it can be planted, how, and which letters count as found."""

    name: str
    items: tuple[str, ...]
    plant: Plant
    found: str
    target_pct: float
    quarters: bool = False  # only in third quarters' reports


def _is(pick: Pick, *names: str) -> pl.Expr:
    """The facts of the picked filing that share some columns with the picked fact."""
    same = [pl.col(name).eq_missing(pl.lit(pick[name])) for name in ("accession", *names)]
    return pl.all_horizontal(same)


def _fact(pick: Pick) -> pl.Expr:
    return _is(pick, "taxonomy", "concept", "unit", "period_start", "period_end")


def times(factor: float) -> Plant:
    """The value of the picked fact times a factor."""

    def plant(facts: pl.DataFrame, pick: Pick, _: np.random.Generator) -> pl.DataFrame:
        value = pl.when(_fact(pick)).then(pl.col("value") * factor).otherwise("value")
        return facts.with_columns(value.alias("value"))

    return plant


def other_unit(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """The picked fact in another currency, or in a unit of another kind."""
    choices = {"shares": ["USD", "pure"]}.get(pick["unit"], ["EUR", "shares", "pure"])
    if pick["item"] in PER_SHARE:
        choices = ["USD", "pure", "shares"]
    unit = pl.when(_fact(pick)).then(pl.lit(str(rng.choice(choices)))).otherwise("unit")
    return numbered(facts.with_columns(unit.alias("unit")))


def thousands(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """Weighted shares in thousands: those of the whole filing, or those of the picked period."""
    items = [default_ruleset().items[name] for name in SHARES]
    concepts = [tag for item in items for tag in (*item.tags, *item.ifrs)]
    hit = _is(pick) if rng.random() < 0.5 else _is(pick, "period_start", "period_end")
    hit &= pl.col("concept").is_in(concepts)
    value = pl.when(hit).then((pl.col("value") / 1e3).round()).otherwise("value")
    return facts.with_columns(value.alias("value"))


def year_to_date(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """Nine months under the dates of three: all flows, for the quarter's, or one of them."""
    start = pick["period_end"] - timedelta(days=91)
    start = start.replace(day=1) if start.day < 8 else (start + timedelta(days=12)).replace(day=1)
    mine = _is(pick, "period_end") & pl.col("period_start").is_not_null()
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    one = mine & _is(pick, "taxonomy", "concept", "unit") & days.is_between(65, 115)
    if rng.random() < 0.5 or facts.filter(one).is_empty():
        quarter = mine & days.is_between(65, 115)
        begins = facts.filter(quarter)["period_start"].mode()
        moved = pl.lit(begins[0] if len(begins) else start)
        kept = facts.filter(~quarter)
        begin = pl.when(mine & days.is_between(245, 295)).then(moved).otherwise("period_start")
        return numbered(kept.with_columns(begin.alias("period_start")))
    value = pl.when(one).then(pl.lit(pick["value"])).otherwise("value")
    return facts.with_columns(value.alias("value"))


def stale(facts: pl.DataFrame, pick: Pick, _: np.random.Generator) -> pl.DataFrame:
    """The picked fact again, with the value of the last earlier period of the filing."""
    earlier = facts.filter(
        _is(pick, "taxonomy", "concept", "unit"), pl.col("period_end") < pick["period_end"],
        pl.col("value") != pick["value"],
    )  # fmt: skip
    old = earlier.sort("period_end")["value"]
    value = old[-1] if len(old) else 2 * pick["value"]
    again = facts.filter(_fact(pick)).head(1).with_columns(value=pl.lit(value))
    return numbered(pl.concat([facts, again]))


def first_tags(*names: str) -> dict[str, list[str]]:
    """Of each taxonomy the first tag of some items that have one."""
    items = [default_ruleset().items[name] for name in names]
    return {
        "us-gaap": [item.tags[0] for item in items if item.tags],
        "ifrs-full": [item.ifrs[0] for item in items if item.ifrs],
    }


def swapped_lines(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """Two lines under each other's names: for the period alone, or in the whole filing."""
    pair = first_tags(pick["item"], PAIRS[pick["item"]])[pick["taxonomy"]]
    hit = _is(pick) if rng.random() < 0.5 else _is(pick, "period_end")
    name = pl.when(hit).then(
        pl.col("concept").replace({pair[0]: pair[1], pair[1]: pair[0]})
    ).otherwise("concept")  # fmt: skip
    return numbered(facts.with_columns(name.alias("concept")))


def swapped_columns(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """The columns of two years under each other's dates: of the sheet, of the flows, or of both."""
    flows, sheets = [(True, False), (False, True), (True, True)][int(rng.integers(3))]
    flow, own = pl.col("period_start").is_not_null(), _is(pick) & (pl.col("taxonomy") != "dei")
    end = pick["period_end"]
    moved = facts
    if sheets:
        dates = facts.filter(own, ~flow)["period_end"].value_counts(sort=True)
        others = [d for d in dates["period_end"] if (end - d).days > 60]
        if others:
            moved = _exchanged(moved, own & ~flow, {end: others[0]})
    if flows:
        spans = facts.filter(own, flow, pl.col("period_end") == end)["period_start"].unique()
        for start in spans:
            moved = _with_year_before(moved, own, start, end)
    return numbered(moved)


def _exchanged(facts: pl.DataFrame, where: pl.Expr, dates: dict[date, date]) -> pl.DataFrame:
    both = dates | {other: one for one, other in dates.items()}
    end = pl.when(where).then(pl.col("period_end").replace(both)).otherwise("period_end")
    return facts.with_columns(end.alias("period_end"))


def _with_year_before(facts: pl.DataFrame, own: pl.Expr, start: date, end: date) -> pl.DataFrame:
    """The flows of a span exchanged with those of the same length a year before."""
    back = (pl.lit(end) - pl.col("period_end")).dt.total_days().is_between(*YEAR_DAYS)
    long = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    like = (long - (end - start).days).abs() <= 8
    before = facts.filter(own, back, like).group_by("period_start", "period_end").len()
    if before.is_empty():
        return facts
    other = before.sort("len", "period_end")[-1]
    pair = [(start, end), (other["period_start"][0], other["period_end"][0])]
    here, there = (
        own & (pl.col("period_start") == first) & (pl.col("period_end") == last)
        for first, last in pair
    )
    columns = [
        pl.when(here).then(pl.lit(pair[1][n])).when(there).then(pl.lit(pair[0][n]))
        .otherwise(name).alias(name)
        for n, name in enumerate(("period_start", "period_end"))
    ]  # fmt: skip
    return facts.with_columns(columns)


def dropped_tag(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """The item gone: for the period under all its tags, or its tag from the whole filing.

    The amount may still be told by another item: equity by that with what others own.
    """
    return facts.filter(~_gone(pick, rng, []))


def dropped(facts: pl.DataFrame, pick: Pick, rng: np.random.Generator) -> pl.DataFrame:
    """The same, and gone with it what tells the same amount of the same figure for the period."""
    items = default_ruleset().items
    figure = items[pick["item"]].figure
    tags = [t for i in items.values() if i.figure == figure for t in (*i.tags, *i.ifrs, *i.dei)]
    period = _is(pick, "period_start", "period_end") & pl.col("concept").is_in(tags)
    same = facts.filter(period, pl.col("value") == pick["value"])["concept"].to_list()
    return facts.filter(~_gone(pick, rng, same))


def _gone(pick: Pick, rng: np.random.Generator, same: list[str]) -> pl.Expr:
    item = default_ruleset().items[pick["item"]]
    tags = [*item.tags, *item.ifrs, *item.dei, *same]
    if rng.random() < 0.5:
        return _is(pick) & pl.col("concept").is_in([pick["concept"], *same])
    return _is(pick, "period_end") & pl.col("concept").is_in(tags)


def numbered(facts: pl.DataFrame) -> pl.DataFrame:
    """The facts with `seq` counted anew."""
    return facts.with_columns(seq=pl.int_range(pl.len(), dtype=pl.Int32).over(NATURAL))


FAULTS = (
    Fault("x1000 on a headline", HEADLINES, times(1e3), "CDF", 95),
    Fault("/1000 on a headline", HEADLINES, times(1e-3), "CDF", 95),
    Fault("sign flip of a headline", (*MONEY, *PER_SHARE), times(-1.0), "CDF", 95),
    Fault("wrong unit on a headline", HEADLINES, other_unit, "CDF", 95),
    Fault("cover shares x1e6", ("CoverShares",), times(1e6), "CDF", 95),
    Fault("weighted shares in thousands", ("SharesBasic",), thousands, "CDF", 95),
    Fault("nine months as three", FLOWS, year_to_date, "CDF", 95, quarters=True),
    Fault("stale duplicate of a headline", HEADLINES, stale, "CDF", 95),
    Fault("swapped lines", tuple(PAIRS), swapped_lines, "CDF", 85),
    Fault("swapped columns", ("Assets",), swapped_columns, "CDF", 85),
    Fault("dropped headline", HEADLINES, dropped, "BCDF", 95),
    Fault("dropped tag of a headline", HEADLINES, dropped_tag, "BCDF", 0),  # no goal: to be seen
)  # fmt: skip
