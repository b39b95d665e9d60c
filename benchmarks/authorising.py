"""What knowing who reads adds to a rerun: one desk with tokens, its checks timed, on, and off.

    python -m benchmarks.authorising [--pairs 300] [--reruns 6] [--pages gap_scan,plans]

A demo runs with `OPENBELL_ACCESS=token`, and a viewer has signed in. Reruns of a page are asked of
one session (benchmarks/authorising_child.py) in short blocks, on, off, off, on and so on: whatever
drifts is in both. Compared is the processor time of the thread that draws the page and of the event
loop beside it: what the rest of the desk does meanwhile (pulls, collecting garbage) and whoever
else uses the machine stand in neither. By page the table has:

    ms      of a rerun without checks: the mean of the middle half of its blocks
    checks  what the checks in it took of that, in per cent: timed around each, timers included
    pairs   what a rerun with checks takes more than one without: the mean of the differences of
            pairs of blocks, the outer fifths left out, in per cent, and its bounds (95 %, Yuen)

A block counts as the mean of its middle reruns. What is timed around each check is dearer than
elsewhere under load: the caches are cold. Two processes side by side differ by a tenth, whatever
they do.
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
ON, OFF, TIMED = signal.SIGUSR2, signal.SIGUSR1, signal.SIGHUP
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


async def compared(
    measured: Measured, page: str, pairs: int, reruns: int
) -> tuple[float, list[tuple[float, float]]]:
    """What is timed, in per cent; milliseconds with checks and without of each pair of blocks."""
    found = []
    path = "" if page == "overview" else page
    async with Session(measured.target.base, path, cookie=measured.cookie) as session:
        await block(measured, session, 20, ON)
        share = await timed(measured, session, 100)
        for place in range(pairs):
            ms = {}
            for mode in (ON, OFF) if place % 2 else (OFF, ON):
                ms[mode] = await block(measured, session, reruns, mode)
            found.append((ms[ON], ms[OFF]))
    return share, found


def middle(values: np.ndarray) -> float:
    """The mean without the outer quarters."""
    ordered = np.sort(values)
    out = len(ordered) // 4
    return float(ordered[out : len(ordered) - out].mean())


def added(pairs: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Milliseconds without checks, what they add in per cent, and the bounds of that (95 %)."""
    without = middle(np.array([off for _, off in pairs]))
    differences = np.sort([on - off for on, off in pairs])
    out = int(CUT * len(differences))
    kept = differences[out : len(differences) - out]
    drawn_in = np.clip(differences, kept[0], kept[-1])
    spread = drawn_in.std(ddof=1) / ((1 - 2 * CUT) * len(differences) ** 0.5)
    typical, reach, share = float(kept.mean()), T_95 * float(spread), 100 / without
    return without, typical * share, (typical - reach) * share, (typical + reach) * share


def show(name: str, share: float, pairs: list[tuple[float, float]]) -> None:
    """Print a line of the table."""
    without, more, low, high = added(pairs)
    bounds = f"{low:.2f} to {high:.2f}"
    print(f"{name:<16} {without:>8.2f} {share:>7.2f} {more:>7.2f} {bounds:>17}", flush=True)


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
        print(f"{'page':<16} {'ms':>8} {'checks':>7} {'pairs':>7} {'bounds':>17}")
        for page in given.pages.split(","):
            share, found = asyncio.run(compared(opened, page, given.pairs, given.reruns))
            rows.append({"page": page, "checks_pct": share, "ms": found})
            show(page, share, found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
