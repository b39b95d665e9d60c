"""The prints of a session under way: minutes before the open, and the first regular ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from core.domain.gaps.premarket import MIXED_BASES
from core.domain.tables.frames import BARS_MINUTE
from core.store.journal import Reader

_MINUTES = ", ".join(BARS_MINUTE.columns)
_SESSION = timedelta(hours=6, minutes=30)
_OPENS = """
SELECT symbol, arg_min(open, ts) AS open_print, min(ts) AS open_at FROM bars_minute
WHERE phase = 'regular' AND ts >= $opens AND ts < $ends AND ts + INTERVAL 1 MINUTE <= $now
  AND ($symbol IS NULL OR symbol = $symbol)
  AND low > 0 AND open BETWEEN low AND high AND high <= low * $mixed AND volume > 0
GROUP BY symbol ORDER BY symbol
"""


def opens(
    reader: Reader, begins: datetime, now: datetime, symbol: str | None = None
) -> pl.DataFrame:
    """symbol, open_print, open_at: the open of the first sound regular minute ended by `now`."""
    return reader.read(
        _OPENS,
        {
            "opens": begins,
            "ends": begins + _SESSION,
            "now": now,
            "symbol": symbol,
            "mixed": MIXED_BASES,
        },
    )


def minutes_of(reader: Reader, symbol: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Pre-market minutes (BARS_MINUTE) of one name that start in [start, end)."""
    return reader.read(
        f"SELECT {_MINUTES} FROM bars_minute WHERE phase = 'pre' AND symbol = ? "
        "AND ts >= ? AND ts < ? ORDER BY ts",
        [symbol, start, end],
    )


def whole_day(reader: Reader, symbol: str, start: datetime, end: datetime) -> pl.DataFrame:
    """Every sound minute (BARS_MINUTE) of one name that starts in [start, end), of all phases."""
    return reader.read(
        f"SELECT {_MINUTES} FROM bars_minute WHERE symbol = ? AND ts >= ? AND ts < ? "
        "AND low > 0 AND open BETWEEN low AND high AND close BETWEEN low AND high "
        "AND high <= low * ? ORDER BY ts",
        [symbol, start, end, MIXED_BASES],
    )
