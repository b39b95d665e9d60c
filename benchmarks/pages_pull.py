"""Pages while a pull commits many rows: twenty sessions ask on, before, during and after it.

    python -m benchmarks.pages_pull [--rows 1000000] [--sessions 20] [--think 0]

A desk on simulated upstreams is filled by real pulls. Then every session asks for its page again
and again (after `--think` seconds) while the desk pulls a dataset of that many new rows over
loopback through the stand-in container. Prints the median and the 95th percentile of a rerun, the
longest one, and the ratios against the idle stretch of the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app import address as addresses
from app.run import Remote
from benchmarks.pages import ROOT, contextful, served
from benchmarks.streamlit_session import Session

PAGES = ("overview", "gap_scan", "symbol", "datasets", "companies", "risk", "journal", "jobs")
BULK = ("prices.daily.raw", "Prices Daily Raw")
SYMBOL_SESSIONS = 1000


class WithBulk:
    """The simulated market, and a dataset of as many bars as asked for."""

    def __init__(self, market: Any, rows: int) -> None:
        self._market, self._rows = market, rows
        self.simulated, self.label = market.simulated, market.label

    def names(self) -> tuple[str, ...]:
        return (*self._market.names(), BULK[1])

    def rows(self, name: str) -> int:
        return self._rows if name == BULK[1] else self._market.rows(name)

    def csv(self, name: str) -> bytes | Iterable[bytes]:
        return _bulk(self._rows) if name == BULK[1] else self._market.csv(name)


@cache
def _bulk(rows: int) -> bytes:
    from core.sandbox.market.frames import big_bars

    bars = big_bars(-(-rows // SYMBOL_SESSIONS), SYMBOL_SESSIONS).head(rows)
    return bars.rename({"session": "date"}).write_csv().encode()


def upstreams(pipe: Connection, rows: int) -> None:
    """The stand-ins' process."""
    from app.upstreams import StandIns, world, world_companies

    async def run() -> None:
        made = world(7, None, lambda: datetime.now(UTC))
        bulk = WithBulk(made.datasets, rows)
        _bulk(rows)  # not while the desk is measured
        stand_in = StandIns(type(made)(bulk, made.documents, made.companies, simulated=True))
        await stand_in.start()
        pipe.send((stand_in.url, stand_in.sec_url, list(world_companies(stand_in))))
        await asyncio.to_thread(pipe.recv)
        await stand_in.stop()

    asyncio.run(run())


def command(*words: str) -> Any:
    """The JSON that a command of the desk prints."""
    call = [sys.executable, "-m", "app", *words, "--json"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or done.stdout)
    return json.loads(done.stdout)


class Crowd:
    """Sessions that ask for their pages until told to stop; every rerun with its time of start."""

    def __init__(self, sessions: list[Session], think: float) -> None:
        self._sessions, self._think = sessions, think
        self._stop, self._chance = False, random.Random(7)
        self.reruns: list[tuple[float, float]] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._ask(session) for session in self._sessions))

    def stop(self) -> None:
        self._stop = True

    async def _ask(self, session: Session) -> None:
        while not self._stop:
            began = time.perf_counter()
            seconds = await session.rerun()
            self.reruns.append((began, seconds))
            self.saw(session, began)
            await asyncio.sleep(self._think * self._chance.uniform(0.5, 1.5))

    def saw(self, session: Session, began: float) -> None:
        """What a session shows after a rerun, for those who look."""

    def between(self, first: float, last: float) -> dict[str, float]:
        """Median, 95th percentile and longest rerun that overlapped the stretch, milliseconds."""
        times = sorted(s * 1000 for began, s in self.reruns if began < last and began + s > first)
        return {
            "reruns": len(times),
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[int(len(times) * 0.95)], 1),
            "longest_ms": round(times[-1], 1),
        }


async def measure(base: str, caller: Remote, options: argparse.Namespace) -> dict[str, Any]:
    """The three stretches and what was pulled."""
    pages = [PAGES[n % len(PAGES)] for n in range(options.sessions)]
    sessions = [Session(base, "" if page == "overview" else page) for page in pages]
    async with contextful(sessions) as opened:
        await asyncio.gather(*(session.rerun() for session in opened))
        crowd = Crowd(opened, options.think)
        crowding = asyncio.create_task(crowd.run())
        await asyncio.sleep(options.idle)  # the first reruns make what all later ones show
        marks = [time.perf_counter()]
        await asyncio.sleep(options.idle)
        marks.append(time.perf_counter())
        pulled = await asyncio.to_thread(caller.call, "pull", datasets=[BULK[0]], now=True)
        marks.append(time.perf_counter())
        await asyncio.sleep(options.idle)
        marks.append(time.perf_counter())
        crowd.stop()
        await crowding
    names = ("idle", "pull", "after")
    found = {n: crowd.between(marks[i], marks[i + 1]) for i, n in enumerate(names)}
    return {**found, "pull_seconds": round(marks[2] - marks[1], 1), "pulled": pulled.document}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """A filled desk, measured."""
    with ExitStack() as stack:
        companies = _stand_ins(stack, options.rows)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ |= {"OPENBELL_DATA_DIR": folder, "OPENBELL_SCHEDULER": "false"}
        os.environ["OPENBELL_SIMULATED"] = "true"
        command("watch", "add", *companies)
        command("pull", "--all")
        serve = [sys.executable, "-m", "app", "serve", "--port", "0"]
        base, _ = stack.enter_context(served(serve, ROOT))
        address = addresses.running(Path(folder))
        assert address is not None
        caller = Remote(address)  # not a second process beside what is measured
        _quiet(caller)
        return asyncio.run(measure(base, caller, options))


def _quiet(caller: Remote) -> None:
    """Wait until nothing runs or waits: what follows the first pulls is not measured."""
    while True:
        counts = caller.call("jobs").document["counts"]
        if not counts["running"] + counts["queued"]:
            return
        time.sleep(0.5)


def _stand_ins(stack: ExitStack, rows: int) -> list[str]:
    """Start them, point the desk at them; the companies they know."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=upstreams, args=(theirs, rows), daemon=True)
    process.start()
    stack.callback(process.join, 5)
    stack.callback(ours.send, "stop")
    foundry, sec, companies = ours.recv()
    os.environ |= {"OPENBELL_FOUNDRY_URL": foundry, "OPENBELL_SEC_DATA_URL": sec}
    os.environ["OPENBELL_SEC_WWW_URL"] = sec
    os.environ["OPENBELL_SEC_USER_AGENT"] = "Openbell benchmark bench@example.com"
    return [str(cik) for cik in companies]


def table(found: dict[str, Any]) -> str:
    """The figures as lines, with ratios against idle."""
    lines = [f"{'':8}{'reruns':>8}{'p50':>9}{'p95':>9}{'longest':>9}   p95 against idle"]
    for name in ("idle", "pull", "after"):
        row = found[name]
        ratio = row["p95_ms"] / found["idle"]["p95_ms"]
        times = "".join(f"{row[key]:>9}" for key in ("p50_ms", "p95_ms", "longest_ms"))
        lines.append(f"{name:8}{row['reruns']:>8}{times}   {ratio:.2f}x")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--think", type=float, default=0.0, help="seconds between reruns")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds before and after")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/pages_pull.json")
    options = parser.parse_args()
    found = run(options)
    print(table(found))
    rows = found["pulled"]["pulls"][0]["rows_inserted"]
    print(f"the pull took {found['pull_seconds']} s and brought {rows:,} rows")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
