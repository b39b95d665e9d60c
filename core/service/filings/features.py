"""Feature records: one deterministic record per graded filing for downstream models; no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.domain.access.principals import Role
from core.domain.quality.facts.standing import stand_in
from core.domain.quality.model import default_ruleset
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
YEAR_DAYS = (355, 376)
_KEYS = ["cik", "accession"]


@export("features", needs=Role.VIEWER)
def features(desk: Desk, *, cik: int | None = None, form: str | None = None) -> pl.DataFrame:
    """Ratios, growth, coverage, grade and counts per filing, sorted by company and date.

    Beside each value stands the concept that it was stated under (`revenues_concept`). All flows
    are of one span, the longest that the filing tells in full: `months`. Amounts are in `currency`.
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
        "SELECT i.cik, i.accession, i.item, i.concept, i.unit, i.period_start, i.period_end, "
        "i.value, i.months, i.own, g.form "
        "FROM filing_items i JOIN (SELECT cik, accession, form FROM grades WHERE is_current "
        "AND ($cik IS NULL OR cik = $cik) AND ($form IS NULL OR form = $form)) g "
        "ON g.cik = i.cik AND g.accession = i.accession",
        chosen,
    )
    own = _own(items)
    span = own.filter(pl.col("months") > 0).group_by(_KEYS).agg(pl.col("months").first())
    table = grades
    for part in (span, _currency(own), _levels(own), _growth(items, own)):
        table = table.join(part, on=_KEYS, how="left")
    return table.with_columns(_ratios(table)).sort("cik", "filed", "accession")


def _currency(own: pl.DataFrame) -> pl.DataFrame:
    """The currency of each filing's amounts."""
    amounts = own.filter(pl.col("unit").str.contains("^[A-Z]{3}$"))
    return amounts.group_by(_KEYS).agg(currency=pl.col("unit").first())


def _own(items: pl.DataFrame) -> pl.DataFrame:
    """The filing's own value of each item: balances, and flows of the filing's span.

    Flows of another span (a quarter in an annual report, the last twelve months in a quarterly
    one) are no part of a ratio or a record with those of the span.
    """
    mine = items.filter(pl.col("own") & (pl.col("months") >= 0))
    flows = mine.join(_spans(mine), on=[*_KEYS, "months"], how="semi")
    ordered = pl.concat([mine.filter(pl.col("months") == 0), flows]).sort(
        "period_end", descending=True, maintain_order=True
    )
    return ordered.unique([*_KEYS, "item"], keep="first", maintain_order=True)


def _spans(mine: pl.DataFrame) -> pl.DataFrame:
    """Of each filing the longest span that tells at least half of what the fullest one tells."""
    quarterly = pl.col("form").str.contains("^10-Q")
    flows = mine.filter(
        pl.col("item").is_in(LEVELS),
        pl.col("months").is_between(1, pl.when(quarterly).then(9).otherwise(12)),
    )
    told = flows.group_by(*_KEYS, "months").agg(told=pl.col("item").n_unique())
    full = told.filter(2 * pl.col("told") >= pl.col("told").max().over(_KEYS))
    return full.group_by(_KEYS).agg(pl.col("months").max())


def _levels(own: pl.DataFrame) -> pl.DataFrame:
    levels = own.filter(pl.col("item").is_in(LEVELS))
    values, concepts = _wide(levels, "value"), _wide(levels, "concept")
    return values.join(concepts, on=_KEYS, how="left")


def _wide(levels: pl.DataFrame, what: str) -> pl.DataFrame:
    wide = levels.pivot(
        on="item", on_columns=list(LEVELS), index=_KEYS, values=what, aggregate_function="first"
    )
    return wide.rename({name: f"{_snake(name)}_{what}" for name in LEVELS})


def _ratios(table: pl.DataFrame) -> list[pl.Expr]:
    return [
        pl.when(pl.col(f"{_snake(below)}_value") != 0)
        .then(pl.col(f"{_snake(above)}_value") / pl.col(f"{_snake(below)}_value"))
        .alias(name)
        for name, (above, below) in RATIOS.items()
    ]


def _growth(items: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Change in percent on the comparative of a year before, as the same filing states it."""
    same = [*_KEYS, "item", "months", "stands_in"]
    items, own = (
        frame.with_columns(stands_in=stand_in(default_ruleset())) for frame in (items, own)
    )
    now = own.filter(pl.col("item").is_in(GROWTH)).select(
        *same, value_now="value", end="period_end"
    )
    then = items.select(*same, before="value", end_before="period_end")
    pairs = now.join(then, on=same).filter(
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
