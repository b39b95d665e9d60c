"""Returns, prices and volumes of the simulated market as arrays (sessions x slots).

A market factor and sector factors with clustered volatility, own shocks with fat tails, news that
gaps the open, volume that follows season, movement and news. The time loop is over sessions; slots
are vectors. Each matter draws from its own stream session by session, so a later `as_of` prolongs
the market and leaves its past alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.sandbox.market.names import COVERED, INDEX, SECTORS, SLOTS, listings
from core.sandbox.market.news import Bools, Floats, Ints, NewsRows, news, stream
from core.sandbox.market.sessions import Calendar, calendar

FIXED = 520  # slots listed all along; the rest list at two a quarter
SPLITS = np.array([2.0, 3.0, 4.0, 5.0, 10.0])
REVERSE = np.array([0.1, 0.05, 0.125, 0.2])
DAY = 252.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What stays the same about each slot (vectors of length SLOTS)."""

    sector: Ints
    beta: Floats
    daily_vol: Floats
    price: Floats  # at the epoch
    shares: Floats  # outstanding at the epoch
    turnover: Floats  # share of the company that trades on a usual day
    illiquid: Bools
    split_above: Floats
    dividend_yield: Floats  # 0 for those that pay none


@dataclass(frozen=True, slots=True)
class Model:
    """The unrounded market, shape (sessions, slots); the last row is the coming session.

    `open` and `close` are on the share basis of their session; `factor` is shares of that session
    per share at the epoch; `split` is the ratio that takes effect at the open (1.0: none);
    `dividend` the cash that leaves at the open. In the last row only `open` is meant to be seen.
    """

    cal: Calendar
    traits: Traits
    news: NewsRows
    open: Floats
    close: Floats
    prior_close: Floats  # of the session before, on the share basis of this one
    day_vol: Floats
    volume: Floats
    factor: Floats
    split: Floats
    dividend: Floats
    spinoff: Bools
    present: Bools  # listed, not halted, traded


def traits(seed: int) -> Traits:
    """The lasting traits of every slot."""
    rng = stream(seed, "traits")
    names = list(SECTORS)
    sector = np.array([names.index(x.sector) if x.sector in names else -1 for x in listings()])
    base_vol = np.array([vol for vol, _ in SECTORS.values()])[sector] / np.sqrt(DAY)
    size = rng.standard_normal(SLOTS)
    price = np.exp(3.55 + 0.35 * size + 0.75 * rng.standard_normal(SLOTS))
    illiquid = rng.random(SLOTS) < 0.05
    penny = (rng.random(SLOTS) < 0.03) & (np.arange(SLOTS) > 60)
    price = np.where(penny, 0.3 + 1.6 * rng.random(SLOTS), np.clip(price, 4, 420))
    value = np.exp(21.6 + 1.35 * size) * np.where(penny | illiquid, 0.02, 1.0)
    turnover = np.exp(-5.1 + 0.4 * rng.standard_normal(SLOTS))
    vol = 0.85 * base_vol * np.exp(0.18 * rng.standard_normal(SLOTS) - 0.08 * size)
    vol = vol * np.where(penny, 1.8, 1.0)
    beta = np.clip(0.95 + 0.35 * rng.standard_normal(SLOTS), 0.1, 2.2)
    pays = rng.random(SLOTS) < np.where(base_vol > 0.022, 0.15, 0.65)
    dividend = np.where(pays & ~penny, 0.008 + 0.03 * rng.random(SLOTS), 0.0)
    above = np.exp(4.75 + 0.9 * rng.random(SLOTS))
    for array, at_index in ((price, 310.0), (value, 4e11), (vol, 0.0004), (beta, 1.0)):
        array[INDEX] = at_index
    covered = slice(1, COVERED + 1)  # the companies with filings are worth scanning
    value[covered], illiquid[covered] = np.clip(value[covered] * 3, 1.2e9, None), False
    turnover[INDEX], illiquid[INDEX], above[INDEX], dividend[INDEX] = 0.012, False, 1e9, 0.013
    turnover = turnover * np.where(illiquid, 0.06, 1.0)
    return Traits(
        sector.astype(np.int64), beta, vol, price, np.round(value / price, -3), turnover,
        illiquid, above, dividend,
    )  # fmt: skip


@lru_cache(maxsize=2)
def model(seed: int, as_of: date) -> Model:
    """The market from the epoch to the coming session; about 1,700 x 640 cells in 2026."""
    cal = calendar(as_of)
    who = traits(seed)
    happened = news(seed, cal)
    shocks = _Shocks(seed, cal, who, happened)
    paths = _walk(cal, who, shocks)
    present = _present(seed, cal, who)
    return Model(cal=cal, traits=who, news=happened, present=present, **paths)


STIR, MOST_STIR = 20.0, 1.3  # how much wider a session swings by its jump, and at most


class _Shocks:
    """All random input of the walk, drawn at once."""

    def __init__(self, seed: int, cal: Calendar, who: Traits, happened: NewsRows) -> None:
        n = len(cal.sessions)
        shape = (n, SLOTS)
        market = stream(seed, "market").standard_t(5, (n, 2)) * np.sqrt(3 / 5)
        self.market = np.clip(market, -3.2, 3.2)
        sectors = stream(seed, "sectors").standard_normal((n, 2, len(SECTORS)))
        sectors = np.concatenate([sectors, np.zeros((n, 2, 1))], axis=2)  # the fund's own: none
        self.sector = sectors[:, :, who.sector] * 0.0045
        self.night = stream(seed, "night").standard_t(5, shape) * np.sqrt(3 / 5)
        self.day = stream(seed, "day").standard_t(6, shape) * np.sqrt(4 / 6)
        self.noise = stream(seed, "volume").standard_normal(shape)
        self.luck = stream(seed, "luck").random((n, 3, SLOTS))
        self.jump = np.zeros(shape)
        scale = np.clip(who.daily_vol[happened.slot] / 0.017, 0.45, 1.8)
        # names with filings make most of the news, so that a gap mostly has a story to read
        scale = scale * np.where(happened.slot <= COVERED, 1.3, 0.6)
        np.add.at(self.jump, (happened.gap_row, happened.slot), happened.jump * scale)
        self.pay_day = _pay_days(seed, cal)
        self.season = _season(cal)


def _pay_days(seed: int, cal: Calendar) -> Bools:
    """Ex-dividend sessions: every 63 sessions, each slot at its own time."""
    phase = stream(seed, "pay").integers(0, 63, SLOTS)
    return np.asarray((np.arange(len(cal.sessions))[:, None] + phase[None, :]) % 63 == 0)


def _season(cal: Calendar) -> Floats:
    """Volume by weekday, month, expiry Friday and early close; shape (sessions,)."""
    days = cal.sessions
    weekday = (days.astype(np.int64) + 3) % 7
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    factor = np.array([0.96, 1.0, 1.02, 1.02, 1.0, 1.0, 1.0])[weekday]
    quiet = np.array([1.06, 1.05, 1.08, 1.0, 1.0, 0.98, 0.93, 0.86, 1.0, 1.06, 1.04, 0.92])
    expiry = (weekday == 4) & (of_month >= 15) & (of_month <= 21)
    quarterly = expiry & np.isin(month, (2, 5, 8, 11))
    factor = factor * quiet[month] * np.where(expiry, 1.15, 1.0) * np.where(quarterly, 1.45, 1.0)
    factor = factor * np.where((month == 11) & (of_month >= 24), 0.68, 1.0)
    return np.asarray(factor * np.where(cal.early_close, 0.45, 1.0), dtype=np.float64)


def _walk(cal: Calendar, who: Traits, rnd: _Shocks) -> dict[str, NDArray[Any]]:
    """Step through the sessions; each state is one vector over the slots."""
    n = len(cal.sessions)
    keys = ("open", "close", "prior_close", "day_vol", "volume", "factor", "split", "dividend")
    out: dict[str, NDArray[Any]] = {key: np.empty((n, SLOTS)) for key in keys}
    out["spinoff"] = np.zeros((n, SLOTS), dtype=bool)
    state = _State(who)
    for t in range(n):
        state.step(t, rnd)
        for key, rows in out.items():
            rows[t] = getattr(state, key)
    return out


class _State:
    """The moving part of the market."""

    def __init__(self, who: Traits) -> None:
        self.who = who
        self.market_var = 0.009**2
        self.var = who.daily_vol**2
        self.excess = np.ones(SLOTS)  # own volume against the usual, fades over days
        self.mood = np.zeros(SLOTS)
        self.factor = np.ones(SLOTS)
        self.close = who.price.copy()
        self.anchor = np.log(who.price)

    def step(self, t: int, rnd: _Shocks) -> None:
        self._actions(t, rnd)
        night, day = self._returns(t, rnd)
        self.open = (self.prior_close - self.dividend) * np.exp(night)
        self.close = self.open * np.exp(day)
        self._volume(t, rnd, night + day)

    def _actions(self, t: int, rnd: _Shocks) -> None:
        """Splits, dividends and spin-offs that take effect at this open."""
        luck, price = rnd.luck[t], self.close
        forward = (price > self.who.split_above) & (luck[0] < 0.03)
        target = np.minimum(price / 62.0, 10.0)
        ratio = SPLITS[np.clip(np.searchsorted(SPLITS, target, side="right") - 1, 0, 4)]
        reverse = (price < 1.1) & (luck[0] < 0.004)
        small = REVERSE[(luck[1] * len(REVERSE)).astype(np.int64)]
        self.split = np.where(forward, ratio, np.where(reverse, small, 1.0))
        self.factor = self.factor * self.split
        self.prior_close = price / self.split
        cash = np.round(self.prior_close * self.who.dividend_yield / 4, 2)
        self.dividend = np.where(rnd.pay_day[t], cash, 0.0)
        self.spinoff = (luck[2] < 1.2e-5) & (self.who.beta < 2) & (np.arange(SLOTS) > 60)

    def _returns(self, t: int, rnd: _Shocks) -> tuple[Floats, Floats]:
        own = np.sqrt(self.var)
        swing = np.sqrt(self.market_var)
        common = rnd.market[t] * swing * np.array([0.36, 0.88])
        level = np.log(self.prior_close * self.factor) - self.anchor - 0.05 / DAY * t
        pull = np.clip(-0.0025 * level, -0.004, 0.004)
        heat = swing / 0.009
        off = np.where(self.spinoff, np.log(0.82), 0.0)
        night = self.who.beta * common[0] + 0.4 * heat * rnd.sector[t, 0]
        night = night + own * 0.33 * rnd.night[t] + rnd.jump[t] + off
        drift = 0.12 * rnd.jump[t] + pull + 0.0003
        stir = 1.0 + np.minimum(STIR * np.abs(rnd.jump[t]), MOST_STIR)  # news is fought over
        day = self.who.beta * common[1] + 0.8 * heat * rnd.sector[t, 1]
        day = day + own * 0.9 * stir * rnd.day[t]
        self.day_vol = np.sqrt(self.var * 0.81 * stir**2 + (self.who.beta * swing * 0.85) ** 2)
        self._heat(own, rnd, t, common)
        return night, day + drift

    def _heat(self, own: Floats, rnd: _Shocks, t: int, common: Floats) -> None:
        """Volatility clusters: each variance leans on its last shock (GARCH 1,1)."""
        total = float(common.sum())
        self.market_var = 4.2e-6 + 0.11 * total**2 + 0.87 * self.market_var
        self.market_var = min(self.market_var, 0.028**2)
        shock = (own * 0.9 * rnd.day[t]) ** 2 + (own * 0.33 * rnd.night[t]) ** 2
        shock = shock + 0.35 * rnd.jump[t] ** 2
        usual = self.who.daily_vol**2
        self.var = np.minimum(0.05 * usual + 0.10 * shock + 0.85 * self.var, 25 * usual)

    def _volume(self, t: int, rnd: _Shocks, move: Floats) -> None:
        jump = np.abs(rnd.jump[t])
        self.excess = np.maximum(1.0 + 0.45 * (self.excess - 1.0), 1.0 + np.minimum(38 * jump, 9.0))
        self.mood = 0.55 * self.mood + 0.26 * rnd.noise[t]
        surprise = np.minimum(np.abs(move) / np.maximum(self.day_vol, 1e-4), 5.0)
        usual = self.who.shares * self.factor * self.who.turnover * rnd.season[t]
        self.volume = usual * self.excess * np.exp(self.mood - 0.15 + 0.18 * surprise)


def _present(seed: int, cal: Calendar, who: Traits) -> Bools:
    """Where a bar exists: listed, not halted, and with at least one trade."""
    n = len(cal.sessions)
    rows = np.arange(n)[:, None]
    first, last = life(seed, cal)
    listed = (rows >= first) & (rows <= last)
    draws = stream(seed, "halts").random((n, 2, SLOTS))
    start = draws[:, 0] < 0.00012
    length = 1 + (draws[:, 1] * 5).astype(np.int64)
    halted = np.zeros((n, SLOTS), dtype=bool)
    for days in range(1, 6):  # a halt of k sessions marks the k rows from its start
        halted[days - 1 :] |= (start & (length >= days))[: n - days + 1]
    halted |= who.illiquid & (draws[:, 1] < 0.03)
    halted[:, INDEX] = False
    return np.asarray(listed & ~halted)


def life(seed: int, cal: Calendar) -> tuple[Ints, Ints]:
    """First and last row of each slot: two listings and one delisting a quarter."""
    rng = stream(seed, "life")
    day = rng.integers(0, 90, SLOTS)
    quarter = (np.arange(SLOTS) - FIXED) // 2
    first = np.datetime64("2020-01-02") + np.where(quarter >= 0, quarter * 91 + day, 0)
    last = np.full(SLOTS, np.datetime64("2200-01-01"))
    leaving = 400 + rng.permutation(FIXED - 400)
    last[leaving] = np.datetime64("2020-04-01") + np.arange(len(leaving)) * 91 + day[leaving] // 2
    rows = np.searchsorted(cal.sessions, np.stack([first, last]))
    return rows[0].astype(np.int64), rows[1].astype(np.int64)
