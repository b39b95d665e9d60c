"""The captured prices, corporate actions and filings as frames of the desk's schemas."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

import polars as pl

from core.domain.tables.frames import BARS_DAILY, BARS_MINUTE, CORPORATE_ACTIONS
from core.sources.sec.submissions import decode_submissions


@lru_cache(maxsize=1)
def five_years(shared: Path) -> pl.DataFrame:
    """619,040 daily bars of 505 tickers, 2013–2018, adjusted for splits."""
    frame = pl.read_csv(shared / "prices/daily/all_stocks_5yr.csv.gz", try_parse_dates=True)
    frame = frame.rename({"date": "session", "Name": "symbol"})
    return frame.select(list(BARS_DAILY.columns)).sort("symbol", "session")


@lru_cache(maxsize=1)
def raw_bars(shared: Path) -> pl.DataFrame:
    """70,025 raw daily bars of 21 symbols, 1998–2021."""
    frame = pl.read_csv(shared / "prices/daily/lean_daily_raw.csv.gz", try_parse_dates=True)
    frame = frame.rename({"date": "session"}).with_columns(pl.col("symbol").str.to_uppercase())
    return frame.select(list(BARS_DAILY.columns)).sort("symbol", "session")


@lru_cache(maxsize=1)
def factor_actions(shared: Path) -> pl.DataFrame:
    """Splits and dividends read from the factor files: a line holds up to and with its date."""
    folder = shared / "prices/corporate_actions/lean_factor_files"
    parts = [_actions(path) for path in sorted(folder.glob("*.csv")) if "." not in path.stem]
    return pl.concat(parts).select(list(CORPORATE_ACTIONS.columns)).sort("symbol", "ex_date")


def _actions(path: Path) -> pl.DataFrame:
    lines = pl.read_csv(
        path,
        has_header=False,
        new_columns=["day", "price", "split", "close"],
        schema_overrides={
            "day": pl.String,
            "price": pl.Float64,
            "split": pl.Float64,
            "close": pl.Float64,
        },
    ).with_columns(pl.col("day").str.to_date("%Y%m%d"))
    lines = lines.with_columns(
        ratio=(pl.col("split").shift(-1) / pl.col("split")).round(6),
        paid=pl.col("close") * (1 - pl.col("price") / pl.col("price").shift(-1)),
        ex_date=pl.col("day") + pl.duration(days=1),
        symbol=pl.lit(path.stem.upper()),
    ).filter(pl.col("close") > 1.5)
    splits = lines.filter((pl.col("ratio") - 1).abs() > 1e-4).with_columns(
        kind=pl.lit("split"), amount=pl.lit(None, dtype=pl.Float64)
    )
    cash = lines.filter(pl.col("paid") > 1e-3).with_columns(
        kind=pl.lit("dividend"), amount="paid", ratio=pl.lit(None, dtype=pl.Float64)
    )
    names = ["symbol", "ex_date", "kind", "ratio", "amount"]
    return pl.concat([splits.select(names), cash.select(names)]).with_columns(
        currency=pl.lit("USD"), note=pl.lit(None, dtype=pl.String)
    )


@lru_cache(maxsize=1)
def filings(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Filings of 24 companies over their whole history, and their identifiers."""
    parts, names = [], []
    for path in sorted((shared / "sec/submissions_history").glob("CIK*.json.gz")):
        found = decode_submissions(gzip.decompress(path.read_bytes()))
        parts.append(found.filings)
        names.append(found.identifiers)
    return pl.concat(parts), pl.concat(names)


@lru_cache(maxsize=1)
def minutes(shared: Path) -> pl.DataFrame:
    """21,258 one-minute bars with pre-market and after-hours."""
    frame = pl.read_csv(
        shared / "prices/minute/lean_minute_extended.csv.gz", try_parse_dates=True
    ).rename({"ts_et": "ts", "session": "phase"})
    ts = pl.col("ts").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    return frame.with_columns(ts).select(list(BARS_MINUTE.columns)).sort("symbol", "ts")
