"""Captured price files served as Foundry datasets: dataset name -> CSV bytes.

The layout is that of `../shared/data/prices`. `Prices Daily` is the capture byte for byte;
corporate actions of the raw bars are worked out from the factor and map files:

- a row of a factor file holds until its date; the next row's split factor over its own is the
  split ratio of the session after the date;
- a step of the price factor is a dividend: price x (1 - this / next), price being the close of
  that date as the row states it;
- a map file names the symbol that a security traded under until a date; a change is a rename.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from core.errors import NotFoundError

FACTORS = ("date", "price_factor", "split_factor", "price")


class ReplayDatasets:
    """Datasets made of the captured files under `root` (the folder that holds `prices/`)."""

    simulated = False
    label = "Replay of captured files"

    def __init__(self, root: Path) -> None:
        self.prices = Path(root) / "prices"
        if not self.prices.is_dir():
            raise NotFoundError(f"there is no folder {self.prices}", hint="see docs of --replay")
        self._made: dict[str, tuple[bytes, int]] = {}
        daily = self.prices / "daily"
        self._makers: dict[str, Callable[[], bytes]] = {
            "Prices Daily": lambda: _read(daily / "all_stocks_5yr.csv.gz"),
            "Prices Daily Raw": lambda: _read(daily / "lean_daily_raw.csv.gz"),
            "Prices Minute": lambda: _read(self.prices / "minute" / "lean_minute_extended.csv.gz"),
            "Corporate Actions": lambda: self.corporate_actions().write_csv().encode(),
            "Universe": lambda: self.universe().write_csv().encode(),
            "VIX Daily": lambda: _read(daily / "vix-daily.csv"),
            "SPY Daily": lambda: _read(daily / "yahoofinance-SPY-20080101-20180101.csv"),
        }

    def names(self) -> tuple[str, ...]:
        """The datasets there are."""
        return tuple(self._makers)

    def csv(self, name: str) -> bytes:
        """The CSV of a dataset; KeyError when there is none of that name."""
        return self._make(name)[0]

    def rows(self, name: str) -> int:
        """Number of data rows in the CSV."""
        return self._make(name)[1]

    def _make(self, name: str) -> tuple[bytes, int]:
        if name not in self._made:
            body = self._makers[name]()
            lines = body.count(b"\n") + (not body.endswith(b"\n"))
            self._made[name] = body, lines - 1
        return self._made[name]

    def corporate_actions(self) -> pl.DataFrame:
        """symbol, ex_date, kind, ratio, amount, currency, note of the raw bars' symbols."""
        folder = self.prices / "corporate_actions"
        sessions, names = self._sessions(), _names(folder / "lean_map_files")
        steps = _steps(_factors(folder / "lean_factor_files")).pipe(_effective, sessions)
        steps = _as_traded(steps, names)
        parts = [_splits(steps), _dividends(steps), _renames(names, sessions)]
        ordered = pl.concat(parts).sort("symbol", "ex_date", "kind")
        return ordered.unique(["symbol", "ex_date", "kind"], keep="first", maintain_order=True)

    def _sessions(self) -> pl.DataFrame:
        """Each session as `before` and the one after it as `ex_date`."""
        body = _read(self.prices / "calendar" / "xnys_sessions_1998_2027.csv.gz")
        days = pl.read_csv(body, columns=["session"], try_parse_dates=True).sort("session")
        return days.select(
            pl.col("session").alias("before"), pl.col("session").shift(-1).alias("ex_date")
        )

    def universe(self) -> pl.DataFrame:
        """The symbols of the daily bars, with the CIK and name of the captured ticker map."""
        bars = pl.read_csv(self.csv("Prices Daily"), columns=["Name"]).rename({"Name": "symbol"})
        raw = pl.read_csv(self.csv("Prices Daily Raw"), columns=["symbol"])
        raw = raw.select(pl.col("symbol").str.to_uppercase())
        symbols = pl.concat([bars, raw]).unique().drop_nulls().sort("symbol")
        known = self._tickers()
        joined = symbols.join(known, on="symbol", how="left", maintain_order="left")
        empty = pl.lit(None, pl.String)
        return joined.select(
            "symbol",
            "name",
            empty.alias("sector"),
            empty.alias("industry"),
            "exchange",
            "cik",
        )

    def _tickers(self) -> pl.DataFrame:
        path = self.prices.parent / "sec" / "reference" / "company_tickers_exchange.json.gz"
        schema = {"cik": pl.Int64, "name": pl.String, "symbol": pl.String, "exchange": pl.String}
        if not path.exists():
            return pl.DataFrame(schema=schema)
        import orjson

        rows = orjson.loads(_read(path))["data"]
        return pl.DataFrame(rows, schema=schema, orient="row").unique("symbol", keep="first")


def _read(path: Path) -> bytes:
    """The original bytes of a captured file, unpacked when it is gzip."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"the captured file {path} is missing") from None
    return gzip.decompress(body) if path.suffix == ".gz" else body


def _tables(folder: Path, names: Sequence[str]) -> pl.DataFrame:
    """All headerless CSV files of a folder, with the file's stem as `symbol`."""
    frames = [
        pl.read_csv(path, has_header=False, infer_schema=False)
        .pipe(_named, names)
        .with_columns(pl.lit(path.stem.upper()).alias("symbol"))
        for path in sorted(folder.glob("*.csv"))
    ]
    return pl.concat(frames)


def _named(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    have = dict(zip(frame.columns, names, strict=False))
    missing = [pl.lit(None, pl.String).alias(n) for n in names[len(frame.columns) :]]
    return frame.rename(have).with_columns(missing).select(names)


def _factors(folder: Path) -> pl.DataFrame:
    return _tables(folder, FACTORS).with_columns(
        pl.col("date").str.to_date("%Y%m%d"), pl.col(*FACTORS[1:]).cast(pl.Float64)
    )


def _steps(factors: pl.DataFrame) -> pl.DataFrame:
    """Each row with the ratios to the row after it, in order of date; first and last rows go."""
    later = {n: pl.col(n).shift(-1).over("symbol") for n in ("price_factor", "split_factor")}
    first = pl.col("date") == pl.col("date").min().over("symbol")
    return (
        factors.sort("symbol", "date")
        .with_columns(
            (later["split_factor"] / pl.col("split_factor")).alias("split"),
            (1 - pl.col("price_factor") / later["price_factor"]).alias("paid"),
        )
        .filter(~first & pl.col("split").is_not_null())
        .sort("date")
    )


def _action(frame: pl.DataFrame, kind: str, **cells: pl.Expr) -> pl.DataFrame:
    empty = {"ratio": pl.Float64, "amount": pl.Float64, "currency": pl.String, "note": pl.String}
    return frame.select(
        "symbol",
        "ex_date",
        pl.lit(kind).alias("kind"),
        *(cells.get(name, pl.lit(None, t)).alias(name) for name, t in empty.items()),
    )


def _splits(steps: pl.DataFrame) -> pl.DataFrame:
    rows = steps.filter((pl.col("split") - 1).abs() > 1e-4)
    return _action(rows, "split", ratio=pl.col("split").round_sig_figs(5))


def _dividends(steps: pl.DataFrame) -> pl.DataFrame:
    rows = steps.filter(pl.col("paid") > 1e-6)
    amount = (pl.col("paid") * pl.col("price")).round(4)
    return _action(rows, "dividend", amount=amount, currency=pl.lit("USD"))


def _effective(rows: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """With `ex_date`, the session after each row's date."""
    return rows.sort("date").join_asof(
        sessions, left_on="date", right_on="before", strategy="backward"
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


def _names(folder: Path) -> pl.DataFrame:
    """symbol (of the security), name (it traded by), until (inclusive)."""
    return (
        _tables(folder, ("date", "name", "exchange"))
        .select(
            "symbol",
            pl.col("name").str.to_uppercase(),
            pl.col("date").str.to_date("%Y%m%d").alias("until"),
        )
        .sort("until")
    )


def _renames(names: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Where a security's symbol changed: the row before says until when it had the old one."""
    ordered = names.sort("symbol", "until").with_columns(
        pl.col("name").shift(1).over("symbol").alias("old"),
        pl.col("until").shift(1).over("symbol").alias("date"),
    )
    changed = ordered.filter(pl.col("old").is_not_null() & (pl.col("old") != pl.col("name")))
    rows = _effective(changed.drop("symbol").rename({"name": "symbol"}), sessions)
    return _action(rows, "rename", note=pl.col("old"))
