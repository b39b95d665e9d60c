"""Feature records: one deterministic record per graded filing for downstream models; no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings.figures import with_instead
from core.service.kernel.exports import export

if TYPE_CHECKING:
    from core.service.desk import Desk

LEVELS = (
    "Assets", "AssetsCurrent", "Liabilities", "LiabilitiesCurrent", "EquityAll", "EquityParent",
    "Cash", "Revenues", "GrossProfit", "OperatingIncome", "NetIncome", "Cfo", "EpsDiluted",
)  # fmt: skip
RATIOS = {
    "current_ratio": ("AssetsCurrent", "LiabilitiesCurrent"),
    "liabilities_to_assets": ("Liabilities", "Assets"),
    "equity_to_assets": ("EquityAll", "Assets"),
    "cash_to_assets": ("Cash", "Assets"),
    "gross_margin": ("GrossProfit", "Revenues"),
    "operating_margin": ("OperatingIncome", "Revenues"),
    "net_margin": ("NetIncome", "Revenues"),
    "return_on_assets": ("NetIncome", "Assets"),
    "operating_cash_to_net_income": ("Cfo", "NetIncome"),
}
GROWTH = ("Revenues", "NetIncome", "Assets")
# what many companies state alone where they have no minority interest or nothing discontinued
INSTEAD = {"ProfitLoss": "NetIncome", "CfoContinuing": "Cfo"}
YEAR_DAYS = (355, 376)
_KEYS = ["cik", "accession"]


@export("features")
def features(desk: Desk, *, cik: int | None = None, form: str | None = None) -> pl.DataFrame:
    """Ratios, growth, coverage, grade and counts per filing, sorted by company and date.

    Beside each value stands the concept that it was stated under (`revenues_concept`): net income
    is the profit with minority interests, and cash flow that of continuing operations, where the
    filing states no other.
    """
    chosen = {"cik": cik, "form": form}
    grades = desk.warehouse.read(
        "SELECT cik, accession, form, filed, period_end, grade, score, coverage_pct, critical, "
        "major, minor, required_score, identity_score, duplicate_score, missing_score, "
        "complexity_score, style, facts, concepts, ruleset FROM grades WHERE is_current "
        "AND ($cik IS NULL OR cik = $cik) AND ($form IS NULL OR form = $form)",
        chosen,
    )
    items = desk.warehouse.read(
        "SELECT i.cik, i.accession, i.item, i.concept, i.period_start, i.period_end, i.value, "
        "i.months, i.own "
        "FROM filing_items i SEMI JOIN (SELECT cik, accession FROM grades WHERE is_current "
        "AND ($cik IS NULL OR cik = $cik) AND ($form IS NULL OR form = $form)) g "
        "ON g.cik = i.cik AND g.accession = i.accession",
        chosen,
    )
    items = _with_instead(items)
    own = _own(items)
    table = grades.join(_levels(own), on=_KEYS, how="left").join(
        _growth(items, own), on=_KEYS, how="left"
    )
    return table.with_columns(_ratios(table)).sort("cik", "filed", "accession")


def _with_instead(items: pl.DataFrame) -> pl.DataFrame:
    """What a filing states instead of an item that it nowhere states, under the item's name."""
    stated = items.filter("own").select(*_KEYS, "item").unique()
    return with_instead(items, "item", INSTEAD, stated)


def _own(items: pl.DataFrame) -> pl.DataFrame:
    """The filing's own value of each item: balances, and the longest regular span of flows."""
    mine = items.filter(pl.col("own") & (pl.col("months") >= 0))
    ordered = mine.sort("months", "period_end", descending=True)
    return ordered.unique([*_KEYS, "item"], keep="first", maintain_order=True)


def _levels(own: pl.DataFrame) -> pl.DataFrame:
    levels = own.filter(pl.col("item").is_in(LEVELS))
    values, concepts = _wide(levels, "value"), _wide(levels, "concept")
    return values.join(concepts, on=_KEYS, how="left")


def _wide(levels: pl.DataFrame, what: str) -> pl.DataFrame:
    wide = levels.pivot(
        on="item", on_columns=list(LEVELS), index=_KEYS, values=what, aggregate_function="first"
    )
    equity = pl.coalesce("EquityAll", "EquityParent").alias("EquityAll")
    return wide.with_columns(equity).rename({name: f"{_snake(name)}_{what}" for name in LEVELS})


def _ratios(table: pl.DataFrame) -> list[pl.Expr]:
    return [
        pl.when(pl.col(f"{_snake(below)}_value") != 0)
        .then(pl.col(f"{_snake(above)}_value") / pl.col(f"{_snake(below)}_value"))
        .alias(name)
        for name, (above, below) in RATIOS.items()
    ]


def _growth(items: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Change in percent on the comparative of a year before, as the same filing states it."""
    now = own.filter(pl.col("item").is_in(GROWTH)).select(
        *_KEYS, "item", "months", value_now="value", end="period_end"
    )
    then = items.select(*_KEYS, "item", "months", before="value", end_before="period_end")
    pairs = now.join(then, on=[*_KEYS, "item", "months"]).filter(
        (pl.col("end") - pl.col("end_before")).dt.total_days().is_between(*YEAR_DAYS)
        & (pl.col("before") > 0)
    )
    grown = pairs.sort("end_before").with_columns(
        growth=100 * (pl.col("value_now") / pl.col("before") - 1)
    )
    wide = grown.pivot(
        on="item", on_columns=list(GROWTH), index=_KEYS, values="growth", aggregate_function="last"
    )
    return wide.rename({name: f"{_snake(name)}_growth_pct" for name in GROWTH})


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
