"""LEAN factor and map files to corporate actions. Headerless CSV, one file a security.

- A factor row (`yyyymmdd,price_factor,split_factor,reference_price`) holds until its date; the next
  row's split factor over its own is the split ratio of the session after the date.
- A step of the price factor is a dividend: price x (1 - this / next), price being the close of that
  date as the row states it.
- A map row (`yyyymmdd,ticker[,exchange]`) names the symbol that a security traded under until that
  date; a change is a rename of the session after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable.exchanges import sessions
from core.errors import ParsingError

FACTOR_COLUMNS = ("date", "price_factor", "split_factor", "price")
MAP_COLUMNS = ("date", "name", "exchange")
CALENDAR_YEARS = (1970, 2039)  # LEAN's own end of time is 2050-12-31
_FACTOR_LINE = re.compile(r"\d{8}(,[\d.eE+-]+){3}\s*")
_MAP_LINE = re.compile(r"\d{8},[A-Za-z][\w. ^/=-]*(,\w*)?\s*")


def kind_of(path: Path) -> str | None:
    """`factors`, `maps` or None, by the first line of a CSV file."""
    with path.open("rb") as file:
        line = file.readline(200).decode("utf-8", "replace").strip()
    if _FACTOR_LINE.fullmatch(line):
        return "factors"
    return "maps" if _MAP_LINE.fullmatch(line) else None


def actions(factors: pl.DataFrame, names: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """CORPORATE_ACTIONS of factor rows and map rows; either may be empty.

    `sessions`: `before` (a session) and `ex_date` (the one after it).
    """
    steps = _effective(_steps(factors), sessions)
    steps = _as_traded(steps, names)
    parts = [_splits(steps), _dividends(steps), renames(names, sessions)]
    found = pl.concat(parts).sort("symbol", "ex_date", "kind")
    return found.unique(["symbol", "ex_date", "kind"], keep="first", maintain_order=True)


def read_factors(paths: Sequence[Path]) -> pl.DataFrame:
    """symbol (of the security: the file's stem), date, price_factor, split_factor, price."""
    numbers = pl.col(*FACTOR_COLUMNS[1:]).cast(pl.Float64, strict=False)
    table = _read(paths, FACTOR_COLUMNS).with_columns(numbers)
    return _whole(table, [*FACTOR_COLUMNS])


def read_names(paths: Sequence[Path]) -> pl.DataFrame:
    """symbol (of the security), name (it traded by, upper case), until (inclusive)."""
    table = _whole(_read(paths, MAP_COLUMNS), ["date", "name"])
    return table.select("symbol", pl.col("name").str.to_uppercase(), until="date").sort("until")


def _read(paths: Sequence[Path], columns: Sequence[str]) -> pl.DataFrame:
    empty = pl.DataFrame(schema=dict.fromkeys(["symbol", *columns], pl.String))
    frames = [_one(path, columns) for path in paths]
    table = pl.concat([empty, *frames])
    return table.with_columns(pl.col("date").str.to_date("%Y%m%d", strict=False))


def _whole(table: pl.DataFrame, required: list[str]) -> pl.DataFrame:
    """ParsingError naming the first row that cannot be read: factors only make sense together."""
    bad = table.filter(pl.any_horizontal(pl.col(required).is_null()))
    if len(bad):
        raise ParsingError(
            f"{bad['symbol'][0].lower()}.csv: {len(bad)} rows are not LEAN rows",
            hint="expected yyyymmdd,price_factor,split_factor,price or yyyymmdd,ticker,exchange",
        )
    return table


def _one(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    try:
        table = pl.read_csv(path.absolute(), has_header=False, infer_schema=False, glob=False)
    except pl.exceptions.PolarsError as error:
        text = str(error).splitlines()[0]
        raise ParsingError(f"cannot be read as CSV: {text}", where=path.name) from None
    named = table.rename(dict(zip(table.columns, columns, strict=False)))
    missing = [pl.lit(None, pl.String).alias(name) for name in columns[len(table.columns) :]]
    symbol = pl.lit(path.stem.upper()).alias("symbol")
    return named.with_columns(*missing, symbol).select("symbol", *columns)


def _steps(factors: pl.DataFrame) -> pl.DataFrame:
    """Each row with the ratios to the row after it, in order of date; first and last rows go."""
    later = {n: pl.col(n).shift(-1).over("symbol") for n in ("price_factor", "split_factor")}
    first = pl.col("date") == pl.col("date").min().over("symbol")
    return (
        factors.sort("symbol", "date")
        .with_columns(
            split=later["split_factor"] / pl.col("split_factor"),
            paid=1 - pl.col("price_factor") / later["price_factor"],
        )
        .filter(~first & pl.col("split").is_not_null())
    )


def _effective(rows: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """With `ex_date`, the session after each row's date."""
    return rows.sort("date").join_asof(
        sessions.sort("before"), left_on="date", right_on="before", strategy="backward"
    )


def _as_traded(steps: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Each step under the symbol its security traded by that day.

    Where the symbol changed that very day, under the old one too: bars go by symbol, and the old
    one may live on as another share class (GOOG on 2014-04-03).
    """
    parts = [
        steps.sort(day).join_asof(  # sorted: the check cannot see it per symbol
            names,
            left_on=day,
            right_on="until",
            by="symbol",
            strategy="forward",
            check_sortedness=False,
        )
        for day in ("ex_date", "date")
    ]
    both = pl.concat(parts).with_columns(pl.coalesce("name", "symbol").alias("symbol"))
    return both.unique(["symbol", "ex_date"], keep="first", maintain_order=True)


def _action(frame: pl.DataFrame, kind: str, **cells: pl.Expr) -> pl.DataFrame:
    cells = {"kind": pl.lit(kind), **cells}
    nothing = pl.lit(None)
    return frame.select(
        (pl.col(name) if name in ("symbol", "ex_date") else cells.get(name, nothing))
        .cast(dtype)
        .alias(name)
        for name, dtype in CORPORATE_ACTIONS.columns.items()
    )


def _splits(steps: pl.DataFrame) -> pl.DataFrame:
    rows = steps.filter((pl.col("split") - 1).abs() > 1e-4)
    return _action(rows, "split", ratio=pl.col("split").round_sig_figs(5))


def _dividends(steps: pl.DataFrame) -> pl.DataFrame:
    rows = steps.filter(pl.col("paid") > 1e-6)
    amount = (pl.col("paid") * pl.col("price")).round(4)
    return _action(rows, "dividend", amount=amount, currency=pl.lit("USD"))


def renames(names: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Where a security's symbol changed: the row before says until when it had the old one."""
    ordered = names.sort("symbol", "until").with_columns(
        old=pl.col("name").shift(1).over("symbol"), date=pl.col("until").shift(1).over("symbol")
    )
    changed = ordered.filter(pl.col("old").is_not_null() & (pl.col("old") != pl.col("name")))
    rows = _effective(changed.drop("symbol").rename({"name": "symbol"}), sessions)
    return _action(rows, "rename", note=pl.col("old"))


def nyse_sessions(first: date, last: date) -> pl.DataFrame:
    """NYSE sessions of the years of both dates as `before`, each with the one after it, `ex_date`.

    The year after `last` is looked up too, so that the last session has a successor.
    """
    until = min(last.year + 1, CALENDAR_YEARS[1])
    from_year = max(first.year, CALENDAR_YEARS[0])
    days = [day for day, _, _ in sessions("XNYS", date(from_year, 1, 1), date(until, 12, 31))]
    before = pl.Series("before", days, dtype=pl.Date)
    return pl.DataFrame({"before": before, "ex_date": before.shift(-1)})
