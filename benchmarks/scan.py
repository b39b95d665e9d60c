"""The gap scan against bare expressions, a per-symbol loop, and a bare read, in one run.

    python -m benchmarks.scan [--symbols 8000] [--sessions 1260] [--rounds 3] [--out scan.json]

All sessions: every quantity, type, flag and filter (`gaps.find`) against three bare Polars
expressions (gap, Wilder ATR14, 20-session mean volume) and against a loop over symbols in pandas
(a sample of symbols, scaled up). Latest session: 22 sessions and the kept state read from the
DuckDB store, measured, judged and filtered, against one read of the five columns of those bars and
against pandas' grouped operations over all sessions.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import settings
from core.domain.gaps import measure as gaps
from core.domain.gaps.filters import GapFilters, passes
from core.domain.timetable import sessions as calendar
from core.domain.timetable.span import span_to
from core.service.cache import DERIVED, SESSIONS
from core.service.desk import Desk
from core.service.gaps import keeping, scans
from core.service.gaps import session as scan_inputs

SAMPLE = 80  # symbols of the loop
FIVE = "open, high, low, close, volume"


def market(symbols: int, sessions: int) -> tuple[pl.DataFrame, pl.Series]:
    """Bars of a made-up market with bad bars and holes, and its sessions."""
    days = calendar.sessions_between(date(2018, 1, 2), date(2030, 1, 1))["session"].head(sessions)
    chance = np.random.default_rng(11)
    rows = symbols * sessions
    close = 30 * np.exp(chance.normal(0, 0.02, (symbols, sessions)).cumsum(1)).ravel()
    open_ = close * (1 + chance.standard_t(3, rows) * 0.008)
    names = pl.Series([f"S{n:05d}" for n in range(symbols)])
    frame = pl.DataFrame(
        {
            "symbol": names.gather(np.repeat(np.arange(symbols), sessions)),
            "session": days.gather(np.tile(np.arange(sessions), symbols)),
            "open": open_,
            "high": np.maximum(open_, close) * 1.01,
            "low": np.minimum(open_, close) * 0.99,
            "close": close,
            "volume": chance.integers(1_000, 5_000_000, rows),
        }
    )
    dice = pl.Series(chance.random(rows))
    frame = frame.with_columns(high=pl.when(dice < 0.00005).then("low").otherwise("high"))
    return frame.filter(dice < 0.9999), days


def bare(bars: pl.DataFrame) -> pl.DataFrame:
    """The three expressions and nothing else."""
    before = pl.col("close").shift(1)
    ranges = pl.max_horizontal(
        pl.col("high") - pl.col("low"),
        (pl.col("high") - before).abs(),
        (pl.col("low") - before).abs(),
    )
    return bars.select(
        gap=(pl.col("open") / before.over("symbol") - 1) * 100,
        atr=ranges.ewm_mean(alpha=1 / 14, adjust=False).over("symbol"),
        volume=pl.col("volume").rolling_mean(20).over("symbol"),
    )


def loop(bars: pd.DataFrame) -> list[pd.DataFrame]:
    """What one would write first: symbol by symbol in pandas, same quantities."""
    return [one_symbol(part.copy()) for _, part in bars.groupby("symbol")]


def one_symbol(part: pd.DataFrame) -> pd.DataFrame:
    """Quantities, type and filters of one symbol."""
    prior = part.shift(1)
    part["gap_pct"] = (part["open"] / prior["close"] - 1) * 100
    ranges = pd.concat(
        [
            part["high"] - part["low"],
            (part["high"] - prior["close"]).abs(),
            (part["low"] - prior["close"]).abs(),
        ],
        axis=1,
    ).max(axis=1)
    part["atr"] = ranges.ewm(alpha=1 / 14, adjust=False).mean().shift(1)
    part["gap_atr"] = (part["open"] - prior["close"]) / part["atr"]
    part["rvol"] = part["volume"] / part["volume"].rolling(20).mean().shift(1)
    part["high20"] = part["high"].rolling(20).max().shift(1)
    part["low20"] = part["low"].rolling(20).min().shift(1)
    part["range_position"] = (part["open"] - prior["low"]) / (prior["high"] - prior["low"])
    part["gap_type"] = [
        kind(o, c, h, low)
        for o, c, h, low in zip(
            part["open"], prior["close"], prior["high"], prior["low"], strict=True
        )
    ]
    trend = (prior["close"] - part["close"].shift(21)) / part["atr"]
    part["story"] = [
        story(*values)
        for values in zip(
            part["open"],
            part["high20"],
            part["low20"],
            part["rvol"],
            trend,
            part["gap_pct"],
            strict=True,
        )
    ]
    part["flags"] = [
        flags(*values)
        for values in zip(
            part["open"],
            part["high"],
            part["low"],
            part["close"],
            part["volume"],
            part["session"],
            prior["session"],
            strict=True,
        )
    ]
    part["dollars"] = part["close"] * part["volume"]
    sound = (part["high"] >= part["low"]) & (part["volume"] > 0)
    part["candidate"] = (
        part["gap_pct"].abs().between(4, 20)
        & (part["rvol"] >= 1.5)
        & sound
        & part["open"].between(2, 300)
        & (part["dollars"] >= 5e6)
    )
    return part


def grouped(bars: pd.DataFrame) -> pd.DataFrame:
    """The same quantities with pandas' grouped operations over all sessions."""
    by = bars.groupby("symbol", sort=False)
    prior = by.shift(1)
    spans = [
        bars["high"] - bars["low"],
        (bars["high"] - prior["close"]).abs(),
        (bars["low"] - prior["close"]).abs(),
    ]
    ranges = spans[0].combine(spans[1], np.fmax).combine(spans[2], np.fmax)
    atr = ranges.groupby(bars["symbol"], sort=False).ewm(alpha=1 / 14, adjust=False).mean()
    usual = by["volume"].rolling(20).mean()
    bars["gap_pct"] = (bars["open"] / prior["close"] - 1) * 100
    bars["atr"] = atr.to_numpy()
    bars["rvol"] = bars["volume"] / usual.to_numpy()
    bars["high20"] = by["high"].rolling(20).max().to_numpy()
    bars["low20"] = by["low"].rolling(20).min().to_numpy()
    return bars[bars["gap_pct"].abs().between(4, 20) & (bars["rvol"] >= 1.5)]


def kind(opened: float, close: float, high: float, low: float) -> str:
    """The mechanical type of one gap."""
    if opened > close:
        return "full_up" if opened > high else "partial_up"
    return "full_down" if opened < low else "partial_down"


def story(
    opened: float, high: float, low: float, rvol: float, trend: float, gap: float
) -> str | None:
    """The story type of one gap."""
    if np.isnan(high) or np.isnan(rvol) or np.isnan(trend):
        return None
    along = trend if gap >= 0 else -trend
    if low <= opened <= high or rvol < 1.5:
        return "common"
    if along >= 6 and rvol >= 3:
        return "exhaustion"
    return "runaway" if along >= 2 else "breakaway"


def flags(
    opened: float, high: float, low: float, close: float, volume: int, day: object, before: object
) -> int:
    """Unsound bar, or no bar in the days before (weekends allowed)."""
    sound = low > 0 and low <= min(opened, close) and max(opened, close) <= high and volume > 0
    stale = not pd.isna(before) and (pd.Timestamp(day) - pd.Timestamp(before)).days > 4
    return (not sound) + 4 * stale


def clocked(work: Callable[[], Any], rounds: int) -> float:
    """Median seconds of some rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def in_turn(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each, run alternately so that noise meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(clocked(work, 1))
    return {name: statistics.median(values) for name, values in times.items()}


def latest(desk: Desk, days: pl.Series) -> pl.DataFrame:
    """The last session's rows as page and command take them: windows, state, flags, filters."""
    source = desk.catalogue.get("prices.daily")
    none = pl.DataFrame(schema={"symbol": pl.String})
    table = scan_inputs.window_rows(desk, source, span_to(days[-1]), none)
    return table.filter(passes(GapFilters()))


def run(symbols: int, sessions: int, rounds: int) -> dict[str, float]:
    """Seconds of everything measured."""
    bars, days = market(symbols, sessions)
    filters = GapFilters()
    few = bars.filter(pl.col("symbol") < f"S{SAMPLE:05d}").to_pandas()
    full = {
        "bare": lambda: bare(bars),
        "all": lambda: gaps.find(bars, days, filters),
        "loop": lambda: loop(few),
    }
    in_turn(full, 1)
    seconds = in_turn(full, rounds)
    seconds["loop"] *= symbols / min(SAMPLE, symbols)
    with tempfile.TemporaryDirectory() as folder:
        seconds |= one_session(bars, days, Path(folder), rounds + 4)
    return seconds


def one_session(bars: pl.DataFrame, days: pl.Series, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of the latest session's scan from a store, and of bare reads beside it."""
    with Desk.open(settings.load(data_dir=folder)) as desk:
        house = desk.warehouse
        with house.transaction() as tx:
            daily = bars.sort("session", "symbol")  # as daily pulls add them
            tx.insert("bars_daily", daily.with_columns(pull_id=pl.lit("p" * 32)))
        keeping.keep_state(desk)
        window = f"SELECT {FIVE} FROM bars_daily WHERE session >= ?"
        works = {
            "read_window": lambda: house.read(window, [days[-gaps.WINDOW_SESSIONS]]),
            "read_all": lambda: house.read(f"SELECT {FIVE} FROM bars_daily"),
            "latest": lambda: latest(desk, days),
            "command": lambda: cold_scan(desk),
        }
        in_turn(works, 1)
        return in_turn(works, rounds) | {"groupby": clocked(lambda: grouped(bars.to_pandas()), 1)}


def cold_scan(desk: Desk) -> scans.Scan:
    """What page and command ask, catalysts and companies too, with nothing remembered."""
    SESSIONS.clear()
    DERIVED.clear()
    return scans.run(desk)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=8000)
    parser.add_argument("--sessions", type=int, default=1260)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    s = run(given.symbols, given.sessions, given.rounds)
    lines = [
        ("three bare expressions, all sessions", s["bare"], 1.0, ""),
        ("scan of all sessions", s["all"], s["all"] / s["bare"], "of bare; target <= 2"),
        (
            "loop over symbols (scaled)",
            s["loop"],
            s["loop"] / s["all"],
            f"x scan of all sessions; {s['loop'] / s['latest']:,.0f} x that of the latest",
        ),
        ("read of five columns, 22 sessions", s["read_window"], 1.0, ""),
        ("read of five columns, all sessions", s["read_all"], 1.0, ""),
        (
            "scan of the latest session",
            s["latest"],
            s["latest"] / s["read_window"],
            f"of the window's read; {s['latest'] / s['read_all']:.2f} of the whole; target <= 6",
        ),
        (
            "... with catalysts, companies, ranks",
            s["command"],
            s["command"] / s["read_window"],
            "of the window's read: what `scan` and the page ask, nothing remembered",
        ),
        (
            "pandas groupby over all sessions",
            s["groupby"],
            s["groupby"] / s["latest"],
            "x latest; target >= 80",
        ),
    ]
    print(f"{given.symbols:,} symbols x {given.sessions:,} sessions, medians")
    for name, seconds, ratio, note in lines:
        print(f"{name:38} {seconds * 1000:10,.0f} ms {ratio:8.2f} {note}")
    versions = {
        "python": platform.python_version(),
        "polars": pl.__version__,
        "duckdb": duckdb.__version__,
        "pandas": pd.__version__,
    }
    print(versions)
    if given.out:
        given.out.write_text(json.dumps({"seconds": s, "versions": versions}, indent=2))


if __name__ == "__main__":
    main()
