"""The known faults of the simulated upstreams: what is wrong, where, and what it should have been.

`planted(seed, as_of)` lists them all, so that tests and the demo can hold what the desk finds
against it. Bar faults sit in the month before the current one and stay there while it lasts.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl

from core.sandbox.companies.faults import planted_filings
from core.sandbox.market.frames import Market, market
from core.sandbox.market.names import listings
from core.sandbox.market.news import stream

COLUMNS = {
    "area": pl.String,  # bars, actions, facts, filings
    "kind": pl.String,
    "symbol": pl.String,
    "cik": pl.Int64,
    "session": pl.Date,  # bars and actions
    "accession": pl.String,  # facts and filings
    "concept": pl.String,
    "truth": pl.Float64,
    "planted": pl.Float64,
    "note": pl.String,
}

# kind -> (the cell that shows it, what it looks like)
BAR_FAULTS: dict[str, tuple[str, str]] = {
    "open_above_high": ("open", "open printed at 1.9 times the high"),
    "open_below_low": ("open", "open printed at 0.55 of the low"),
    "missing_cells": ("open", "open, high and low are NaN"),
    "zero_volume": ("volume", "volume 0 on a day that traded"),
    "high_below_low": ("high", "high and low changed places"),
    "duplicate_row": ("close", "the same row twice"),
    "conflicting_row": ("close", "a second row of the day with another close"),
    "hundredfold_price": ("close", "all prices times 100, as pence for pounds"),
    "zero_price": ("open", "open printed as 0"),
    "negative_price": ("low", "low printed below zero"),
    "stale_bar": ("close", "the bar of the session before, repeated"),
}


@lru_cache(maxsize=4)
def planted(seed: int, as_of: date) -> pl.DataFrame:
    """Every planted fault, one row each (columns: COLUMNS)."""
    parts = [_bar_faults(market(seed, as_of)), _missing_split(market(seed, as_of))]
    parts.append(planted_filings(seed, as_of))
    shaped = [
        part.select(
            *(
                (pl.col(c) if c in part.columns else pl.lit(None)).cast(t).alias(c)
                for c, t in COLUMNS.items()
            )
        )
        for part in parts
    ]
    return pl.concat(shaped)


def with_bar_faults(bars: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The daily bars as the faulty upstream delivers them."""
    where = faults.filter(pl.col("area") == "bars").select("symbol", "session", "kind")
    marked = bars.join(where, on=["symbol", "session"], how="left", maintain_order="left")
    is_ = {kind: pl.col("kind") == kind for kind in BAR_FAULTS}
    o, h, low, c = (pl.col(x) for x in ("open", "high", "low", "close"))
    nan, far = pl.lit(float("nan")), is_["hundredfold_price"]
    stale = {x: pl.col(x).shift(1).over("symbol") for x in ("open", "high", "low", "close")}
    broken = marked.with_columns(
        pl.when(far).then(o * 100)
        .when(is_["open_above_high"]).then((h * 1.9).round(2))
        .when(is_["open_below_low"]).then((low * 0.55).round(2))
        .when(is_["missing_cells"]).then(nan)
        .when(is_["zero_price"]).then(0.0)
        .when(is_["stale_bar"]).then(stale["open"]).otherwise(o).alias("open"),
        pl.when(far).then(h * 100)
        .when(is_["missing_cells"]).then(nan)
        .when(is_["high_below_low"]).then(low)
        .when(is_["stale_bar"]).then(stale["high"]).otherwise(h).alias("high"),
        pl.when(far).then(low * 100)
        .when(is_["missing_cells"]).then(nan)
        .when(is_["negative_price"]).then(-low)
        .when(is_["high_below_low"]).then(h)
        .when(is_["stale_bar"]).then(stale["low"]).otherwise(low).alias("low"),
        pl.when(far).then(c * 100)
        .when(is_["stale_bar"]).then(stale["close"]).otherwise(c).alias("close"),
        pl.when(is_["zero_volume"]).then(0).otherwise(pl.col("volume")).alias("volume"),
    )  # fmt: skip
    twice = broken.filter(is_["duplicate_row"] | is_["conflicting_row"]).with_columns(
        pl.when(is_["conflicting_row"]).then((c * 1.03).round(2)).otherwise(c).alias("close")
    )
    every = pl.concat([broken, twice]).drop("kind")
    return every.sort("symbol", "session", maintain_order=True)


def _bar_faults(world: Market) -> pl.DataFrame:
    """One fault of each kind, each on a symbol and session of its own."""
    m = world.model
    month = np.datetime64(world.as_of, "M") - 1
    first = int(m.cal.row(np.array([month.astype("datetime64[D]")]))[0])
    order = 61 + stream(world.seed, "planted").permutation(330)
    solid = m.present[first - 2 : first + 18].all(axis=0) & (m.close[first] > 5)
    slots = order[solid[order]][: len(BAR_FAULTS)]
    rows = first + 2 + np.arange(len(BAR_FAULTS)) % 15
    frame = pl.DataFrame(
        {
            "area": "bars",
            "kind": list(BAR_FAULTS),
            "concept": [cell for cell, _ in BAR_FAULTS.values()],
            "note": [text for _, text in BAR_FAULTS.values()],
            "symbol": [listings()[s].symbol for s in slots],
            "cik": [listings()[s].cik for s in slots],
            "session": pl.Series(m.cal.sessions[rows]).cast(pl.Date),
        }
    )
    bars = world.bars_daily().join(frame.select("symbol", "session"), on=["symbol", "session"])
    long = bars.with_columns(pl.col("volume").cast(pl.Float64)).unpivot(
        index=["symbol", "session"], variable_name="concept", value_name="truth"
    )
    cells = ["symbol", "session", "concept"]
    told = frame.join(long, on=cells, how="left", maintain_order="left")
    served = with_bar_faults(bars_of(world, told), told)
    wrong = (
        served.with_columns(pl.col("volume").cast(pl.Float64))
        .drop("kind", strict=False)
        .unpivot(index=["symbol", "session"], variable_name="concept", value_name="planted")
        .unique(cells, keep="last", maintain_order=True)
    )
    return told.join(wrong, on=cells, how="left", maintain_order="left")


def bars_of(world: Market, faults: pl.DataFrame) -> pl.DataFrame:
    """The clean bars of the symbols that have faults."""
    return world.bars_daily().filter(pl.col("symbol").is_in(faults["symbol"].to_list()))


def _missing_split(world: Market) -> pl.DataFrame:
    """The latest split before the month of the bar faults, of a company without XBRL."""
    month = (world.as_of.replace(day=1) - timedelta(days=1)).replace(day=1)
    filed = [x.symbol for x in listings()[1:61]]
    splits = world.corporate_actions().filter(
        (pl.col("kind") == "split") & ~pl.col("symbol").is_in(filed) & (pl.col("ex_date") < month)
    )
    return (
        splits.sort("ex_date", "symbol")
        .tail(1)
        .select(
            pl.lit("actions").alias("area"),
            pl.lit("missing_split").alias("kind"),
            "symbol",
            pl.col("ex_date").alias("session"),
            pl.col("ratio").alias("truth"),
            pl.lit("a split that corporate actions does not know").alias("note"),
        )
    )
