"""The half hour before the bell: twenty sessions ask for pages while each minute brings prints.

    python -m benchmarks.hour [--symbols 500] [--minutes 30] [--every 20] [--think 0]
    python -m benchmarks.hour --symbols 8000

A desk of so many names opens at 9:00. Every session asks for its page again and again. Before and
after an idle stretch stands for the desk without prints; between them each minute of the half hour
goes by in `--every` seconds: the clock is set on, a minute of prints of all names is imported as a
pull is, and the scan made anew. With no time to think the processor is all that reruns wait for,
so that ratios of one run stand on a busy machine too. Lost is a rerun that tells an error or has
fewer elements than any of its page had at idle, and a page that does not end at the last print.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from app import address as addresses
from app.run import Remote
from benchmarks.hour_child import BEGINS
from benchmarks.pages import ROOT, contextful, started
from benchmarks.pages_pull import Crowd
from benchmarks.streamlit_session import Session

NEW_YORK = ZoneInfo("America/New_York")
NAME = "S00000"  # one that gaps
PAGES = (
    ("", ""), ("gap_scan", ""), ("symbol", f"symbol={NAME}"), ("plans", f"symbol={NAME}"),
    ("risk", ""), ("datasets", ""), ("brief", ""), ("journal", ""),
)  # fmt: skip
TROUBLE = re.compile(rb"cannot be shown|could not be drawn|Traceback")
LAST_PRINT = re.compile(rb"last print \*\*(\d\d:\d\d)\*\*")


class Reader(Session):
    """A session that keeps what its last run sent."""

    async def rerun(self) -> float:
        self.body = bytearray()
        return await super().rerun()

    def _is_end(self, raw: str | bytes) -> bool:
        self.body += raw if isinstance(raw, bytes) else raw.encode()
        return super()._is_end(raw)


class Readers(Crowd):
    """A crowd that looks at what it is shown."""

    def __init__(self, sessions: list[Reader], think: float) -> None:
        super().__init__(list(sessions), think)
        self.errors = 0
        self.elements: list[tuple[float, str, int]] = []
        self.longest: dict[str, float] = {}

    def saw(self, session: Session, began: float) -> None:
        assert isinstance(session, Reader)
        self.errors += bool(TROUBLE.search(session.body))
        self.elements.append((began, session.page, session.deltas))
        seconds = time.perf_counter() - began
        self.longest[session.page] = max(seconds, self.longest.get(session.page, 0.0))

    def fewest(self, first: float, last: float) -> dict[str, int]:
        """The fewest elements of a rerun that began in the stretch, a page."""
        seen: dict[str, int] = {}
        for began, page, count in self.elements:
            if first <= began < last:
                seen[page] = min(count, seen.get(page, count))
        return seen


def minute(symbols: int, turn: int) -> pl.DataFrame:
    """The prints of all names of one minute, as a vendor writes them; prices move a little."""
    at = (BEGINS + timedelta(minutes=turn)).astimezone(NEW_YORK).replace(tzinfo=None)
    price = (
        pl.when(pl.col("n") % 10 == 0).then(54.0).otherwise(50.0) + (turn + pl.col("n")) % 7 / 50
    )
    return pl.DataFrame({"n": range(symbols)}).select(
        symbol=pl.format("S{}", pl.col("n").cast(pl.String).str.zfill(5)),
        ts_et=pl.lit(f"{at:%Y-%m-%d %H:%M:%S}"),
        **dict.fromkeys(("open", "high", "low", "close"), price),
        volume=pl.lit(4_000.0),
        session=pl.lit("pre"),
    )


class Morning:
    """The running desk: its clock and its prints."""

    def __init__(self, process: subprocess.Popen[str], caller: Remote, symbols: int) -> None:
        self._process, self._caller, self._symbols = process, caller, symbols

    def pass_minute(self, turn: int, file: Path) -> float:
        """A minute later: its prints are in, and the scan is made; seconds that it took."""
        minute(self._symbols, turn).write_csv(file)
        assert self._process.stdin is not None
        now = BEGINS + timedelta(minutes=turn + 1, seconds=2)
        self._process.stdin.write(f"{now.isoformat()}\n")
        self._process.stdin.flush()
        began = time.perf_counter()
        pulled = self._caller.call("import", dataset="prices.minute", path=str(file)).document
        assert pulled["pulls"][0]["rows_inserted"] == self._symbols, pulled
        self._caller.call("scan")
        return time.perf_counter() - began


async def measure(base: str, morning: Morning, options: argparse.Namespace) -> dict[str, Any]:
    """Idle, the half hour, idle again."""
    pages = [PAGES[n % len(PAGES)] for n in range(options.sessions)]
    took = []
    async with contextful([Reader(base, *page) for page in pages]) as opened:
        await asyncio.gather(*(session.rerun() for session in opened))
        crowd = Readers(opened, options.think)  # type: ignore[arg-type]
        crowding = asyncio.create_task(crowd.run())
        await asyncio.sleep(options.idle / 2)  # the first reruns make what all later ones show
        marks = [time.perf_counter()]
        await asyncio.sleep(options.idle)
        marks.append(time.perf_counter())
        with tempfile.TemporaryDirectory() as folder:
            for turn in range(options.minutes):
                ends = time.perf_counter() + options.every
                file = Path(folder) / f"{turn}.csv"
                took.append(await asyncio.to_thread(morning.pass_minute, turn, file))
                await asyncio.sleep(max(0.0, ends - time.perf_counter()))
        marks.append(time.perf_counter())
        await asyncio.sleep(options.idle)
        marks.append(time.perf_counter())
        crowd.stop()
        await crowding
        await asyncio.gather(*(session.rerun() for session in opened))
        shown = {m[1].decode() for s in opened for m in LAST_PRINT.finditer(bytes(s.body))}  # type: ignore[attr-defined]
    names = ("idle", "hour", "idle after")
    found = {n: crowd.between(marks[i], marks[i + 1]) for i, n in enumerate(names)}
    before, during = crowd.fewest(marks[0], marks[1]), crowd.fewest(marks[1], marks[2])
    return {
        **found,
        "minute_seconds": sorted(took),
        "longest": {page or "overview": round(s, 2) for page, s in crowd.longest.items()},
        "errors": crowd.errors,
        "fewer": {page: (before[page], n) for page, n in during.items() if n < before.get(page, 0)},
        "last_print": sorted(shown),
    }


def run(options: argparse.Namespace) -> dict[str, Any]:
    """A desk at 9:00, measured."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        env = {"OPENBELL_DATA_DIR": folder, "OPENBELL_SCHEDULER": "false", "OPENBELL_PORT": "0"}
        command = [sys.executable, "-m", "benchmarks.hour_child", str(options.symbols)]
        base, process = stack.enter_context(started(command, ROOT, **env))
        address = addresses.running(Path(folder))
        assert address is not None
        morning = Morning(process, Remote(address), options.symbols)
        return asyncio.run(measure(base, morning, options))


def table(found: dict[str, Any], minutes: int) -> str:
    """The figures as lines."""
    idle = (found["idle"]["p95_ms"] + found["idle after"]["p95_ms"]) / 2
    lines = [f"{'':12}{'reruns':>8}{'p50':>9}{'p95':>9}{'longest':>9}   p95 against idle"]
    for name in ("idle", "hour", "idle after"):
        row = found[name]
        times = "".join(f"{row[key]:>9}" for key in ("p50_ms", "p95_ms", "longest_ms"))
        lines.append(f"{name:12}{row['reruns']:>8}{times}   {row['p95_ms'] / idle:.2f}x")
    took = found["minute_seconds"]
    lines.append(
        f"a minute of prints -> ranked scan: {took[len(took) // 2]:.2f} s, {took[-1]:.2f} s"
    )
    # a page that is slow once a minute has few reruns, and hides in the quantile of all
    lines.append(f"longest rerun of a page, seconds: {found['longest']}")
    expected = f"{BEGINS + timedelta(minutes=minutes):%M}"
    shown = ", ".join(found["last_print"])
    lines.append(f"last print shown at the end: {shown} (of the clock: 09:{expected})")
    lines.append(f"reruns with an error: {found['errors']}; with fewer elements: {found['fewer']}")
    return "\n".join(lines)


def main() -> None:
    """Print the table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--every", type=float, default=20.0, help="seconds a minute goes by in")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--think", type=float, default=0.0, help="seconds between reruns")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds before and after")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/hour.json")
    options = parser.parse_args()
    os.environ["OPENBELL_FOLLOW_SECONDS"] = "0"  # a run that a page begins by itself is no rerun
    found = run(options)
    print(f"{options.symbols:,} names, {options.sessions} sessions, {options.minutes} minutes")
    print(table(found, options.minutes))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
