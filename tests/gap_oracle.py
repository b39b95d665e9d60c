"""The definitions of gaps written once more, in plain SQL, row by row as the document has them."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from core.domain.gaps import flags

SQL = """
WITH numbered AS (
    SELECT b.*, s.number FROM bars b JOIN sessions s ON s.session = b.session
), judged AS (
    SELECT *, coalesce(open > 0 AND high > 0 AND low > 0 AND close > 0 AND high >= low
        AND open BETWEEN low AND high AND close BETWEEN low AND high AND volume > 0, false) AS sound
    FROM numbered
), based AS (
    SELECT *,
        lag(close) OVER w AS prior_close, lag(high) OVER w AS prior_high,
        lag(low) OVER w AS prior_low, lag(sound) OVER w AS prior_sound,
        lag(number) OVER w AS prior_number,
        count(CASE WHEN sound THEN volume END) OVER back AS n,
        avg(CASE WHEN sound THEN volume END) OVER back AS mean_volume,
        max(CASE WHEN sound THEN high END) OVER back AS high20,
        min(CASE WHEN sound THEN low END) OVER back AS low20,
        number - first_value(number) OVER w AS age
    FROM judged
    WINDOW w AS (PARTITION BY symbol ORDER BY session),
        back AS (PARTITION BY symbol ORDER BY number RANGE BETWEEN 20 PRECEDING AND 1 PRECEDING)
), gaps AS (
    SELECT *, CASE WHEN number - prior_number = 1 THEN (open / prior_close - 1) * 100 END AS gap
    FROM based
)
SELECT symbol, session, gap AS gap_pct,
    CASE WHEN gap IS NULL OR (gap > 0 AND prior_high IS NULL) OR (gap < 0 AND prior_low IS NULL)
            THEN NULL
        WHEN gap > 0 AND open > prior_high THEN 'full_up'
        WHEN gap < 0 AND open < prior_low THEN 'full_down'
        WHEN open > prior_close THEN 'partial_up' WHEN open < prior_close THEN 'partial_down'
        ELSE 'none' END AS gap_type,
    CASE WHEN prior_high > prior_low THEN (open - prior_low) / (prior_high - prior_low) END
        AS range_position,
    CASE WHEN sound AND age >= 20 AND n >= 15 THEN volume / mean_volume END AS rvol,
    CASE WHEN age >= 20 THEN high20 END AS high20, CASE WHEN age >= 20 THEN low20 END AS low20,
    close * volume AS dollar_volume,
    (CASE WHEN sound THEN 0 ELSE 1 END) + (CASE WHEN prior_sound = false THEN 2 ELSE 0 END)
        + (CASE WHEN number - prior_number > 1 THEN 4 ELSE 0 END) AS bar_flags
FROM gaps ORDER BY symbol, session
"""


def in_sql(bars: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Gaps of all bars by the SQL above."""
    with duckdb.connect() as connection:
        connection.register("bars", bars.to_arrow())
        sessions = pl.DataFrame({"session": days}).with_row_index("number")
        connection.register(
            "sessions", sessions.with_columns(pl.col("number").cast(pl.Int64)).to_arrow()
        )
        return connection.sql(SQL).pl()


def average_ranges(bars: pl.DataFrame, days: pl.Series, breaks: pl.DataFrame) -> list[float | None]:
    """Wilder's ATR14 before each bar, bar by bar: no range across an unreal move (`breaks`), which
    changes the units where the close stays, nor across a far one that no volume can judge.
    """
    told = set(breaks.rows())
    answer: list[float | None] = []
    for part in bars.partition_by("symbol", maintain_order=True):
        answer += _of_one_symbol(part, {day: n for n, day in enumerate(days)}, told)
    return answer


def _of_one_symbol(
    bars: pl.DataFrame, number: dict[date, int], told: set[tuple[str, date]]
) -> list[float | None]:
    answer: list[float | None] = []
    base, before, sound_before, seen, average = None, None, False, 0, 0.0
    columns = ("symbol", "session", "open", "high", "low", "close", "volume")
    for symbol, day, opened, high, low, close, volume in bars.select(columns).iter_rows():
        answer.append(average if seen >= 14 else None)
        numbers = (opened, high, low, close, volume)
        sound = None not in numbers and low <= min(opened, close) and volume > 0
        sound = sound and max(opened, close) <= high
        if sound and base is not None:
            follows = sound_before and number[day] == number[before] + 1
            far = not follows and abs(opened / base - 1) >= 0.45
            if far and (day - before).days > 60:
                seen, average = 0, 0.0
            elif far or (symbol, day) in told:
                average *= opened / base if (close - base) / (opened - base) >= 0.5 else 1
            else:
                seen += 1
                span = max(high, base) - min(low, base)
                average += (span - average) / min(seen, 14)
        base, before, sound_before = close if sound else base, day, sound
    return answer


def looking_back(
    bars: pl.DataFrame, days: pl.Series, breaks: pl.DataFrame
) -> list[tuple[float | None, float | None, float | None, date | None]]:
    """mean_volume, high20, low20 and comparable_since of each bar, told bar by bar: of the 20
    sessions before, none before a change of units (`breaks` and far moves that no volume can judge,
    where the close stays), and no level over a print that came back.
    """
    told, number = set(breaks.rows()), {day: n for n, day in enumerate(days)}
    answer = []
    for part in bars.partition_by("symbol", maintain_order=True):
        answer += _windows_of_one(part, number, told)
    return answer


def of_like_shares(
    table: pl.DataFrame, bars: pl.DataFrame, days: pl.Series, breaks: pl.DataFrame
) -> pl.DataFrame:
    """The rows of `in_sql` without what looks back across unreal moves, told bar by bar."""
    told = looking_back(bars.sort("symbol", "session"), days, breaks)
    keys = bars.sort("symbol", "session").select("symbol", "session")
    keys = keys.with_columns(
        volume=pl.Series([row[0] is not None for row in told], dtype=pl.Boolean),
        levels=pl.Series([row[1] is not None for row in told], dtype=pl.Boolean),
    )
    rows = table.join(keys, on=["symbol", "session"], how="left", maintain_order="left")
    kept = (("rvol", "volume"), ("high20", "levels"), ("low20", "levels"))
    return rows.with_columns(pl.when(by).then(name).alias(name) for name, by in kept).drop(
        "volume", "levels"
    )


def _windows_of_one(
    bars: pl.DataFrame, number: dict[date, int], told: set[tuple[str, date]]
) -> list[tuple[float | None, float | None, float | None, date | None]]:
    answer: list[tuple[float | None, float | None, float | None, date | None]] = []
    past: list[tuple[int, float, float, float]] = []  # number, volume, high, low of sound bars
    first, base, before, sound_before = None, None, None, False
    since, stray = None, None  # numbers of the sessions of the last such moves
    columns = ("symbol", "session", "open", "high", "low", "close", "volume")
    for symbol, day, opened, high, low, close, volume in bars.select(columns).iter_rows():
        here = number[day]
        first = here if first is None else first
        window = [row for row in past if 1 <= here - row[0] <= 20]
        old = here - (first if since is None else max(first, since)) >= 20
        levels = old and (stray is None or here - stray > 20) and bool(window)
        volumes = [row[1] for row in window]
        answer.append(
            (
                sum(volumes) / len(volumes) if old and len(volumes) >= 15 else None,
                max(row[2] for row in window) if levels else None,
                min(row[3] for row in window) if levels else None,
                None if since is None or here - since >= 20 else days_of(number)[since],
            )
        )
        numbers = (opened, high, low, close, volume)
        sound = None not in numbers and low <= min(opened, close) and volume > 0
        sound = sound and max(opened, close) <= high
        if sound and base is not None:
            follows = sound_before and here == number[before] + 1
            far = not follows and abs(opened / base - 1) >= 0.45
            anew = far and (day - before).days > 60
            if far or (symbol, day) in told:
                stays = anew or (close - base) / (opened - base) >= 0.5
                since, stray = (here, stray) if stays else (since, here)
        past = window + ([(here, volume, high, low)] if sound else [])
        base, before, sound_before = close if sound else base, day, sound
    return answer


def days_of(number: dict[date, int]) -> dict[int, date]:
    """The session of each number."""
    return {n: day for day, n in number.items()}


def flags_in_turn(bars: pl.DataFrame, measured: pl.DataFrame, days: pl.Series) -> list[int]:
    """The flags of measured rows, judged one after another: soon after a change of units the
    volume is compared with the mean of the sessions since then, before it with its usual one.
    """
    number = {day: n for n, day in enumerate(days)}
    bare = in_sql(bars, days).select("symbol", "session", mixed="rvol")
    rows = measured.join(bare, on=["symbol", "session"], how="left", maintain_order="left")
    raw = int(flags.Flag.BAD_BAR | flags.Flag.BAD_BASE | flags.Flag.STALE_BASE)
    moves = measured.select("session", "gap_pct")
    answer: list[int] = []
    for part in rows.partition_by("symbol", maintain_order=True):
        seen: list[tuple[date, float]] = []
        since = part["comparable_since"].to_list()  # told by `looking_back`
        for n, row in enumerate(part.iter_rows(named=True)):
            begun = since[n]
            new = [v for at, v in seen if begun is not None and at >= begun]
            rvol = row["volume"] / (sum(new) / len(new)) if new and row["volume"] else row["mixed"]
            one = part.slice(n, 1).with_columns(
                pl.col("flags") & raw, rvol=pl.lit(rvol, dtype=pl.Float64)
            )
            others = moves.filter(pl.col("session") == row["session"])
            gap = pl.lit(row["gap_pct"], dtype=pl.Float64)
            others = others.filter((pl.col("gap_pct") != gap).fill_null(value=False))
            judged = flags.judge(one.select(measured.columns), None, others)
            answer.append(int(judged["flags"].item()))
            if not row["flags"] & int(flags.Flag.BAD_BAR) and row["session"] in number:
                seen.append((row["session"], row["volume"]))
    return answer
