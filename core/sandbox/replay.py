"""Captured price files served as Foundry datasets: dataset name -> CSV bytes.

The layout is that of `../shared/data/prices`. `Prices Daily` is the capture byte for byte;
corporate actions of the raw bars are worked out from the factor and map files. With a clock
(`until`) nothing is served that is later than it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl

from core.errors import NotFoundError
from core.sandbox import past
from core.sandbox.clock import Clock
from core.sandbox.kept_csv import KeptCsv
from core.sources.files import lean


class ReplayDatasets(KeptCsv):
    """Datasets made of the captured files under `root` (the folder that holds `prices/`).

    A folder that holds `sec/` alone has no datasets: the SEC is served without a container.
    """

    simulated = False
    label = "Replay of captured files"

    def __init__(self, root: Path, *, until: Clock | None = None) -> None:
        super().__init__()
        self.prices = Path(root) / "prices"
        self._until = until
        if not self.prices.is_dir() and not (Path(root) / "sec").is_dir():
            raise NotFoundError(f"there is no folder {self.prices}", hint="see docs of --replay")
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
        return tuple(self._makers) if self.prices.is_dir() else ()

    def moment(self, name: str) -> datetime | None:
        """The clock's minute; None without a clock, which serves the whole capture."""
        return self._until().replace(second=0, microsecond=0) if self._until else None

    def make(self, name: str, moment: datetime | None) -> tuple[bytes, int]:
        """The CSV of a dataset as of a minute, and its rows."""
        body = self._makers[name]()
        if moment is not None:
            body = past.rows_until(body, moment)
        lines = body.count(b"\n") + (not body.endswith(b"\n"))
        return body, lines - 1

    def corporate_actions(self) -> pl.DataFrame:
        """symbol, ex_date, kind, ratio, amount, currency, note of the raw bars' symbols."""
        folder = self.prices / "corporate_actions"
        factors = lean.read_factors(sorted((folder / "lean_factor_files").glob("*.csv")))
        names = lean.read_names(sorted((folder / "lean_map_files").glob("*.csv")))
        whole = lean.actions(factors, names, self._sessions())
        return past.actions_until(whole, self._until()) if self._until else whole

    def _sessions(self) -> pl.DataFrame:
        """Each session as `before` and the one after it as `ex_date`."""
        body = _read(self.prices / "calendar" / "xnys_sessions_1998_2027.csv.gz")
        days = pl.read_csv(body, columns=["session"], try_parse_dates=True).sort("session")
        return days.select(
            pl.col("session").alias("before"), pl.col("session").shift(-1).alias("ex_date")
        )

    def universe(self) -> pl.DataFrame:
        """The symbols of the daily bars, with the CIK and name of the captured ticker map."""
        bars = pl.read_csv(self._makers["Prices Daily"](), columns=["Name"])
        bars = bars.rename({"Name": "symbol"})
        raw = pl.read_csv(self._makers["Prices Daily Raw"](), columns=["symbol"])
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
