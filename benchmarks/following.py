"""From the bytes of a filing in the feed to the scan ranked anew, before the open, in one run.

    python -m benchmarks.following [--symbols 500] [--rounds 5] [--out following.json]

A page of the feed is decoded, its filings are stored in one transaction, and the scan of the
session to come is made from prints and daily bars, as pages ask for it. Beside it: the scan alone,
made anew. `cpu` is the time of both cores, whoever else uses them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import settings
from core.domain.tables.frames import COMPANY_IDENTIFIERS
from core.domain.timetable import sessions as calendar
from core.service.cache import DERIVED, SESSIONS
from core.service.desk import Desk
from core.service.gaps import keeping, scans
from core.sources.sec.index import decode_feed
from core.store.filings import add_filings, write_identifiers

NOW = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
SESSIONS_STORED = 300
PRINTS = 60  # minutes with prints before the open, a name
PULL = "p" * 32
ENTRY = (
    "<entry><title>8-K - Name {n} ({n:010d}) (Filer)</title>"
    '<summary type="html">&lt;b&gt;Filed:&lt;/b&gt; 2026-11-30 &lt;b&gt;Size:&lt;/b&gt; 9 KB '
    "&lt;br&gt;Item 2.02: Results</summary><updated>2026-11-30T09:0{k}:00-05:00</updated>"
    "<id>urn:tag:sec.gov,2008:accession-number={n:010d}-26-{k:06d}</id></entry>"
)


def feed(symbols: int, turn: int) -> bytes:
    """A page of the feed with a filing of a hundred companies."""
    entries = "".join(ENTRY.format(n=n + 1, k=turn) for n in range(min(symbols, 100)))
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()


def fill(desk: Desk, symbols: int) -> None:
    """Bars up to Friday, prints of Monday's pre-market (one name in ten gaps), the registry."""
    days = calendar.sessions_between(date(2024, 1, 1), date(2026, 11, 27))["session"]
    names = pl.DataFrame({"n": range(symbols)}).with_columns(
        symbol=pl.format("S{}", pl.col("n").cast(pl.String).str.zfill(5)), cik=pl.col("n") + 1
    )
    wave = 50 + (pl.int_range(pl.len()) * 0.9).sin()
    prices = {"open": wave, "high": wave + 1, "low": wave - 1, "close": wave}
    bars = names.join(pl.DataFrame({"session": days.tail(SESSIONS_STORED)}), how="cross")
    first = NOW - timedelta(minutes=PRINTS + 5)
    minutes = [first + timedelta(minutes=n) for n in range(PRINTS)]
    at = pl.when(pl.col("n") % 10 == 0).then(54.0).otherwise(50.0)
    prints = names.join(pl.DataFrame({"ts": minutes}), how="cross").with_columns(
        phase=pl.lit("pre"), volume=pl.lit(40_000.0), pull_id=pl.lit(PULL),
        **dict.fromkeys(("open", "high", "low", "close"), at),
    )  # fmt: skip
    known = pl.concat(
        [
            COMPANY_IDENTIFIERS.empty(),
            names.select("cik", kind=pl.lit("ticker"), value="symbol", source=pl.lit("sec")),
        ],
        how="diagonal",
    )
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.with_columns(
            **prices, volume=pl.lit(900_000.0), pull_id=pl.lit(PULL)).drop("n", "cik"))  # fmt: skip
        tx.insert("bars_minute", prints.drop("n", "cik"))
        write_identifiers(tx, known, PULL, NOW.date())


def once(desk: Desk, body: bytes) -> tuple[float, float, scans.Scan]:
    """Seconds from the bytes to the scan, by the wall and of the processor, and the scan."""
    began, cpu = time.perf_counter(), time.process_time()
    filings, _ = decode_feed(body)
    with desk.warehouse.transaction() as tx:
        add_filings(tx, filings, PULL)
    found = scans.run(desk)
    return time.perf_counter() - began, time.process_time() - cpu, found


def anew(desk: Desk) -> float:
    """Seconds of the scan alone, nothing kept."""
    DERIVED.clear()
    SESSIONS.clear()
    began = time.perf_counter()
    scans.run(desk)
    return time.perf_counter() - began


def main() -> None:
    """Print medians and ratios; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/following.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk.open(settings.load(data_dir=Path(folder), scheduler=False))
        object.__setattr__(desk, "now", lambda: NOW)
        fill(desk, given.symbols)
        keeping.keep_state(desk)
        scans.run(desk)
        rounds = [once(desk, feed(given.symbols, turn)) for turn in range(given.rounds)]
        alone = [anew(desk) for _ in range(given.rounds)]
        catalysts = rounds[-1][2].candidates["catalysts"].list.len().sum()
        desk.close()
    seconds = statistics.median(took for took, _, _ in rounds)
    cpu = statistics.median(used for _, used, _ in rounds)
    bare = statistics.median(alone)
    print(f"{given.symbols:,} names, {catalysts} filings in the scan")
    print(f"bytes of the feed -> ranked scan  {seconds * 1000:8.0f} ms   cpu {cpu * 1000:.0f} ms")
    print(f"the scan alone, anew              {bare * 1000:8.0f} ms   x{seconds / bare:.2f}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    figures = {"symbols": given.symbols, "seconds": seconds, "cpu": cpu, "scan_alone_seconds": bare}
    given.out.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
