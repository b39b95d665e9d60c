"""What knowing who reads adds to a rerun: the same pages on a desk of one and on one with tokens.

    python -m benchmarks.authorising [--blocks 20] [--reruns 40] [--pages gap_scan,plans]

Two demos run side by side, one with `OPENBELL_ACCESS=open` and one with `token` where a viewer has
signed in. Blocks of reruns are asked of each in turn, and the processor time (user and system) of
their processes is compared: by page the ratio of all of it, and how far half of the blocks' ratios
lie from each other. The clock of processes ticks every 10 ms, so a block must take many of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import psutil

from app import address as addresses
from benchmarks.api import Reader, settled
from benchmarks.pages import ROOT, Target, served
from benchmarks.streamlit_session import Session
from core.errors import OpenbellError

PAGES = "gap_scan,plans,filing"
ACCESS = ("open", "token")


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


def desk(stack: ExitStack, access: str) -> tuple[Target, str]:
    """A demo with that access whose first pulls are done, and the cookie it wants."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    command = [sys.executable, "-m", "app", "demo", "--port", "0"]
    chosen = {"OPENBELL_DATA_DIR": folder, "OPENBELL_ACCESS": access}
    found = Target(access, *stack.enter_context(served(command, ROOT, **chosen)), ())
    told = addresses.read(Path(folder))
    if told is None:
        raise OpenbellError(f"no desk has told its address in {folder}")
    settled(Reader(found.base, told.token))
    return found, "" if access == "open" else signed_in(found.base, told.token)


async def spent(session: Session, process: psutil.Process, reruns: int) -> float:
    """Milliseconds of processor time that a rerun took."""
    before = process.cpu_times()
    for _ in range(reruns):
        await session.rerun()
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system) / reruns * 1000


async def compared(
    desks: list[tuple[Target, str]], page: str, blocks: int, reruns: int
) -> list[list[float]]:
    """By desk the milliseconds of each block; who is asked first changes from block to block."""
    found: list[list[float]] = [[], []]
    async with AsyncExitStack() as stack:
        sides = []
        for target, cookie in desks:
            session = await stack.enter_async_context(Session(target.base, page, cookie=cookie))
            sides.append((session, psutil.Process(target.pid)))
        for side in sides:
            await spent(*side, reruns)
        for block in range(blocks):
            for place in (0, 1) if block % 2 else (1, 0):
                found[place].append(await spent(*sides[place], reruns))
    return found


def show(name: str, alone: list[float], shared: list[float]) -> None:
    """Print a line of the table."""
    means = statistics.fmean(alone), statistics.fmean(shared)
    ratios = [b / a for a, b in zip(alone, shared, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    told = f"{means[0]:>8.2f} {means[1]:>8.2f} {means[1] / means[0]:>6.3f}"
    print(f"{name:<16} {told} {low:>6.3f}-{high:.3f}", flush=True)


def main() -> None:
    """Print the table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--reruns", type=int, default=40)
    parser.add_argument("--pages", default=PAGES)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/authorising.json")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        desks = [desk(stack, access) for access in ACCESS]
        print(f"{'page':<16} {'open ms':>8} {'token ms':>8} {'ratio':>6} {'half of them':>13}")
        for page in given.pages.split(","):
            found = asyncio.run(compared(desks, page, given.blocks, given.reruns))
            rows.append({"page": page, "open": found[0], "token": found[1]})
            show(page, *found)
    every = [[ms for row in rows for ms in row[access]] for access in ACCESS]
    show("all", *every)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
