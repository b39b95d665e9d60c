"""What like gaps did: outcomes in R of the same kind of trade before the session, all names."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from core.domain.trading.plan_facts import SUSPECT_GAP_PCT
from core.domain.trading.trade_stats import GAP_BUCKETS
from core.service.gaps.market_view import MarketView
from core.store.journal import Reader
from core.store.scans import SOUND, closed_days

# Entry at the open, out at the stop when the session's range touches it, else at the close.
_OUTCOMES = f"""
WITH moves AS (
    SELECT symbol, session, open, high, low, close,
           (open / lag(close) OVER (PARTITION BY symbol ORDER BY session) - 1) * 100 AS gap_pct
    FROM bars_daily WHERE session < $session AND {SOUND}
        AND NOT list_contains($closed::DATE[], session)
)
SELECT CASE
    WHEN $sign = 1 AND low <= open * (1 - $stop) THEN -1.0
    WHEN $sign = -1 AND high >= open * (1 + $stop) THEN -1.0
    ELSE (close / open - 1) * $sign / $stop END AS r
FROM moves
WHERE abs(gap_pct) >= $low AND abs(gap_pct) < $high AND sign(gap_pct) = $side
ORDER BY session, symbol  -- sums of the same numbers in the same order: the same to the last digit
"""


def outcomes(reader: Reader, view: MarketView, direction: str, stop: float) -> pl.Series:
    """R of every like gap (same size bucket and side) before the session; empty without a gap.

    `stop` is the stop distance over the entry. Splits on record are few among them; moves beyond
    45 % are left out as suspected ones.
    """
    gap = view.facts.gap_pct
    if not gap:
        return pl.Series("r", [], dtype=pl.Float64)
    low, high = _bounds(abs(gap))
    frame = reader.read(
        _OUTCOMES,
        {
            "session": view.session,
            "sign": 1 if direction == "long" else -1,
            "stop": stop,
            "low": low,
            "high": high,
            "side": 1 if gap > 0 else -1,
            "closed": closed_days(reader, "bars_daily"),
        },
    )
    return frame["r"].drop_nulls()


def _bounds(size: float) -> tuple[float, float]:
    edges = (0.0, *GAP_BUCKETS, SUSPECT_GAP_PCT)
    return next(
        ((low, high) for low, high in pairwise(edges) if low <= size < high),
        (SUSPECT_GAP_PCT, SUSPECT_GAP_PCT),
    )
