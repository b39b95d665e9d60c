"""The prints of a session under way: minutes before the open, and the first regular ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from core.domain.gaps.premarket import MIXED_BASES, Morning
from core.domain.tables.frames import BARS_MINUTE
from core.store.journal import Reader

_MINUTES = ", ".join(BARS_MINUTE.columns)
_SESSION = timedelta(hours=6, minutes=30)
_OPENS = """
SELECT symbol, arg_min(open, ts) AS open_print, min(ts) AS open_at FROM bars_minute
WHERE phase = 'regular' AND ts >= $opens AND ts < $ends AND ts + INTERVAL 1 MINUTE <= $now
  AND ($symbols::VARCHAR[] IS NULL OR list_contains($symbols::VARCHAR[], symbol))
  AND low > 0 AND open BETWEEN low AND high AND high <= low * $mixed AND volume > 0
GROUP BY symbol ORDER BY symbol
"""


_SOUND = "low > 0 AND high >= low AND high <= low * $mixed AND volume > 0"  # premarket's, in SQL
_ANY = f"""
SELECT count(*) FROM (SELECT 1 FROM bars_minute WHERE phase = 'pre' AND ts >= $start
  AND ts < $end AND ts + INTERVAL 1 MINUTE <= $end AND {_SOUND} LIMIT 1)
"""
_VOLUMES = f"""
WITH days AS (SELECT unnest($days) AS day, unnest($starts) AS starts, unnest($ends) AS ends)
SELECT symbol, day, sum(volume) AS volume
FROM bars_minute JOIN days ON epoch_us(ts) // 86400000000 = epoch_us(ends) // 86400000000
WHERE phase = 'pre' AND ts >= $first AND ts < $last AND ts >= starts AND ts < ends AND {_SOUND}
GROUP BY symbol, day
"""


def any_sound(reader: Reader, start: datetime, end: datetime) -> bool:
    """Whether a sound pre-market minute starts and ends in [start, end]."""
    asked = {"start": start, "end": end, "mixed": MIXED_BASES}
    return bool(reader.read(_ANY, asked).item())


def minutes(reader: Reader, start: datetime, end: datetime) -> pl.DataFrame:
    """Pre-market minutes of all names that start in [start, end): all but where they came from."""
    return reader.read(
        "SELECT symbol, ts, open, high, low, close, volume, phase FROM bars_minute "
        "WHERE phase = 'pre' AND ts >= ? AND ts < ?",
        [start, end],
    )


def volumes(reader: Reader, mornings: Sequence[Morning]) -> pl.DataFrame:
    """symbol, day, volume of the sound minutes of earlier mornings, each within one day of UTC."""
    return reader.read(
        _VOLUMES,
        {
            "days": [morning.day for morning in mornings],
            "starts": [morning.starts for morning in mornings],
            "ends": [morning.ends for morning in mornings],
            "first": mornings[0].starts,
            "last": mornings[-1].ends,
            "mixed": MIXED_BASES,
        },
    )


def opens(
    reader: Reader, begins: datetime, now: datetime, symbols: Sequence[str] | None = None
) -> pl.DataFrame:
    """symbol, open_print, open_at: the open of the first sound regular minute ended by `now`, of
    all names or of some.
    """
    return reader.read(
        _OPENS,
        {
            "opens": begins,
            "ends": begins + _SESSION,
            "now": now,
            "symbols": None if symbols is None else list(symbols),
            "mixed": MIXED_BASES,
        },
    )


def minutes_of(
    reader: Reader, symbols: Sequence[str], start: datetime, end: datetime
) -> pl.DataFrame:
    """Pre-market minutes (BARS_MINUTE) of some names that start in [start, end), in order."""
    return reader.read(
        f"SELECT {_MINUTES} FROM bars_minute WHERE phase = 'pre' AND symbol IN (SELECT unnest(?)) "
        "AND ts >= ? AND ts < ? ORDER BY symbol, ts",
        [list(symbols), start, end],
    )


def whole_day(
    reader: Reader, symbols: Sequence[str], start: datetime, end: datetime
) -> pl.DataFrame:
    """Every sound minute (BARS_MINUTE) of some names that starts in [start, end), of all phases."""
    return reader.read(
        f"SELECT {_MINUTES} FROM bars_minute WHERE symbol IN (SELECT unnest(?)) "
        "AND ts >= ? AND ts < ? "
        "AND low > 0 AND open BETWEEN low AND high AND close BETWEEN low AND high "
        "AND high <= low * ? ORDER BY symbol, ts",
        [list(symbols), start, end, MIXED_BASES],
    )
