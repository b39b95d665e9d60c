"""A verified download against an unchecked one, over loopback, in one run.

    python -m benchmarks.download [--mb 57.6] [--rounds 7] [--out download.json]

Verified: the client's `download` (size cap, sha256 on the way, fsync, idle deadline). Unchecked:
the same bytes with aiohttp into a file; synced: that and an fsync. Floor: the sha256 of the bytes
in memory. Also prints how far the client's memory rose. The container runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from benchmarks.faults import peak, reset_peak
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient


def body(mb: float) -> bytes:
    """CSV text of that size."""
    line = b"AAPL,2024-01-02,187.15,188.44,183.885,185.64,82488674\n"
    return b"Name,date,open,high,low,close,volume\n" + line * int(mb * 1e6 / len(line))


def serve(pipe: Connection, mb: float) -> None:
    """The container's process."""

    async def run() -> None:
        async with FoundrySandbox(StaticProvider({"P": body(mb)})) as sandbox:
            pipe.send(sandbox.url)
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


async def unchecked(url: str, sha256: str, target: Path) -> None:
    """What one would write first."""
    address = f"{url}/dataset/download/csv/{sha256}"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        with target.open("wb") as file:
            async for piece in response.content.iter_chunked(256 * 1024):
                file.write(piece)


async def synced(url: str, sha256: str, target: Path) -> None:
    """The same, and the file is on the disk when it is done."""
    await unchecked(url, sha256, target)
    with target.open("rb") as file:
        await asyncio.to_thread(os.fsync, file.fileno())


async def verified(url: str, sha256: str, target: Path) -> None:
    """The client's way."""
    async with FoundryClient(url) as client:
        await client.download(sha256, target.parent)
    (target.parent / f"{sha256}.csv").unlink()


async def timed(call: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1e3


async def measure(url: str, mb: float, rounds: int) -> dict[str, float]:
    """Medians in milliseconds, alternating the ways; memory in MB."""
    data = body(mb)
    sha256 = hashlib.sha256(data).hexdigest()
    times: dict[str, list[float]] = {"unchecked": [], "synced": [], "verified": [], "sha256": []}
    async with FoundryClient(url) as client:
        await client.get_single("P", schema_overwrite={})
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "file"
        for _ in range(rounds):
            times["unchecked"].append(await timed(lambda: unchecked(url, sha256, target)))
            times["synced"].append(await timed(lambda: synced(url, sha256, target)))
            times["verified"].append(await timed(lambda: verified(url, sha256, target)))
            began = time.perf_counter()
            hashlib.sha256(data)
            times["sha256"].append((time.perf_counter() - began) * 1e3)
        before = reset_peak()
        await verified(url, sha256, target)
        memory = peak() - before
    return {name: statistics.median(values) for name, values in times.items()} | {"mb": memory}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=57.6)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, chosen.mb), daemon=True)
    process.start()
    figures = asyncio.run(measure(ours.recv(), chosen.mb, chosen.rounds))
    ours.send("stop")
    process.join(5)
    for name in ("unchecked", "synced", "verified", "sha256"):
        print(f"{name:12}{figures[name]:8.0f} ms")
    bare, durable = (figures["verified"] / figures[name] for name in ("unchecked", "synced"))
    print(
        f"verified / unchecked {bare:.2f}, verified / synced {durable:.2f};"
        f" memory +{figures['mb']:.1f} MB; {chosen.mb} MB,"
        f" median of {chosen.rounds}; Python {platform.python_version()},"
        f" aiohttp {aiohttp.__version__}"
    )
    if chosen.out:
        chosen.out.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
