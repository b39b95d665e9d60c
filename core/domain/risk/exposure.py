"""Risk of the book as it stands: its past returns, exposures, correlations and stress replays.

Weights are signed: position value over equity, negative when short. Prices are split-adjusted
closes (symbol, session, close). The book of today is replayed on the returns of the past.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

CORRELATION_SESSIONS = 60
LARGEST_MOVE = 0.45  # beyond that an unexplained move is suspected to be a split


@dataclass(frozen=True, slots=True)
class Stress:
    """A named stretch of the past to replay on the book of today."""

    name: str
    first: date
    last: date


STRESSES: tuple[Stress, ...] = (
    Stress("Dot-com slide 2002", date(2002, 7, 8), date(2002, 7, 23)),
    Stress("Lehman 2008", date(2008, 9, 12), date(2008, 10, 10)),
    Stress("Flash crash 2010", date(2010, 5, 6), date(2010, 5, 7)),
    Stress("US downgrade 2011", date(2011, 8, 4), date(2011, 8, 8)),
    Stress("China devaluation 2015", date(2015, 8, 20), date(2015, 8, 25)),
    Stress("Brexit 2016", date(2016, 6, 24), date(2016, 6, 27)),
    Stress("Volmageddon 2018", date(2018, 2, 2), date(2018, 2, 8)),
    Stress("Christmas 2018", date(2018, 12, 14), date(2018, 12, 24)),
    Stress("Pandemic 2020", date(2020, 2, 20), date(2020, 3, 23)),
)


def returns(closes: pl.DataFrame) -> pl.DataFrame:
    """Simple returns per symbol: symbol, session, return; moves beyond 45 % are left empty."""
    change = pl.col("close") / pl.col("close").shift(1).over("symbol") - 1
    return (
        closes.filter(pl.col("close").is_finite() & (pl.col("close") > 0))
        .sort("symbol", "session")
        .with_columns(change.alias("return"))
        .with_columns(
            pl.when(pl.col("return").abs() <= LARGEST_MOVE).then("return").alias("return")
        )
        .drop_nulls("return")
        .select("symbol", "session", "return")
    )


def book_returns(moves: pl.DataFrame, weights: Mapping[str, float]) -> pl.DataFrame:
    """Returns of the book at today's weights, on sessions that all its names have."""
    names = pl.DataFrame(
        {"symbol": list(weights), "weight": list(weights.values())},
        schema={"symbol": pl.String, "weight": pl.Float64},
    )
    return (
        moves.join(names, on="symbol")
        .group_by("session")
        .agg((pl.col("return") * pl.col("weight")).sum().alias("return"), pl.len().alias("names"))
        .filter(pl.col("names") == len(weights))
        .sort("session")
        .select("session", "return")
    )


def market_returns(moves: pl.DataFrame, symbol: str | None = None) -> pl.DataFrame:
    """The market to compare with: a symbol's returns, else the mean of all names each session."""
    if symbol is not None:
        return moves.filter(pl.col("symbol") == symbol).select("session", "return").sort("session")
    return moves.group_by("session").agg(pl.col("return").mean()).sort("session")


def correlations(
    moves: pl.DataFrame, symbols: Sequence[str], sessions: int = CORRELATION_SESSIONS
) -> dict[frozenset[str], float]:
    """Correlation per pair over the last `sessions` sessions; pairs without them all left out."""
    recent = moves.select(pl.col("session").unique().sort().tail(sessions))
    wide = (
        moves.filter(pl.col("symbol").is_in(list(symbols)))
        .join(recent, on="session", how="semi")
        .pivot("symbol", index="session", values="return")
        .drop("session")
    )
    full = [name for name in wide.columns if wide[name].count() >= sessions]
    pairs = [(a, b) for i, a in enumerate(full) for b in full[i + 1 :]]
    if not pairs:
        return {}
    row = wide.select(pl.corr(a, b).alias(f"{a}|{b}") for a, b in pairs).row(0)
    return {
        frozenset(pair): float(value)
        for pair, value in zip(pairs, row, strict=True)
        if value is not None and math.isfinite(value)  # a name that stands still has no correlation
    }


def stress(
    moves: pl.DataFrame, weights: Mapping[str, float], cases: Sequence[Stress] = STRESSES
) -> pl.DataFrame:
    """What each case would do: name, first, last, return, names (with prices then), of.

    Names without prices in the stretch are left out and counted; `return` is null when none has.
    """
    held = pl.DataFrame(
        {"symbol": list(weights), "weight": list(weights.values())},
        schema={"symbol": pl.String, "weight": pl.Float64},
    )
    stretches = pl.DataFrame(
        [(c.name, c.first, c.last) for c in cases],
        schema={"name": pl.String, "first": pl.Date, "last": pl.Date},
        orient="row",
    )
    per_name = (
        moves.join(held, on="symbol")
        .join_where(
            stretches, pl.col("session") >= pl.col("first"), pl.col("session") <= pl.col("last")
        )
        .group_by("name", "symbol", "weight")
        .agg(((1 + pl.col("return")).product() - 1).alias("return"))
    )
    summed = per_name.group_by("name").agg(
        (pl.col("return") * pl.col("weight")).sum().alias("return"), pl.len().alias("names")
    )
    return stretches.join(summed, on="name", how="left", maintain_order="left").with_columns(
        pl.col("names").fill_null(0), pl.lit(len(weights)).alias("of")
    )


def exposure(holdings: pl.DataFrame) -> pl.DataFrame:
    """Long, short, gross and net per sector of holdings (symbol, sector, value signed)."""
    value = pl.col("value")
    return (
        holdings.group_by("sector")
        .agg(
            value.filter(value > 0).sum().alias("long"),
            value.filter(value < 0).sum().abs().alias("short"),
            value.abs().sum().alias("gross"),
            value.sum().alias("net"),
            pl.len().alias("positions"),
        )
        .sort("gross", "sector", descending=[True, False])
    )
