"""Figures that a filing was first to tell, and that a later one told with another value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.measures import UNIT_KINDS
from core.domain.quality.facts.packing import as_index, begins
from core.domain.quality.model import Ruleset
from core.domain.quality.rules.change import by_split
from core.domain.quality.status.reports import FIGURES, Stated
from core.domain.quality.status.total_equity import with_total_equity

# What readers look at first; where it is not told, what stands for the item (`stands`).
HEADLINES = {
    "revenue": "Revenues",
    "net income": "NetIncome",
    "basic EPS": "EpsBasic",
    "diluted EPS": "EpsDiluted",
    "operating cash flow": "Cfo",
    "assets": "Assets",
    "equity": "EquityParent",
    "cash": "Cash",
    "basic shares": "SharesBasic",
    "diluted shares": "SharesDiluted",
    "cover shares": "CoverShares",
}
LEAST_CHANGE = 0.005
CENTS = 0.011  # a cent of rounding on either side
MOST_ROUNDED = 0.05  # two digits are told at least
COVER = "EntityCommonStockSharesOutstanding"
STATED = ("concept", "unit", "period_start", "period_end")


@dataclass(frozen=True, slots=True)
class Retold:
    """What later filings made of the figures of earlier ones.

    steps: one row a telling after which a figure differs from what was told first (`step` 1), does
    no more (-1), or differs in another way (0): rid (the first to tell), by, day, row (of the
    facts), old, new, money, headline (null: none). first: of each rid how many amounts it was
    first to tell; balances: how many of those are of a day. shared: of each filing `by` and each
    `rid` whose figures it repeats, how many.
    """

    steps: pl.DataFrame
    first: Numbers
    balances: Numbers
    shared: pl.DataFrame


def retold(stated: Stated, reports: pl.DataFrame, rules: Ruleset) -> Retold:
    """The figures of facts told again, `reports` in the order of their rid.

    A figure that one filing tells with several values is no base for saying that it changed.
    """
    told = _tellings(stated, reports)
    key, rid, value, row = (told[n].to_numpy() for n in ("key", "rid", "value", "row"))
    order = np.lexsort((rid, key))
    key, rid, value, row = key[order], rid[order], value[order], row[order]
    clear = told["clear"].to_numpy()[order]
    heads = begins(key)
    first = np.maximum.accumulate(np.where(heads, np.arange(len(key)), 0))
    kind = told["kind"].to_numpy()[order]
    differs = np.zeros(len(key), bool)
    asked = np.flatnonzero(~heads & clear & clear[first] & (value != value[first]))
    rounds = reports["rounds"].to_numpy()
    room = 0.5 * (rounds[rid[first[asked]]] + rounds[rid[asked]])
    differs[asked] = changed(value[first[asked]], value[asked], kind[asked], room)
    before = np.append(False, differs[:-1]) & ~heads
    same = value == np.append(np.nan, value[:-1])
    steps = np.flatnonzero((differs != before) | (differs & ~same))
    money = kind == UNIT_KINDS.index("money")
    frame = pl.DataFrame({
        "rid": rid[first[steps]], "by": rid[steps], "row": row[steps], "old": value[first[steps]],
        "new": value[steps], "money": money[steps],
        "step": differs[steps].astype(np.int8) - before[steps].astype(np.int8),
    })  # fmt: skip
    again = np.flatnonzero(~heads)
    pairs = pl.DataFrame({"by": rid[again], "rid": rid[first[again]]})
    days = reports["filed"][as_index(frame["by"].to_numpy())]
    own = np.flatnonzero(heads & money)
    of_day = stated.facts["period_start"].is_null().to_numpy()[row[own]]
    return Retold(
        with_total_equity(
            _with_headlines(frame.with_columns(day=days), stated, reports, rules), stated, reports
        ),
        np.bincount(rid[own], minlength=reports.height),
        np.bincount(rid[own[of_day]], minlength=reports.height),
        pairs.group_by("by", "rid").agg(shared=pl.len()),
    )


def _tellings(stated: Stated, reports: pl.DataFrame) -> pl.DataFrame:
    """One row a filing and figure: key (a number for the figure), rid, value, kind, clear, row."""
    figure = pl.col("taxonomy").is_in(FIGURES) | (pl.col("concept") == COVER)
    rows = np.flatnonzero(stated.each(figure).to_numpy())
    facts, measure = (
        stated.facts[["cik", "period_start", "period_end", "value", "seq"]],
        as_index(rows),
    )
    name = pl.struct("taxonomy", "concept", "unit").hash(seed=7)
    found = facts[measure].with_columns(
        stated.each(name.alias("name"))[measure],
        stated.each(pl.col("given").alias("kind"))[measure],
        pl.Series("row", rows),
        filing=stated.filing[measure],
    )
    key = pl.struct("name", "cik", "period_start", "period_end").hash(seed=7)
    of = reports.filter("tells").select("filing", "rid")
    found = found.select("row", "value", "seq", "kind", "filing", key=key.reinterpret(signed=True))
    found = found.join(of, on="filing", maintain_order="left")
    once = found.filter(pl.col("seq") == 0)
    again = found.filter(pl.col("seq") > 0).select("key", "rid", other="value")
    unclear = again.join(once, on=["key", "rid"]).filter(pl.col("value") != pl.col("other"))
    marks = unclear.select("key", "rid", clear=False).unique()
    once = once.join(marks, on=["key", "rid"], how="left", maintain_order="left")
    return once.with_columns(pl.col("clear").fill_null(value=True))


def changed(old: Floats, new: Floats, kind: Numbers, room: Floats) -> Flags:
    """Whether values differ by more than rounding, half a percent, and splits of shares.

    `kind` has places in UNIT_KINDS. The trailing zeros of a value tell how it was rounded; `room`
    is what the rounding of both filings leaves an amount: one that goes over from thousands to
    millions tells 3,567 thousand as 4 million.
    """
    size, gap = np.abs(old), np.abs(new - old)
    share = np.isin(kind, [UNIT_KINDS.index("shares"), UNIT_KINDS.index("per_share")])
    cents = kind == UNIT_KINDS.index("per_share")
    rounded = np.minimum(0.5 * np.maximum(_unit(old), _unit(new)), MOST_ROUNDED * size)
    rounded = np.where(kind == UNIT_KINDS.index("money"), np.maximum(rounded, room), rounded)
    least = np.maximum(LEAST_CHANGE * size, np.where(cents, CENTS, rounded))
    found: Flags = gap > least
    suspect = np.flatnonzero(found & share & (old != 0) & (new != 0))
    found[suspect] = ~by_split(new[suspect], old[suspect], cents[suspect])
    return found


def _unit(value: Floats) -> Floats:
    """The power of ten that a whole number is told in; 0 for 0 and for fractions."""
    unit = np.where((value != 0) & (value % 1 == 0), 1.0, 0.0)
    for power in range(1, 10):
        unit = np.where((unit > 0) & (value % 10**power == 0), 10.0**power, unit)
    return unit


def _with_headlines(
    steps: pl.DataFrame, stated: Stated, reports: pl.DataFrame, rules: Ruleset
) -> pl.DataFrame:
    """Adds `headline` and what is stated, where the tag stands for it in the filing told first."""
    tags = headline_tags(rules)
    on = ["taxonomy", "concept"]
    named = stated.facts[as_index(steps["row"].to_numpy())].select("taxonomy", *STATED)
    steps = steps.hstack(named).join(tags, on=on, how="left", maintain_order="left")
    key = ["rid", "headline", "period_start", "period_end"]
    best = _best(stated, reports, tags).group_by(key).agg(best=pl.col("rank").min())
    steps = steps.join(best, on=key, how="left", nulls_equal=True, maintain_order="left")
    stands = (pl.col("rank") == pl.col("best")).fill_null(value=False)
    return steps.with_columns(headline=pl.when(stands).then("headline")).drop("rank", "best")


def _best(stated: Stated, reports: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
    """rid, headline, period and rank of every fact whose tag may stand for a headline."""
    of = stated.measures.select("taxonomy", "concept").join(
        tags, on=["taxonomy", "concept"], how="left", maintain_order="left"
    )
    rows = np.flatnonzero(of["rank"].is_not_null().to_numpy()[stated.measure])
    measure, place = as_index(stated.measure[rows]), as_index(rows)
    found = stated.facts[["period_start", "period_end"]][place].with_columns(
        of["headline"][measure], of["rank"][measure], filing=stated.filing[place]
    )
    return found.join(reports.select("filing", "rid"), on="filing")


def headline_tags(rules: Ruleset) -> pl.DataFrame:
    """taxonomy, concept, headline, rank: which tag stands for a headline before which."""
    rows = [
        (taxonomy, tag, headline, 100 * place + rank)
        for headline, name in HEADLINES.items()
        for place, item in enumerate(
            rules.items[other]
            for other in (name, *rules.items[name].stands, *rules.items[name].otherwise)
            if rules.items[other].figure  # what is left without recasts is no headline
        )
        for taxonomy, tags in (("us-gaap", item.tags), ("ifrs-full", item.ifrs), ("dei", item.dei))
        for rank, tag in enumerate(tags)
    ]
    schema = {"taxonomy": pl.String, "concept": pl.String, "headline": pl.String, "rank": pl.Int32}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return found.unique(["taxonomy", "concept"], keep="first", maintain_order=True)
