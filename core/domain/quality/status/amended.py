"""Which report an amendment amends: the one of its form and period, else of whose figures it is."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from core.domain.quality.status.reports import LEAST_FIGURES
from core.domain.quality.status.retold import Retold

NEAR = timedelta(days=7)  # the ends of one period, as cover and figures have them
LEAST_SHARED = 0.3  # of an amendment's figures that the amended report told first
_SIDE = ("rid", "cik", "base", "period", "filed")


def amendments(reports: pl.DataFrame, told: Retold) -> pl.DataFrame:
    """rid and by: each report with an amendment that carries figures; one row an amendment.

    What was amended by an amendment is told by `replacements`.
    """
    made = reports.filter("amends", "periodic", pl.col("figures") >= LEAST_FIGURES)
    originals = reports.filter(~pl.col("amends"), "periodic")
    dated = _of_period(originals, made)
    other = made.join(dated, left_on="rid", right_on="by", how="anti")
    return pl.concat([dated, _of_figures(originals, other, told)]).sort("rid", "by")


def _of_period(originals: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    both = _pairs(originals, made).with_columns(apart=_apart())
    nearest = both.sort("apart", "rid", descending=[False, True]).unique("by", keep="first")
    return nearest.select("rid", "by")


def _pairs(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Those of one company, form and period, the later one filed after the earlier."""
    after = later.select(by="rid", cik="cik", base="base", ended="period", told="filed")
    both = earlier.select(_SIDE).join(after, on=["cik", "base"])
    return both.filter(pl.col("rid") < pl.col("by"), _apart() <= NEAR)


def _apart() -> pl.Expr:
    return (pl.col("period") - pl.col("ended")).abs()


def _of_figures(originals: pl.DataFrame, made: pl.DataFrame, told: Retold) -> pl.DataFrame:
    """Amendments whose cover names another period, or none: by the figures that they repeat."""
    sides = originals.select("rid", "base").join(told.shared, on="rid")
    both = made.select("base", "figures", by="rid").join(sides, on=["by", "base"])
    enough = both.filter(pl.col("shared") >= LEAST_SHARED * pl.col("figures"))
    most = enough.sort("shared", "rid", descending=True).unique("by", keep="first")
    return most.select("rid", "by")


def replacements(reports: pl.DataFrame) -> pl.DataFrame:
    """rid and by: each amendment with figures, and the next one of the same report."""
    made = reports.filter("amends", "periodic", pl.col("figures") >= LEAST_FIGURES)
    both = _pairs(made, made)
    return both.group_by("rid").agg(pl.col("by").min()).sort("rid")
