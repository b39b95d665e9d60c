"""The simulated market as frames: daily bars, corporate actions, universe, benchmark bars.

Deterministic: a pure function of (seed, as_of). The bars end at the last session before `as_of`;
the first session on or after it is the *coming* one, of which only the pre-market is known.
Everything here is invented (`SIMULATED`, `LABEL`); see `market_model` for how prices come about.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.sandbox.market.minutes import minute_bars
from core.sandbox.market.model import Model, life, model
from core.sandbox.market.names import LABEL, SIMULATED, SLOTS, listings

__all__ = ["LABEL", "SIMULATED", "Market", "big_bars", "market"]

WINDOW = 757  # sessions of daily bars: three years
Floats = NDArray[np.float64]


@lru_cache(maxsize=2)
def market(seed: int, as_of: date) -> Market:
    """The market of a seed on a day; the two last ones asked for are kept."""
    return Market(seed, as_of)


class Market:
    """Frames of one simulated market, as clean as the market itself (no planted faults)."""

    def __init__(self, seed: int, as_of: date) -> None:
        self.seed = seed
        self.as_of = as_of
        self.model: Model = model(seed, as_of)
        coming = self.model.cal.coming
        self.rows = np.arange(max(0, coming - WINDOW), coming)  # rows with a daily bar
        self.symbols = np.array([x.symbol for x in listings()])

    @property
    def last_session(self) -> date:
        """The last session with daily bars."""
        return self.model.cal.sessions[-2].astype(date)  # type: ignore[no-any-return]

    @property
    def coming_session(self) -> date:
        """The session whose pre-market is known and whose bars are not."""
        return self.model.cal.sessions[-1].astype(date)  # type: ignore[no-any-return]

    @lru_cache(maxsize=1)  # noqa: B019 - markets are few and kept on purpose
    def bars_daily(self) -> pl.DataFrame:
        """Raw bars: symbol, session, open, high, low, close (Float64), volume (Int64)."""
        m, rows = self.model, self.rows
        frame = self._long(rows, daily_prices(m, self.seed, rows), np.rint(m.volume[rows]))
        return frame.sort("symbol", "session")

    def _long(
        self, rows: NDArray[np.int64], prices: dict[str, Floats], vol: Floats
    ) -> pl.DataFrame:
        t, n = np.nonzero(self.model.present[rows])
        days = self.model.cal.sessions[rows][t]
        columns: dict[str, object] = {"symbol": self.symbols[n], "session": days}
        columns |= {name: values[t, n] for name, values in prices.items()}
        columns["volume"] = np.maximum(vol[t, n], 1).astype(np.int64)
        return pl.DataFrame(columns).with_columns(pl.col("session").cast(pl.Date))

    @lru_cache(maxsize=2)  # noqa: B019
    def bars_minute(self, *, running: bool = False) -> pl.DataFrame:
        """Minute bars: symbol, ts_et (naive Eastern), open … close, volume, session (phase).

        `running` adds the regular minutes of the coming session, for a clock to tell.
        """
        recent = self.rows[-25:]
        everything = np.append(recent, self.model.cal.coming)
        daily = daily_prices(self.model, self.seed, everything)
        return minute_bars(self.model, self.seed, everything, daily, running=running)

    def corporate_actions(self) -> pl.DataFrame:
        """Splits, dividends, spin-offs and delistings inside the window."""
        m = self.model
        parts = [
            self._actions("split", m.split != 1.0, ratio=m.split),
            self._actions("dividend", m.dividend > 0, amount=m.dividend),
            self._actions("spinoff", m.spinoff, amount=m.prior_close * 0.18),
            self._delistings(),
        ]
        return pl.concat(parts).sort("symbol", "ex_date", "kind")

    def _actions(
        self,
        kind: str,
        where: NDArray[np.bool_],
        ratio: Floats | None = None,
        amount: Floats | None = None,
    ) -> pl.DataFrame:
        rows = np.append(self.rows, self.model.cal.coming)  # the coming ex-dates are announced
        first, last = life(self.seed, self.model.cal)
        alive = (rows[:, None] > first) & (rows[:, None] <= last)
        t, n = np.nonzero(np.asarray(where[rows] & alive))
        sessions = self.model.cal.sessions[rows][t]
        cells = {"ratio": ratio, "amount": amount}
        values = {
            k: pl.lit(None, pl.Float64) if v is None else pl.Series(np.round(v[rows][t, n], 4))
            for k, v in cells.items()
        }
        cash = amount is not None
        return pl.DataFrame({"symbol": self.symbols[n], "ex_date": sessions}).select(
            "symbol",
            pl.col("ex_date").cast(pl.Date),
            pl.lit(kind).alias("kind"),
            *(v.alias(k) for k, v in values.items()),
            pl.lit("USD" if cash else None, pl.String).alias("currency"),
            pl.lit("simulated").alias("note"),
        )

    def _delistings(self) -> pl.DataFrame:
        _, last = life(self.seed, self.model.cal)
        gone = np.flatnonzero((last >= self.rows[0]) & (last < self.model.cal.coming))
        return pl.DataFrame(
            {"symbol": self.symbols[gone], "ex_date": self.model.cal.sessions[last[gone] + 1]}
        ).select(
            "symbol",
            pl.col("ex_date").cast(pl.Date),
            pl.lit("delisting").alias("kind"),
            pl.lit(None, pl.Float64).alias("ratio"),
            pl.lit(None, pl.Float64).alias("amount"),
            pl.lit(None, pl.String).alias("currency"),
            pl.lit("simulated").alias("note"),
        )

    def universe(self) -> pl.DataFrame:
        """Every symbol with bars in the window: name, sector, industry, exchange, cik."""
        seen = np.atleast_1d(self.model.present[self.rows].any(axis=0))
        rows = [
            (x.symbol, x.name, x.sector, x.industry, x.exchange, x.cik)
            for x in listings()
            if seen[x.slot]
        ]
        names = ("symbol", "name", "sector", "industry", "exchange", "cik")
        return pl.DataFrame(rows, schema=list(names), orient="row").sort("symbol")


def daily_prices(m: Model, seed: int, rows: NDArray[np.int64]) -> dict[str, Floats]:
    """Open, high, low, close of some rows on the tick grid, low <= open, close <= high."""
    rng_high, rng_low = (np.random.default_rng([seed, side]) for side in (1, 2))
    every = np.arange(rows[-1] + 1)  # drawn from the epoch on, so the past never changes
    up = np.abs(rng_high.standard_normal((len(every), SLOTS)))[rows]
    down = np.abs(rng_low.standard_normal((len(every), SLOTS)))[rows]
    opened, closed, reach = m.open[rows], m.close[rows], 0.45 * m.day_vol[rows]
    high = np.maximum(opened, closed) * np.exp(up * reach)
    low = np.minimum(opened, closed) * np.exp(-down * reach)
    opened, high, low, closed = (on_tick(x) for x in (opened, high, low, closed))
    return {
        "open": opened,
        "high": np.maximum(high, np.maximum(opened, closed)),
        "low": np.minimum(low, np.minimum(opened, closed)),
        "close": closed,
    }


def on_tick(price: Floats) -> Floats:
    """Cents from one dollar up, hundredths of a cent below."""
    return np.where(price >= 1.0, np.round(price, 2), np.maximum(np.round(price, 4), 0.0001))


def big_bars(symbols: int, sessions: int, seed: int = 7) -> pl.DataFrame:
    """Benchmark bars (symbol, session, open … close, volume), sorted; weekdays before 2026."""
    rng = np.random.default_rng(seed)
    shape = (symbols, sessions)
    night = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.008)
    night += (rng.random(shape, dtype=np.float32) < 0.01) * rng.standard_normal(
        shape, dtype=np.float32
    ) * np.float32(0.06)  # fmt: skip
    day = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.016)
    start = np.log(5 + 200 * rng.random((symbols, 1)))
    close = start + np.cumsum(night + day - 0.0002, axis=1, dtype=np.float64)
    opened, close = np.exp(close - day), np.exp(close)
    reach = np.abs(rng.standard_normal(shape, dtype=np.float32)) * np.float32(0.006)
    volume = np.exp(13 + 1.5 * rng.standard_normal((symbols, 1)) + 30 * np.abs(night + day))
    days = np.busday_offset("2026-01-01", np.arange(-sessions, 0), roll="forward")
    names = [f"Z{i:05d}" for i in range(symbols)]
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * (1 + reach),
        "low": np.minimum(opened, close) * (1 - reach),
        "close": close,
    }
    frame = pl.DataFrame({k: np.round(v, 2).ravel() for k, v in columns.items()})
    return frame.select(
        pl.Series("symbol", names).gather(np.repeat(np.arange(symbols), sessions)),
        pl.Series("session", np.tile(days, symbols)).cast(pl.Date),
        *columns,
        pl.Series("volume", volume.ravel().astype(np.int64)),
    )
