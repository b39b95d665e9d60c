"""News of the simulated market: what happened, when it was filed, and how far the price gapped.

One stream of random numbers per matter, drawn session by session: a later `as_of` adds news at the
end and changes nothing before it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.sandbox.market.names import COVERED, INDEX, SLOTS
from core.sandbox.market.sessions import Calendar

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# kind of news -> share of it, mean and spread of the gap in percent, 8-K items or form
KINDS: tuple[tuple[str, float, float, float], ...] = (
    ("1.01", 0.34, 3.0, 4.5),
    ("5.02", 0.20, -1.5, 3.0),
    ("8.01", 0.27, 0.5, 4.5),
    ("4.02", 0.02, -13.0, 5.0),
    ("SC 13D", 0.09, 7.0, 3.5),
    ("424B5", 0.08, -7.0, 3.0),
)
EARNINGS = "2.02"
RATE_COVERED = 0.055  # chance of a piece of news per session beside results
RATE_OTHERS = 0.002
QUARTERS = 80


def stream(seed: int, matter: str) -> np.random.Generator:
    """The random stream of one matter."""
    return np.random.default_rng([seed, zlib.crc32(matter.encode())])


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The reporting habits of every slot."""

    month_offset: Ints  # 0: quarters end in March, June …; 1: April …; 2: May …
    lag_days: Ints  # from the end of a quarter to its results
    after_close: Bools  # results after the close of the session before the gap

    def quarter_ends(self, quarters: int = QUARTERS) -> NDArray[np.datetime64]:
        """End of each quarter since the one before the epoch, shape (quarters, slots)."""
        months = np.datetime64("2019-12") + 1 + 3 * np.arange(quarters)[:, None]
        return (months + self.month_offset[None, :]).astype("datetime64[D]") - 1


@dataclass(frozen=True, slots=True)
class NewsRows:
    """One row per piece of news; all arrays have one length."""

    slot: Ints
    gap_row: Ints  # session that opens after the news
    filed_row: Ints  # session of the filing: the gap row, or the one before for after-close news
    kind: NDArray[np.str_]
    after_close: Bools
    second: Ints  # seconds after midnight ET of the acceptance
    jump: Floats  # log return at the open
    quarter: Ints  # quarter of the results; -1 for other news


def rhythm(seed: int) -> Rhythm:
    """Reporting habits by slot."""
    rng = stream(seed, "rhythm")
    offset = rng.choice([0, 0, 0, 0, 0, 1, 1, 2], SLOTS)
    lag = rng.integers(16, 37, SLOTS)
    lag[1 : COVERED + 1] = 16 + (lag[1 : COVERED + 1] - 16) * 3 // 4  # their 10-Q comes in time
    return Rhythm(offset.astype(np.int64), lag.astype(np.int64), rng.random(SLOTS) < 0.6)


def news(seed: int, cal: Calendar) -> NewsRows:
    """All news whose gap session lies in the calendar, by gap row and slot."""
    parts = [_results(seed, cal), _others(seed, cal)]
    columns = [np.concatenate(pair) for pair in zip(*parts, strict=True)]
    slot, gap_row, filed_row, kind, after, second, jump, quarter = columns
    seen = gap_row <= cal.coming
    order = np.lexsort((slot, gap_row))
    order = order[seen[order]]
    return NewsRows(
        *(c[order] for c in (slot, gap_row, filed_row, kind, after, second, jump, quarter))
    )


def _results(seed: int, cal: Calendar) -> tuple[NDArray[np.generic], ...]:
    habits = rhythm(seed)
    rng = stream(seed, "results")
    ends = habits.quarter_ends()
    shape = ends.shape
    days = ends + habits.lag_days + rng.integers(0, 4, shape)
    jump = rng.standard_t(4, shape) * 0.042
    second = _seconds(rng.random(shape), np.broadcast_to(habits.after_close, shape))
    quarter, slot = (a.ravel() for a in np.indices(shape))
    after = habits.after_close[slot]
    filed = cal.row(days.ravel())
    keep = (slot != INDEX) & (filed + after > 0)
    cols = (slot, filed + after, filed, np.full(slot.shape, EARNINGS, "U8"), after)
    tail = (second.ravel(), np.clip(jump.ravel(), -0.42, 0.42), quarter)
    return tuple(c[keep] for c in cols + tail)


def _others(seed: int, cal: Calendar) -> tuple[NDArray[np.generic], ...]:
    rng = stream(seed, "others")
    draws = rng.random((len(cal.sessions), 5, SLOTS))
    rate = np.full(SLOTS, RATE_OTHERS)
    rate[1 : COVERED + 1] = RATE_COVERED
    rate[INDEX] = 0.0
    rows, slots = np.nonzero(draws[:, 0] < rate)
    one, two, three, four = (draws[rows, i, slots] for i in range(1, 5))
    which = np.searchsorted(np.cumsum([share for _, share, _, _ in KINDS[:-1]]), one)
    mean, spread = (np.array([kind[i] for kind in KINDS]) for i in (2, 3))
    bell = np.sqrt(-2 * np.log(np.clip(two, 1e-9, 1))) * np.cos(2 * np.pi * three)
    jump = np.clip((mean[which] + spread[which] * bell) / 100, -0.40, 0.40)
    kind = np.array([kind for kind, *_ in KINDS], dtype="U8")[which]
    after = (three * 7 % 1) < 0.55
    filed = np.maximum(rows - after, 0)
    quarter = np.full(rows.shape, -1)
    return slots, rows, filed, kind, after, _seconds(four, after), jump, quarter


def _seconds(uniform: Floats, after_close: Bools) -> Ints:
    """16:03–17:20 ET after the close, 06:15–08:55 before the open."""
    late = 16 * 3600 + 180 + uniform * 4620
    early = 6 * 3600 + 900 + uniform * 9600
    return np.where(after_close, late, early).astype(np.int64)
