"""What like gaps did: outcomes in R of the same kind of trade before the session, all names."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from core.domain.trading.plan_facts import SUSPECT_GAP_PCT
from core.domain.trading.trade_stats import GAP_BUCKETS
from core.service.cache import DERIVED, SingleFlightCache
from core.service.gaps.market_view import MarketView
from core.store import scans as store
from core.store.scans import SOUND, closed_days

if TYPE_CHECKING:
    from core.service.desk import Desk

BARS = "bars_daily"
_MOVES = f"""
WITH moves AS (
    SELECT symbol, session, open, high, low, close,
           (open / lag(close) OVER (PARTITION BY symbol ORDER BY session) - 1) * 100 AS gap_pct
    FROM {BARS} WHERE session < $session AND {SOUND}
        AND NOT list_contains($closed::DATE[], session)
)
SELECT open, high, low, close FROM moves
WHERE abs(gap_pct) >= $low AND abs(gap_pct) < $high AND sign(gap_pct) = $side
ORDER BY session, symbol  -- sums of the same numbers in the same order: the same to the last digit
"""
_kept = SingleFlightCache(8)  # moves of one size and side: the bars before a session, all morning


def outcomes(desk: Desk, view: MarketView, direction: str, stop: float) -> pl.Series:
    """R of every like gap (same size bucket and side) before the session; empty without a gap.

    `stop` is the stop distance over the entry. Entry is at the open, out at the stop when the
    session's range touches it, else at the close. Splits on record are few among them; moves beyond
    45 % are left out as suspected ones.
    """
    gap = view.facts.gap_pct
    if not gap:
        return pl.Series("r", [], dtype=pl.Float64)
    moves = _moves(desk, view.session, _bounds(abs(gap)), 1 if gap > 0 else -1)
    opened, sign = pl.col("open"), 1 if direction == "long" else -1
    if sign == 1:
        stopped = pl.col("low") <= opened * (1 - stop)
    else:
        stopped = pl.col("high") >= opened * (1 + stop)
    kept = (pl.col("close") / opened - 1) * sign / stop
    return moves.select(r=pl.when(stopped).then(-1.0).otherwise(kept))["r"].drop_nulls()


def _moves(desk: Desk, session: date, sizes: tuple[float, float], side: int) -> pl.DataFrame:
    """The bars of all gaps of a size (percent) and side before a session; made anew when daily bars
    have come in, not with each minute's prints: that looks through all bars.
    """
    given = {"session": session, "low": sizes[0], "high": sizes[1], "side": side}
    key = (*_version(desk), *given.values())
    house = desk.warehouse
    return _kept.get(
        key,
        lambda: house.read_anew(_MOVES, given | {"closed": closed_days(house, BARS)}).rechunk(),
    )


def _version(desk: Desk) -> tuple[object, ...]:
    names = [item.name for item in desk.catalogue.datasets.values() if item.table == BARS]
    key = (*desk.store_state, "like gaps")
    version = DERIVED.get(key, lambda: store.past_version(desk.warehouse, BARS, names))
    return (desk.store_identity, *version)


def _bounds(size: float) -> tuple[float, float]:
    edges = (0.0, *GAP_BUCKETS, SUSPECT_GAP_PCT)
    return next(
        ((low, high) for low, high in pairwise(edges) if low <= size < high),
        (SUSPECT_GAP_PCT, SUSPECT_GAP_PCT),
    )
