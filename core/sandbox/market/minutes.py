"""One-minute bars that agree with the daily ones, with pre-market and after-hours.

Times are Eastern wall-clock times (as vendors deliver them), so summer time is right by itself.
Regular minutes open at the day's open, touch its high and low and close at its close; the volumes
of pre-market, session and after-hours add up to the day's volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.sandbox.market.model import Model
from core.sandbox.market.names import COVERED, SLOTS, listings
from core.sandbox.market.news import Floats, Ints, stream

ACTIVE = 40  # symbols with full minute bars
FULL_SESSIONS = 5  # the last sessions, of which all minutes are served
PRE_SESSIONS = 20  # the last sessions, of which the pre-market is served
PRE_OPEN, OPEN, PRE_MINUTES, POST_MINUTES = 4 * 60, 9 * 60 + 30, 330, 240


@dataclass(frozen=True, slots=True)
class Cells:
    """One row per symbol and session to be drawn; `price` maps open … close to vectors."""

    slot: Ints
    row: Ints
    minutes: Ints  # of the regular session: 390, 210 before a holiday
    price: dict[str, Floats]
    prior: Floats
    volume: Floats
    next_jump: Floats  # news after the close: log return of the next open
    news_second: Ints  # acceptance before the open of this session; 0 when none


def minute_bars(
    m: Model, seed: int, rows: Ints, daily: dict[str, Floats], *, running: bool = False
) -> pl.DataFrame:
    """symbol, ts_et, open, high, low, close, volume, session for the last sessions of `rows`.

    `rows` ends with the coming session, which gets its pre-market, and (`running`) the regular
    minutes that a clock then tells one by one; `daily` holds the rounded prices of `rows`.
    """
    slots = chosen(m)
    parts = []
    for row in rows[-PRE_SESSIONS - 1 :]:
        cells = _cells(m, rows, daily, slots, np.array([row]))
        parts.append(_Draw(seed, m, row, "pre", cells).pre(cells))
        past = rows[-1] > row >= rows[-1] - FULL_SESSIONS
        if past or (running and row == rows[-1]):
            parts.append(_Draw(seed, m, row, "regular", cells).regular(cells))
        if past:
            parts.append(_Draw(seed, m, row, "post", cells).post(cells))
    names = pl.Series("symbol", [x.symbol for x in listings()])
    days = pl.Series("day", m.cal.sessions.astype("datetime64[us]"))
    frame = pl.concat(parts).filter(pl.col("volume") > 0)
    return frame.select(
        names.gather(frame["slot"]),
        (days.gather(frame["row"]) + pl.duration(minutes=pl.col("minute"))).alias("ts_et"),
        *(pl.Series(c, _tick(frame[c].to_numpy())) for c in ("open", "high", "low", "close")),
        "volume",
        "session",
    ).sort("symbol", "ts_et")


def chosen(m: Model) -> Ints:
    """The most traded slots (half of them with filings) and those with news for the next open."""
    value = np.where(m.present[-21:-1], m.close[-21:-1] * m.volume[-21:-1], 0.0).mean(axis=0)
    order = np.argsort(-value, kind="stable")
    covered = order[(order >= 1) & (order <= COVERED)][: ACTIVE // 2]
    others = order[order > COVERED][: ACTIVE // 2 - 1]
    fresh = m.news.slot[m.news.gap_row == m.cal.coming]
    return np.unique(np.concatenate([[0], covered, others, fresh])).astype(np.int64)


def _cells(m: Model, rows: Ints, daily: dict[str, Floats], slots: Ints, wanted: Ints) -> Cells:
    at = np.searchsorted(rows, wanted)
    t, n = np.meshgrid(at, slots, indexing="ij")
    here = m.present[rows[t], n]
    t, n = t[here], n[here]
    row = rows[t]
    after = np.minimum(row + 1, m.cal.coming)
    jump = np.log(m.open[after, n] / m.prior_close[after, n])
    jump = np.where(after > row, jump, 0.0)
    return Cells(
        slot=n,
        row=row,
        minutes=np.where(m.cal.early_close[row], 210, 390),
        price={k: v[t, n] for k, v in daily.items()},
        prior=m.prior_close[row, n],
        volume=np.rint(m.volume[row, n]),
        next_jump=np.where(_second(m, after, n, late=True) > 0, jump, 0.0),
        news_second=_second(m, row, n, late=False),
    )


def _second(m: Model, row: Ints, slot: Ints, late: bool) -> Ints:
    """Second of the day at which the news behind a gap came; 0 where there was none."""
    table = np.zeros((len(m.cal.sessions), len(listings())), dtype=np.int64)
    mine = m.news.after_close.astype(bool) == late
    table[m.news.gap_row[mine], m.news.slot[mine]] = m.news.second[mine]
    return np.asarray(table[row, slot])


class _Draw:
    """Draws one phase of one session; arrays are (cells, minutes of the phase).

    Numbers are drawn for every slot and the wanted ones picked: which symbols are served does not
    change anybody's bars.
    """

    def __init__(self, seed: int, m: Model, row: int, phase: str, cells: Cells) -> None:
        self.rng = stream(seed, f"{phase} {m.cal.sessions[row]}")
        self.slots = cells.slot

    def _normal(self, k: int) -> Floats:
        return np.asarray(self.rng.standard_normal((SLOTS, k))[self.slots])

    def pre(self, c: Cells) -> pl.DataFrame:
        minute = np.arange(PRE_MINUTES)
        clock = (PRE_OPEN + minute)[None, :] * 60
        known = clock >= c.news_second[:, None]  # all of the night's move, or none before news
        gap = np.log(c.price["open"] / c.prior)[:, None]
        settled = np.where(known, 1.0, 0.12) * np.where(c.news_second[:, None] > 0, 1.0, 0.8)
        wobble = self._bridge(PRE_MINUTES) * 0.0025 * (1 + 6 * np.abs(gap))
        close = c.prior[:, None] * np.exp(gap * settled + wobble)
        close[:, -8:] = c.price["open"][:, None] * np.exp(wobble[:, -8:] * 0.3)
        heat = (1 + 25 * np.abs(gap)) * np.where(known, 1.0, 0.25)
        shape = (0.25 + (minute / PRE_MINUTES) ** 3)[None, :] * heat
        share = np.clip(0.004 + 0.35 * np.abs(gap), 0, 0.06)
        return self._thin(c, close, shape, share, PRE_OPEN + minute[None, :], "pre")

    def post(self, c: Cells) -> pl.DataFrame:
        minute = np.arange(POST_MINUTES)
        known = minute[None, :] >= 8
        move = np.where(known, 0.85, 0.0) * c.next_jump[:, None]
        wobble = self._bridge(POST_MINUTES) * 0.002
        close = c.price["close"][:, None] * np.exp(move + wobble)
        heat = 1 + 30 * np.abs(c.next_jump)[:, None]
        shape = np.exp(-minute / 60)[None, :] * heat
        share = np.clip(0.006 + 0.3 * np.abs(c.next_jump), 0, 0.05)[:, None]
        start = (OPEN + c.minutes)[:, None] + minute[None, :]
        return self._thin(c, close, shape, share, start, "post")

    def regular(self, c: Cells) -> pl.DataFrame:
        n, k = len(c.slot), 390
        minute = np.arange(k)
        inside = minute[None, :] < c.minutes[:, None]
        reach = np.log(c.price["high"] / c.price["low"])[:, None]
        t = np.minimum((minute + 1)[None, :] / c.minutes[:, None], 1.0)
        walk = np.cumsum(self._normal(k), axis=1)
        end = walk[np.arange(n), c.minutes - 1][:, None]
        walk = (walk - t * end) * reach * 0.022
        line = np.log(c.price["open"])[:, None] * (1 - t) + np.log(c.price["close"])[:, None] * t
        low, high = c.price["low"][:, None], c.price["high"][:, None]
        close = np.clip(np.exp(line + walk), low, high)
        close[np.arange(n), c.minutes - 1] = c.price["close"]
        close = _tick(close)
        opened = np.concatenate([c.price["open"][:, None], close[:, :-1]], axis=1)
        bars = self._spread(opened, close, 0.05 * reach, low, high)
        self._touch(bars, inside, c)
        return self._frame(c, bars, self._day_volume(c, inside), OPEN + minute[None, :], "regular")

    def _spread(
        self, opened: Floats, close: Floats, reach: Floats, low: Floats, high: Floats
    ) -> dict[str, Floats]:
        up, down = (np.abs(self._normal(close.shape[1])) * reach for _ in range(2))
        top = np.minimum(np.maximum(opened, close) * np.exp(up), high)
        bottom = np.maximum(np.minimum(opened, close) * np.exp(-down), low)
        return {"open": opened, "high": top, "low": bottom, "close": close}

    def _touch(self, bars: dict[str, Floats], inside: NDArray[np.bool_], c: Cells) -> None:
        """The highest minute touches the day's high, the lowest its low."""
        cell = np.arange(len(c.slot))
        bars["high"][cell, np.where(inside, bars["high"], -np.inf).argmax(axis=1)] = c.price["high"]
        bars["low"][cell, np.where(inside, bars["low"], np.inf).argmin(axis=1)] = c.price["low"]

    def _day_volume(self, c: Cells, inside: NDArray[np.bool_]) -> Floats:
        """94 % of the day's volume over its minutes, U-shaped."""
        k = np.arange(390)[None, :] / c.minutes[:, None]
        shape = (0.55 + 1.9 * (k - 0.55) ** 2 + 2.2 * np.exp(-k * 18)) * inside
        shape = shape * np.exp(0.45 * self._normal(shape.shape[1]))
        shape = shape / shape.sum(axis=1, keepdims=True)
        spare = np.clip(0.004 + 0.35 * np.abs(np.log(c.price["open"] / c.prior)), 0, 0.06)
        spare = spare + np.clip(0.006 + 0.3 * np.abs(c.next_jump), 0, 0.05)
        return np.asarray(np.floor(c.volume[:, None] * (1 - spare[:, None]) * shape))

    def _thin(
        self, c: Cells, close: Floats, shape: Floats, share: Floats, minute: Ints, phase: str
    ) -> pl.DataFrame:
        """A phase in which only some minutes trade."""
        busy = np.clip(np.log10(np.maximum(c.volume, 10))[:, None] - 4.2, 0.15, 3.5)
        k = close.shape[1]
        trades = self.rng.random((SLOTS, k))[self.slots] < np.clip(0.16 * busy * shape, 0.01, 0.97)
        trades[:, -1] |= phase == "pre"  # the last minute before the open always prints
        weight = trades * shape * np.exp(0.9 * self._normal(k))
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
        volume = np.floor(c.volume[:, None] * share * weight / total)
        volume = np.where(trades, np.maximum(volume, 1), 0)
        step = np.abs(np.stack([self._normal(k), self._normal(k)])) * 0.0006
        opened = close * np.exp(step[0] - 0.0005)
        bars = {
            "open": opened,
            "high": np.maximum(opened, close) * (1 + step[1]),
            "low": np.minimum(opened, close) * (1 - step[0]),
            "close": close,
        }
        return self._frame(c, bars, volume, np.broadcast_to(minute, close.shape), phase)

    def _bridge(self, k: int) -> Floats:
        """Random walks that end at zero, of unit size."""
        walk = np.cumsum(self._normal(k), axis=1) / np.sqrt(k)
        return np.asarray(walk - walk[:, -1:] * np.arange(1, k + 1) / k)

    def _frame(
        self, c: Cells, bars: dict[str, Floats], volume: Floats, minute: Ints, phase: str
    ) -> pl.DataFrame:
        i, j = np.nonzero(volume > 0)
        minute = np.broadcast_to(minute, volume.shape)
        return pl.DataFrame(
            {
                "slot": c.slot[i],
                "row": c.row[i],
                "minute": minute[i, j],
                **{k: v[i, j] for k, v in bars.items()},
                "volume": volume[i, j].astype(np.int64),
                "session": np.full(len(i), phase),
            }
        )


def _tick(price: Floats) -> Floats:
    return np.where(price >= 1.0, np.round(price, 2), np.round(price, 4))
