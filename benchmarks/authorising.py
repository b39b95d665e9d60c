"""What knowing who reads adds to a rerun: one desk with tokens, its checks timed, on, and off.

    python -m benchmarks.authorising [--pairs 60] [--reruns 5] [--pages gap_scan,plans]

A demo runs with `OPENBELL_ACCESS=token`, and a viewer has signed in. Blocks of reruns are asked of
one session (benchmarks/authorising_child.py), and by page the table has, of processor time:

    ms      of a rerun
    checks  what the checks in it took of that, in per cent: timed around each, timers included
    pairs   what a rerun with checks takes more than one without: the median of the differences of
            short blocks in turns, in per cent, and the bounds of that (95 %)

Under load the pairs differ by more than is looked for, and what is timed is dearer than elsewhere:
the caches are cold. Two processes side by side differ by a tenth, whatever they do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from app import address as addresses
from benchmarks.api import Reader, settled
from benchmarks.pages import ROOT, Target, served
from benchmarks.streamlit_session import Session
from core.errors import OpenbellError

PAGES = "overview,gap_scan,plans,filing"
CHILD = "from benchmarks import authorising_child as child; child.run()"
ON, OFF, TIMED = signal.SIGUSR2, signal.SIGUSR1, signal.SIGHUP
FILE, CHECKS = "CHECKS_FILE", "checks.txt"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A sign-in answers with a way on; what counts is the cookie it sets."""


def signed_in(base: str, own: str) -> str:
    """The cookie of a viewer who has signed in with a new token."""
    asked = urllib.request.Request(
        f"{base}/api/v1/commands/token_add",
        json.dumps({"name": "measured", "role": "viewer"}).encode(),
        {"Authorization": f"Bearer {own}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:
        token = json.load(answer)["document"]["token"]
    form = urllib.parse.urlencode({"token": token}).encode()
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        opener.open(f"{base}/sign-in", form)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Set-Cookie"]).split(";", 1)[0]
    raise OpenbellError("the sign-in set no cookie")


def desk(stack: ExitStack) -> tuple[Target, str, Path]:
    """A demo with tokens whose first pulls are done, a viewer's cookie, and where checks tell."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    told_in = Path(stack.enter_context(tempfile.TemporaryDirectory())) / CHECKS
    command = [sys.executable, "-c", CHILD, "demo", "--port", "0"]
    chosen = {"OPENBELL_DATA_DIR": folder, "OPENBELL_ACCESS": "token", FILE: str(told_in)}
    found = Target("token", *stack.enter_context(served(command, ROOT, **chosen)), ())
    told = addresses.read(Path(folder))
    if told is None:
        raise OpenbellError(f"no desk has told its address in {folder}")
    settled(Reader(found.base, told.token))
    return found, signed_in(found.base, told.token), told_in


def spent(pid: int) -> int:
    """Nanoseconds of processor time of a process, threads that have ended included (Linux)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


async def block(session: Session, pid: int, reruns: int, mode: int) -> float:
    """Milliseconds of processor time of a rerun in a mode."""
    os.kill(pid, mode)
    await session.rerun()  # the message that was waited for, too, is judged as the signal says
    before = spent(pid)
    for _ in range(reruns):
        await session.rerun()
    return (spent(pid) - before) / reruns / 1e6


async def timed(session: Session, pid: int, reruns: int, told_in: Path) -> float:
    """What the checks took of the processor time of reruns, in per cent."""
    os.kill(pid, TIMED)
    before = spent(pid)
    for _ in range(reruns):
        await session.rerun()
    whole = spent(pid) - before
    told_in.unlink(missing_ok=True)
    os.kill(pid, ON)
    while not (told_in.exists() and told_in.read_text()):
        await asyncio.sleep(0.05)
    return 100 * int(told_in.read_text()) / whole


async def compared(
    desk: tuple[Target, str, Path], page: str, pairs: int, reruns: int
) -> tuple[float, list[tuple[float, float]]]:
    """What is timed, in per cent; milliseconds with checks and without of each pair of blocks."""
    found = []
    target, cookie, told_in = desk
    async with Session(target.base, "" if page == "overview" else page, cookie=cookie) as session:
        await block(session, target.pid, reruns, ON)
        share = await timed(session, target.pid, 20 * reruns, told_in)
        for place in range(pairs):
            ms = {}
            for mode in (ON, OFF) if place % 2 else (OFF, ON):
                ms[mode] = await block(session, target.pid, reruns, mode)
            found.append((ms[ON], ms[OFF]))
    return share, found


def added(pairs: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Milliseconds without checks, what they add in per cent, and the bounds of that (95 %)."""
    without = statistics.median(off for _, off in pairs)
    differences = sorted(on - off for on, off in pairs)
    reach = min(int(0.98 * len(pairs) ** 0.5) + 1, (len(pairs) - 1) // 2)
    middle = (len(pairs) - 1) / 2
    low, high = differences[int(middle - reach)], differences[int(middle + reach + 0.5)]
    typical = statistics.median(differences)
    share = 100 / without
    return without, typical * share, low * share, high * share


def show(name: str, share: float, pairs: list[tuple[float, float]]) -> None:
    """Print a line of the table."""
    without, more, low, high = added(pairs)
    bounds = f"{low:.2f} to {high:.2f}"
    print(f"{name:<16} {without:>8.2f} {share:>7.2f} {more:>7.2f} {bounds:>17}", flush=True)


def main() -> None:
    """Print the table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--reruns", type=int, default=5)
    parser.add_argument("--pages", default=PAGES)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/authorising.json")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        opened = desk(stack)
        print(f"{'page':<16} {'ms':>8} {'checks':>7} {'pairs':>7} {'bounds':>17}")
        for page in given.pages.split(","):
            share, found = asyncio.run(compared(opened, page, given.pairs, given.reruns))
            rows.append({"page": page, "checks_pct": share, "ms": found})
            show(page, share, found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
