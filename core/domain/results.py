"""Figures that results have in common, whether of a back-test or of trades on paper. Pure."""

from __future__ import annotations

import polars as pl


def win_pct(result: pl.Expr) -> pl.Expr:
    """The share of results above zero, in per cent."""
    return (result > 0).mean() * 100


def profit_factor(result: pl.Expr) -> pl.Expr:
    """What was won over what was lost, both above zero; null when nothing was lost."""
    value = result.cast(pl.Float64)
    lost = value.filter(value < 0).sum().abs()
    return pl.when(lost > 0).then(value.filter(value > 0).sum() / lost)
