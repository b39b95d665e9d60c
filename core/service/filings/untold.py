"""Headline figures that a report has no value of here, each with why: no cell is empty in silence.

The SEC's facts hold what is told of the whole company under tags of a taxonomy. What is told per
class of shares, by parts, or under a tag of the company's own is in the document alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from core.domain.filings.figures import PERIODIC
from core.domain.quality.facts.measures import concept_table
from core.domain.quality.model import default_ruleset
from core.service.filings.alternatives import IN_PART

FIGURES = {
    "revenue": "Revenues",
    "net income": "NetIncome",
    "diluted earnings per share": "EpsDiluted",
    "operating cash flow": "Cfo",
    "assets": "Assets",
    "equity": "EquityParent",
}
EPS = FIGURES["diluted earnings per share"]
LEAST_FACTS = 60  # fewer tell a cover, or a part of an amendment
CLASSES = (
    "the SEC's facts hold no single figure, as where it is told per class of share or unit, and "
    "none of the shares on the cover either"
)
PER_SHARE = (
    "the SEC's facts hold no single figure: it is told per class of share or unit, or under a tag "
    "of the company's own"
)
OF_PARTS = (
    "the SEC's facts hold no single figure: it is told as parts, or under a tag of the company's "
    "own"
)
CONTINUING = "told of continuing operations only, beside discontinued ones: another figure"


@dataclass(frozen=True, slots=True)
class Untold:
    """A headline figure without a value for the report's own period, and why there is none."""

    figure: str
    why: str

    def __str__(self) -> str:
        return f"{self.figure}: {self.why}"


def untold(
    row: Mapping[str, Any], items: pl.DataFrame, stated: pl.DataFrame, rejected: pl.DataFrame
) -> list[Untold]:
    """Figures that a periodic report lacks. `row` is its grade, `items` the facts taken (item,
    own, period_end), `stated` all its facts, `rejected` as of `alternatives.rejected`.
    """
    periodic = pl.Series([row["form"] or ""]).str.contains(PERIODIC).item()
    if not periodic or (row["facts"] or 0) <= LEAST_FACTS or row["period_end"] is None:
        return []
    here = set(items.filter("own")["item"])
    return [
        Untold(figure, _why(item, items, stated, rejected))
        for figure, item in FIGURES.items()
        if item not in here
    ]


def _why(item: str, items: pl.DataFrame, stated: pl.DataFrame, rejected: pl.DataFrame) -> str:
    if not rejected.filter(pl.col("item") == item, pl.col("reason") == IN_PART).is_empty():
        return IN_PART
    if item != EPS:
        return OF_PARTS
    units = _units(stated, EPS)
    if units:
        return f"told in {', '.join(units)}, which is no amount per share"
    if "EpsContinuing" in set(items.filter("own")["item"]):
        return CONTINUING
    return PER_SHARE if "CoverShares" in set(items["item"]) else CLASSES


def _units(stated: pl.DataFrame, item: str) -> list[str]:
    """The units, but amounts per share, that a filing tells an item in."""
    place = list(default_ruleset().items).index(item)
    tags = concept_table(default_ruleset()).filter(pl.col("item") == place)
    found = stated.join(tags, on=["taxonomy", "concept"], how="semi")
    odd = found.filter(~pl.col("unit").str.ends_with("/shares"))
    return [] if odd.height < found.height else sorted(odd["unit"].unique())
