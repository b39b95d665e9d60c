"""What knowing who reads adds to a rerun: one desk with tokens, its checks timed, on, and off.

    python -m benchmarks.authorising [--pairs 300] [--reruns 6] [--pages gap_scan,plans]

A demo runs with `OPENBELL_ACCESS=token`, and a viewer has signed in. Reruns of a page are asked of
one session (benchmarks/authorising_child.py) in short blocks: without checks, with them, with each
made ten times, and back again, so that whatever drifts is in all. Compared is the processor time of
the thread that draws the page and of the event loop beside it: what the rest of the desk does
meanwhile (pulls, collecting garbage) and whoever else uses the machine stand in neither. The table
has by page, in per cent of a rerun without checks, the last two with their bounds (95 %, Yuen):

    ms      of a rerun without checks: the mean of the middle half of its blocks
    timed   what the checks in it took: timed around each, timers (3 microseconds each) included
    once    what a rerun with checks takes more, from its blocks beside those without
    tenth   the same from the blocks with ten of each, divided by ten: bounds a tenth as wide, which
            decide on a busy machine; caches are cold for one of the ten alone

A block counts as the mean of its middle reruns; of the differences of blocks the outer fifths are
left out. Two processes side by side differ by a tenth, whatever they do.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import json
import os
import signal
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app import address as addresses
from benchmarks.api import Reader, settled
from benchmarks.pages import ROOT, Target, served
from benchmarks.streamlit_session import Session
from core.errors import OpenbellError

PAGES = "overview,gap_scan,plans,filing"
CHILD = "from benchmarks import authorising_child as child; child.run()"
ON, OFF, TIMED, MANY = signal.SIGUSR2, signal.SIGUSR1, signal.SIGHUP, signal.SIGWINCH
TIMES = 10  # as in the child
Blocks = dict[int, list[float]]  # by mode, milliseconds of a rerun of each block
CUT, T_95 = 0.2, 1.97  # outer share left out on each side; of Student's t for 180 of 300 pairs


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


@dataclass(frozen=True, slots=True)
class Measured:
    """A desk that is measured, the cookie of who reads it, and the folder of what it tells."""

    target: Target
    cookie: str
    told_in: Path

    @property
    def checks(self) -> Path:
        """Where stands what the checks took."""
        return self.told_in / "checks.txt"

    def reruns(self) -> array.array[int]:
        """Nanoseconds of processor time of every run of a page so far."""
        found = array.array("q")
        found.frombytes((self.told_in / "reruns").read_bytes())
        return found

    async def take(self, session: Session, reruns: int) -> np.ndarray:
        """Milliseconds of processor time of so many reruns, which are asked for now."""
        before = len(self.reruns())
        for _ in range(reruns):
            await session.rerun()
        while len(found := self.reruns()) < before + reruns:
            await asyncio.sleep(0.001)  # its last message comes before its end
        return np.array(found[before:]) / 1e6


def desk(stack: ExitStack) -> Measured:
    """A demo with tokens whose first pulls are done, with a viewer of it."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    told_in = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    command = [sys.executable, "-c", CHILD, "demo", "--port", "0"]
    found = {"CHECKS_FILE": str(told_in / "checks.txt"), "RERUNS_FILE": str(told_in / "reruns")}
    chosen = {"OPENBELL_DATA_DIR": folder, "OPENBELL_ACCESS": "token", **found}
    target = Target("token", *stack.enter_context(served(command, ROOT, **chosen)), ())
    told = addresses.read(Path(folder))
    if told is None:
        raise OpenbellError(f"no desk has told its address in {folder}")
    settled(Reader(target.base, told.token))
    return Measured(target, signed_in(target.base, told.token), told_in)


async def block(measured: Measured, session: Session, reruns: int, mode: int) -> float:
    """Milliseconds of processor time of a rerun in a mode: the mean of the middle ones."""
    os.kill(measured.target.pid, mode)
    await measured.take(session, 1)  # the message that was waited for, too, is judged as it says
    return middle(await measured.take(session, reruns))


async def timed(measured: Measured, session: Session, reruns: int) -> float:
    """What the checks took of the processor time of reruns, in per cent."""
    os.kill(measured.target.pid, TIMED)
    whole = (await measured.take(session, reruns)).sum()
    measured.checks.unlink(missing_ok=True)
    os.kill(measured.target.pid, ON)
    while not (measured.checks.exists() and measured.checks.read_text()):
        await asyncio.sleep(0.05)
    return float(int(measured.checks.read_text()) / whole / 1e4)


async def compared(measured: Measured, page: str, pairs: int, reruns: int) -> tuple[float, Blocks]:
    """What is timed, in per cent; milliseconds of a rerun in each block, by mode."""
    found: Blocks = {OFF: [], ON: [], MANY: []}
    path = "" if page == "overview" else page
    async with Session(measured.target.base, path, cookie=measured.cookie) as session:
        await block(measured, session, 20, ON)
        share = await timed(measured, session, 100)
        for place in range(pairs):
            for mode in list(found) if place % 2 else reversed(list(found)):
                found[mode].append(await block(measured, session, reruns, mode))
    return share, found


def middle(values: np.ndarray) -> float:
    """The mean without the outer quarters."""
    ordered = np.sort(values)
    out = len(ordered) // 4
    return float(ordered[out : len(ordered) - out].mean())


def added(more: list[float], less: list[float]) -> tuple[float, float, float]:
    """What blocks take more than those beside them, and the bounds of that (95 %), in per cent."""
    differences = np.sort(np.array(more) - np.array(less))
    out = int(CUT * len(differences))
    kept = differences[out : len(differences) - out]
    drawn_in = np.clip(differences, kept[0], kept[-1])
    spread = float(drawn_in.std(ddof=1)) / ((1 - 2 * CUT) * len(differences) ** 0.5)
    typical, reach, share = float(kept.mean()), T_95 * spread, 100 / middle(np.array(less))
    return typical * share, (typical - reach) * share, (typical + reach) * share


def show(name: str, share: float, found: Blocks) -> None:
    """Print a line of the table."""
    without = middle(np.array(found[OFF]))
    told = [f"{name:<10} {without:>7.2f} {share:>6.2f}"]
    for mode, times in ((ON, 1), (MANY, TIMES)):
        more, low, high = (value / times for value in added(found[mode], found[OFF]))
        told.append(f"{more:>7.2f} {f'({low:.2f} to {high:.2f})':>17}")
    print(" ".join(told), flush=True)


def main() -> None:
    """Print the table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--reruns", type=int, default=6)
    parser.add_argument("--pages", default=PAGES)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/authorising.json")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        opened = desk(stack)
        print(f"{'page':<10} {'ms':>7} {'timed':>6} {'once':>7} {'':>17} {'tenth':>7}", flush=True)
        for page in given.pages.split(","):
            share, found = asyncio.run(compared(opened, page, given.pairs, given.reruns))
            named = {"off": found[OFF], "on": found[ON], "ten": found[MANY]}
            rows.append({"page": page, "timed_pct": share, "ms": named})
            show(page, share, found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
