"""Since when, and until when, figures of a report stand told otherwise by later ones."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.status.names import RESTATED
from core.domain.quality.status.retold import Retold

MANY = 0.05  # of the amounts that a filing was first to tell
LEAST_AMOUNTS = 20


def headlines(told: Retold) -> pl.DataFrame:
    """Filings some of whose headlines were told otherwise, until all are told as before again."""
    steps = told.steps.filter(pl.col("headline").is_not_null())
    return _spans(steps.select("rid", "by", "day", change="step"), pl.col("held") > 0)


def many(told: Retold) -> pl.DataFrame:
    """Filings of whose first-told amounts a twentieth was told otherwise."""
    steps = told.steps.filter("money").select("rid", "by", "day", change="step")
    of = pl.DataFrame({"rid": np.arange(len(told.first)), "of": told.first})
    many = (pl.col("of") >= LEAST_AMOUNTS) & (pl.col("held") >= MANY * pl.col("of"))
    return _spans(steps.join(of, on="rid"), many)


def _spans(steps: pl.DataFrame, holds: pl.Expr) -> pl.DataFrame:
    """Since and until when so many figures stood changed that it counts; by which filing."""
    of = ["of"] if "of" in steps.columns else []
    days = steps.group_by("rid", "by", "day", *of).agg(pl.col("change").cast(pl.Int64).sum())
    held = days.sort("rid", "by").with_columns(held=pl.col("change").cum_sum().over("rid"))
    state = held.with_columns(on=holds)
    other = state.filter(pl.col("on") != pl.col("on").shift(1, fill_value=False).over("rid"))
    ends = pl.col("day").shift(-1).over("rid")
    spans = other.with_columns(until=ends).filter("on", pl.col("until").ne_missing(pl.col("day")))
    return spans.select(
        "rid", "by", "until", *of, since="day", status=pl.lit(RESTATED), count="held"
    )
