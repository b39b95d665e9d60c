"""The simulated market as the Foundry container serves it: dataset name -> CSV bytes.

Column names are those of the vendors; the planted faults are in. Nothing is drawn before it is
asked for; each CSV is made once a day, the minutes once a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from core.sandbox.clock import ZONE, Clock, Moment, moments
from core.sandbox.kept_csv import KeptCsv
from core.sandbox.market.frames import market
from core.sandbox.market.names import LABEL
from core.sandbox.planted import planted, with_bar_faults


class SimulatedDatasets(KeptCsv):
    """Datasets of the simulated market of a seed, as of a day or as a clock runs."""

    simulated = True
    label = LABEL

    def __init__(self, seed: int, when: date | Clock) -> None:
        super().__init__()
        self.seed = seed
        self._moment = moments(when)
        self._makers: dict[str, Callable[[Moment], pl.DataFrame]] = {
            "Prices Daily": self._daily,
            "Prices Minute": self._minute,
            "Corporate Actions": self._actions,
            "Universe": lambda now: market(seed, now.as_of).universe(),
        }

    def names(self) -> tuple[str, ...]:
        """The datasets there are."""
        return tuple(self._makers)

    def moment(self, name: str) -> Moment:
        """What changes a dataset: the minute for minute bars, the day for all others."""
        now = self._moment()
        if name != "Prices Minute" or now.known_at is None:
            return Moment(now.as_of)
        return Moment(now.as_of, now.known_at.replace(second=0, microsecond=0))

    def make(self, name: str, moment: Moment) -> tuple[bytes, int]:
        """The CSV of a dataset and its rows."""
        frame = self._makers[name](moment)
        return frame.write_csv().encode(), frame.height

    def _daily(self, now: Moment) -> pl.DataFrame:
        bars = market(self.seed, now.as_of).bars_daily()
        faulty = with_bar_faults(bars, planted(self.seed, now.as_of))
        prices = ("open", "high", "low", "close", "volume")
        return faulty.select(
            pl.col("session").alias("date"), *prices, pl.col("symbol").alias("Name")
        )

    def _minute(self, now: Moment) -> pl.DataFrame:
        """Minute bars that have ended: a print from the future is told by nobody."""
        bars = market(self.seed, now.as_of).bars_minute(running=now.known_at is not None)
        if now.known_at is not None:
            local = now.known_at.astimezone(ZONE).replace(tzinfo=None)
            bars = bars.filter(pl.col("ts_et") + timedelta(minutes=1) <= local)
        return bars.with_columns(pl.col("ts_et").dt.strftime("%Y-%m-%d %H:%M:%S"))

    def _actions(self, now: Moment) -> pl.DataFrame:
        gone = planted(self.seed, now.as_of).filter(pl.col("kind") == "missing_split")
        keys = gone.select(
            "symbol", pl.col("session").alias("ex_date"), pl.lit("split").alias("kind")
        )
        whole = market(self.seed, now.as_of).corporate_actions()
        return whole.join(keys, on=["symbol", "ex_date", "kind"], how="anti", maintain_order="left")
