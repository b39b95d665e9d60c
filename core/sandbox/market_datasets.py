"""The simulated market as the Foundry container serves it: dataset name -> CSV bytes.

Column names are those of the vendors; the planted faults are in. Nothing is drawn before it is
asked for, and each CSV is made once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import polars as pl

from core.sandbox.market import market
from core.sandbox.market_names import LABEL
from core.sandbox.planted import planted, with_bar_faults


class SimulatedDatasets:
    """Datasets of the simulated market at (seed, as_of)."""

    simulated = True
    label = LABEL

    def __init__(self, seed: int, as_of: date) -> None:
        self.seed = seed
        self.as_of = as_of
        self._made: dict[str, tuple[bytes, int]] = {}
        self._lock = threading.Lock()
        self._makers: dict[str, Callable[[], pl.DataFrame]] = {
            "Prices Daily": self._daily,
            "Prices Minute": self._minute,
            "Corporate Actions": self._actions,
            "Universe": lambda: market(seed, as_of).universe(),
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
        with self._lock:
            if name not in self._made:
                frame = self._makers[name]()
                self._made[name] = frame.write_csv().encode(), frame.height
            return self._made[name]

    def _daily(self) -> pl.DataFrame:
        bars = market(self.seed, self.as_of).bars_daily()
        faulty = with_bar_faults(bars, planted(self.seed, self.as_of))
        prices = ("open", "high", "low", "close", "volume")
        return faulty.select(
            pl.col("session").alias("date"), *prices, pl.col("symbol").alias("Name")
        )

    def _minute(self) -> pl.DataFrame:
        bars = market(self.seed, self.as_of).bars_minute()
        return bars.with_columns(pl.col("ts_et").dt.strftime("%Y-%m-%d %H:%M:%S"))

    def _actions(self) -> pl.DataFrame:
        gone = planted(self.seed, self.as_of).filter(pl.col("kind") == "missing_split")
        keys = gone.select(
            "symbol", pl.col("session").alias("ex_date"), pl.lit("split").alias("kind")
        )
        whole = market(self.seed, self.as_of).corporate_actions()
        return whole.join(keys, on=["symbol", "ex_date", "kind"], how="anti", maintain_order="left")
