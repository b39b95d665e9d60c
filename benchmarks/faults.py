"""Pulls through every fault of the stand-in Foundry container, on real sockets.

    python -m benchmarks.faults [--only NAME …] [--out faults.json]

Per fault: handled (the typed error or the honest result that `fault_cases` names), mistyped (an
error of ours, but another), accepted (bad data came through), crashed (an error that is not ours)
or hung; seconds until the outcome; and how far the memory of the client's process rose above where
it stood before. The container runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import platform
import random
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import polars as pl

from benchmarks.fault_cases import CASES
from core.domain.tables.datasets import ColumnType, Dataset, Window
from core.domain.timetable import sessions as calendar
from core.errors import OpenbellError
from core.sandbox.foundry.fault_names import FOUNDRY
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.source import FoundrySource
from core.sources.pulled import Pulled

IDLE, TOTAL, HUNG = 1.0, 4.0, 12.0
MAX_BYTES = 64 * 1024 * 1024
ROWS = 20_000
TYPES = {
    "symbol": "str",
    "session": "date",
    "open": "float",
    "high": "float",
    "low": "float",
    "close": "float",
    "volume": "int",
}
DATASET = Dataset(
    name="prices.daily",
    source="foundry",
    upstream="Prices Daily",
    table="bars_daily",
    key=("symbol", "session"),
    schema={name: ColumnType.parse(kind) for name, kind in TYPES.items()},
    columns={"Name": "symbol", "date": "session"},
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One fault's row of the table."""

    fault: str
    verdict: str
    expected: str
    came: str
    seconds: float
    memory_mb: float
    message: str


def bars(rows: int = ROWS) -> bytes:
    """A CSV of daily bars: ten symbols, plain numbers, on sessions of the exchange."""
    days = calendar.all_sessions()["session"].head(rows // 10)
    names = pl.DataFrame({"Name": [f"S{number}" for number in range(10)]})
    price = (pl.int_range(pl.len()) % 997 + 1000) / 10
    table = names.join(pl.DataFrame({"date": days}), how="cross").with_columns(
        open=price, high=price + 1, low=price - 1, close=price + 0.5, volume=pl.int_range(pl.len())
    )
    return table.write_csv().encode()


def judge(expected: str, pulled: Pulled | None, error: BaseException | None, rows: int) -> str:
    """handled, accepted, crashed or hung."""
    if isinstance(error, TimeoutError):
        return "hung"
    if error is not None:
        if not isinstance(error, OpenbellError):
            return "crashed"
        named = (error.where is not None and "Prices Daily" in str(error)) or "prices.daily" in str(
            error
        )
        family = {kind.__name__ for kind in type(error).__mro__}
        return "handled" if named and family & set(expected.split()) else "mistyped"
    assert pulled is not None
    return "handled" if _honest(expected, pulled, rows) else "accepted"


def _honest(expected: str, pulled: Pulled, rows: int) -> bool:
    loaded = len(pulled.tables[0].rows)
    if expected == "rejected":
        return pulled.rejects.height == 1 and loaded == pulled.rows_read - 1
    if expected == "partial":
        return pulled.partial is not None and loaded < rows
    if expected == "drift":
        return pulled.drift == ("surprise",) and loaded == rows
    return expected == "loaded" and pulled.partial is None and loaded == rows


def client(url: str) -> FoundryClient:
    """A client with short deadlines and two retries."""
    return FoundryClient(
        url,
        idle_seconds=IDLE,
        total_seconds=TOTAL,
        max_bytes=MAX_BYTES,
        retries=2,
        retry_base_seconds=0.05,
        retry_max_seconds=0.3,
        rng=random.Random(7),
    )


async def one(url: str, fault: str, expected: str, rows: int = ROWS) -> Outcome:
    """Pulls once with the fault switched on."""
    await asyncio.to_thread(switch, url, [fault])
    gc.collect()
    before, began = reset_peak(), time.monotonic()
    pulled, error = None, None
    source = FoundrySource(lambda: client(url), today=lambda: date(2026, 11, 21))
    now = datetime.now(UTC)
    try:
        async with asyncio.timeout(HUNG):
            pulled = await source.pull(DATASET, Window(DATASET.name, now, now))
    except Exception as raised:
        error = raised
    seconds = time.monotonic() - began
    came = type(error).__name__ if error else f"{len(pulled.tables[0].rows)} rows"
    verdict = judge(expected, pulled, error, rows)
    message = str(error or pulled.partial or "")
    return Outcome(
        fault, verdict, expected, came, round(seconds, 2), round(peak() - before, 1), message
    )


def switch(url: str, faults: list[str]) -> None:
    """Tells the container which faults to have."""
    address = url.removesuffix("/fdtc-api") + "/_sandbox/faults"
    request = urllib.request.Request(address, json.dumps(faults).encode(), method="PUT")
    with urllib.request.urlopen(request) as answer:
        answer.read()


def reset_peak() -> float:
    """Forgets the process's peak memory (Linux); what it holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> float:
    """The peak since the reset, in MB."""
    return _status("VmHWM")


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return 0.0


def serve(pipe: Connection) -> None:
    """The container's process."""

    async def run() -> None:
        provider = StaticProvider({"Prices Daily": bars()})
        async with FoundrySandbox(provider, keepalive_seconds=0.1) as sandbox:
            pipe.send(sandbox.url)
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


async def measure(url: str, faults: Mapping[str, str]) -> list[Outcome]:
    """All faults, one after another; three good pulls first, so that libraries are loaded."""
    for _ in range(3):
        await one(url, "shuffled-rows", "loaded")
    return [await one(url, fault, expected) for fault, expected in faults.items()]


def report(outcomes: list[Outcome]) -> None:
    """The table on stdout."""
    print(f"{'fault':22}{'verdict':10}{'came':22}{'seconds':>8}{'+MB':>8}")
    for row in outcomes:
        print(f"{row.fault:22}{row.verdict:10}{row.came:22}{row.seconds:8.2f}{row.memory_mb:8.1f}")
    handled = sum(row.verdict == "handled" for row in outcomes)
    slowest, largest = (max(getattr(r, f) for r in outcomes) for f in ("seconds", "memory_mb"))
    print(
        f"\n{handled} of {len(outcomes)} handled; worst wait {slowest:.2f} s (deadlines: idle"
        f" {IDLE} s, total {TOTAL} s); worst memory +{largest:.1f} MB;"
        f" Python {platform.python_version()}, aiohttp {aiohttp.__version__},"
        f" polars {pl.__version__}"
    )


def main() -> int:
    """Runs the benchmark; 1 when a fault was not handled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=sorted(FOUNDRY), default=sorted(FOUNDRY))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    cases = {name: CASES[name] for name in FOUNDRY if name in chosen.only}
    outcomes = asyncio.run(measure(ours.recv(), cases))
    ours.send("stop")
    process.join(5)
    report(outcomes)
    if chosen.out:
        chosen.out.write_text(json.dumps([asdict(row) for row in outcomes], indent=2))
    return 0 if all(row.verdict == "handled" for row in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
