"""Minutes before the open, stored, and the scan ranked: eight thousand names, beside a loop.

    python -m benchmarks.premarket [--symbols 8000] [--rounds 5] [--out premarket.json]

A desk has a year of daily bars, twenty mornings of minutes and those of today. A minute of prints
of all names is stored in one transaction and the scan of the session to come is made, as pages ask
for it. Beside it, in the same run: the same gaps the naive way, pandas over all minutes, a group a
name, without flags, filings or ranks. `cpu` is the time of both cores, whoever else uses them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl

import core.service.everything  # noqa: F401 - registers what can be asked for
from benchmarks.following import NOW, PULL, fill
from core import settings
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import keeping, scans

MORNINGS = 20
PRINTS = 12  # minutes with prints of an earlier morning, a name
OPENS = calendar.hours_of(NOW.date())[0]


def mornings(symbols: int) -> pl.DataFrame:
    """Minutes of the twenty sessions before: every five minutes of the last hour."""
    days = calendar.sessions_between(NOW.date() - timedelta(days=45), NOW.date())
    opens = days["open_at"].tail(MORNINGS + 1).head(MORNINGS)
    starts = [at - timedelta(minutes=5 * n + 30) for at in opens for n in range(PRINTS)]
    return _prints(symbols, pl.DataFrame({"ts": starts}))


def minute(symbols: int, turn: int) -> pl.DataFrame:
    """A minute of today in which every name prints."""
    return _prints(symbols, pl.DataFrame({"ts": [NOW - timedelta(minutes=5 - turn)]}))


def _prints(symbols: int, times: pl.DataFrame) -> pl.DataFrame:
    names = pl.DataFrame({"n": range(symbols)}).select(
        symbol=pl.format("S{}", pl.col("n").cast(pl.String).str.zfill(5)),
        price=pl.when(pl.col("n") % 10 == 0).then(54.0).otherwise(50.0),
    )
    return names.join(times, how="cross").select(
        "symbol",
        "ts",
        **dict.fromkeys(("open", "high", "low", "close"), pl.col("price")),
        volume=pl.lit(4_000.0),
        phase=pl.lit("pre"),
        pull_id=pl.lit(PULL),
    )


def stored_and_ranked(desk: Desk, rows: pl.DataFrame) -> int:
    """A minute stored and the scan made; how many candidates."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_minute", rows)
    return scans.run(desk).candidates.height


def naive(desk: Desk) -> int:
    """The gaps of names and their usual volumes, group by group in pandas; how many gap."""
    with desk.warehouse.cursor() as cursor:
        minutes = cursor.sql("SELECT * FROM bars_minute WHERE phase = 'pre'").df()
        closes = cursor.sql(
            "SELECT symbol, arg_max(close, session) AS close FROM bars_daily GROUP BY symbol"
        ).df()
    prior = dict(zip(closes["symbol"], closes["close"], strict=True))
    minutes["local"] = minutes["ts"].dt.tz_convert("America/New_York")
    minutes["day"] = minutes["local"].dt.date
    found = 0
    for symbol, rows in minutes.groupby("symbol"):
        today = rows[rows["day"] == NOW.date()].sort_values("ts")
        before = rows[rows["day"] < NOW.date()].groupby("day")["volume"].sum().tail(20).mean()
        gap = 100 * (today["close"].iloc[-1] / prior[symbol] - 1)
        found += abs(gap) >= 4 and today["volume"].sum() > before
    return found


def timed(work: Callable[[], int]) -> tuple[float, float]:
    """Seconds by the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(desk: Desk, symbols: int, rounds: int) -> dict[str, float]:
    """Medians of both ways, in turn."""
    ours, theirs = [], []
    for turn in range(rounds):
        rows = minute(symbols, turn)
        ours.append(timed(lambda rows=rows: stored_and_ranked(desk, rows)))  # type: ignore[misc]
        if turn < 2:
            theirs.append(timed(lambda: naive(desk)))
    wall, cpu = (statistics.median(column) for column in zip(*ours, strict=True))
    slow, slow_cpu = (statistics.median(column) for column in zip(*theirs, strict=True))
    return {"seconds": wall, "cpu": cpu, "naive_seconds": slow, "naive_cpu": slow_cpu}


def main() -> None:
    """Print medians and ratios; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/premarket.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk.open(settings.load(data_dir=Path(folder), scheduler=False))
        object.__setattr__(desk, "now", lambda: NOW)
        fill(desk, given.symbols)
        with desk.warehouse.transaction(bulk=True) as tx:
            tx.insert("bars_minute", mornings(given.symbols))
        keeping.keep_state(desk)
        scans.run(desk)
        figures = measure(desk, given.symbols, given.rounds)
        stored = desk.warehouse.read("SELECT count(*) FROM bars_minute").item()
        desk.close()
    ratio = figures["naive_cpu"] / figures["cpu"]
    print(f"{given.symbols:,} names, {stored:,} minutes")
    print(f"DuckDB {duckdb.__version__}, Polars {pl.__version__}")
    print(f"a minute -> ranked scan {figures['seconds']:6.2f} s, cpu {figures['cpu']:6.2f} s")
    print(f"a group a name, pandas  {figures['naive_seconds']:6.2f} s, ", end="")
    print(f"cpu {figures['naive_cpu']:6.2f} s, x{ratio:.0f}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures | {"symbols": given.symbols}))


if __name__ == "__main__":
    main()
