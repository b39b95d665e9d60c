"""How fast a desk says that it lives while it is attacked: python -m benchmarks.health.

A desk is served with an outside world that hangs: whatever it would ask over HTTP goes to a socket
that takes the connection and says nothing. Then, one after the other and all at once: foreign
WebSocket handshakes, long queries, and requests that are begun and never ended. Meanwhile
/api/health/live is asked over and over. At last, requests that are half sent and then silent: all
of them must be closed in time. Ends with 1 when p99 is not under the limit anywhere, when one of
those stays open, or when the desk has asked the outside world for anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.senders import HEAD_SECONDS

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MS = 100.0
HALF_SENT = 300
LONG_QUERY = "SELECT sum(hash(a.range, b.range) % 7) FROM range(1000000) a, range(1000000) b"
HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HALF = "POST /api/v1/commands/status HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\nX-Half: "


class Outside:
    """A proxy that hangs: it counts who comes, and answers nobody."""

    def __init__(self) -> None:
        self.asked = 0
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Outside]:
        """Listen on a free port of loopback."""
        hang = asyncio.Event()

        async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked += 1
            await hang.wait()
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            hang.set()
            server.close()


class Target:
    """A desk in a process of its own."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        self.host = url.removeprefix("http://")

    async def say(self, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection and write to it."""
        name, port = self.host.split(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(text.format(host=self.host).encode())
        await writer.drain()
        return reader, writer


@asynccontextmanager
async def served(outside: Outside) -> AsyncIterator[Target]:
    """A desk without schedules whose way out hangs."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = f"http://127.0.0.1:{outside.port}"
        env = {**os.environ, "OPENBELL_DATA_DIR": folder, "OPENBELL_SCHEDULER": "false"}
        env |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
        command = [sys.executable, "-m", "app", "serve", "--port", "0"]
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=log)
        try:
            yield await _until_up(Path(folder), process)
        finally:
            process.terminate()
            process.wait(60)


async def _until_up(folder: Path, process: subprocess.Popen[bytes]) -> Target:
    while process.poll() is None:
        if "listens on" in (folder / "log").read_text():
            address = json.loads((folder / "desk.json").read_text())
            return Target(address["url"], address["token"])
        await asyncio.sleep(0.1)
    raise SystemExit((folder / "log").read_text())


@asynccontextmanager
async def handshakes(target: Target, count: int) -> AsyncIterator[None]:
    """Handshakes of a foreign page, `count` at a time, again and again."""

    async def knock() -> None:
        while True:
            reader, writer = await target.say(HANDSHAKE)
            await reader.read()
            writer.close()
            await asyncio.sleep(0.5)

    async with _tasks([knock() for _ in range(count)]):
        yield


@asynccontextmanager
async def queries(target: Target, count: int) -> AsyncIterator[None]:
    """Queries that would run for hours, `count` at a time; each is asked again when it is ended."""
    headers = {"Authorization": f"Bearer {target.token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=None, headers=headers) as client:

        async def ask() -> None:
            while True:
                url = f"{target.url}/api/v1/commands/sql"
                await client.post(url, json={"query": LONG_QUERY})
                await asyncio.sleep(0.1)

        async with _tasks([ask() for _ in range(count)]):
            yield


@asynccontextmanager
async def halves(target: Target, count: int) -> AsyncIterator[None]:
    """Requests that are begun and go on by a byte a second."""

    async def drip() -> None:
        while True:
            _, writer = await target.say(HALF)
            try:
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(1)
            except OSError:
                await asyncio.sleep(0.1)

    async with _tasks([drip() for _ in range(count)]):
        yield


@asynccontextmanager
async def _tasks(work: list[Awaitable[None]]) -> AsyncIterator[None]:
    running = [asyncio.ensure_future(item) for item in work]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def asked(target: Target, seconds: float) -> dict[str, float]:
    """Milliseconds that the desk takes to say that it lives, over a time."""
    took: list[float] = []
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            answer = await client.get(f"{target.url}/api/health/live")
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200
            await asyncio.sleep(0.02)
    cuts = statistics.quantiles(took, n=100)
    return {"n": len(took), "p50_ms": cuts[49], "p99_ms": cuts[98], "max_ms": max(took)}


async def silent(target: Target, count: int) -> dict[str, float]:
    """How many of the requests that are half sent the desk closes in time, and after how long."""
    began = time.monotonic()
    begun = [await target.say(HALF) for _ in range(count)]

    async def closed(reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(HEAD_SECONDS * 2):
                await reader.read()
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    ends = await asyncio.gather(*(closed(reader) for reader, _ in begun))
    for _, writer in begun:
        writer.close()
    return {"n": count, "closed": sum(ends), "seconds": time.monotonic() - began}


async def measure(seconds: float) -> dict[str, Any]:
    """The figures of every attack alone, and of all together."""
    outside, found = Outside(), {}
    async with outside.open(), served(outside) as target:
        await asked(target, 1.0)
        attacks = {
            "nothing": [],
            "50 foreign handshakes": [(handshakes, 50)],
            "40 long queries": [(queries, 40)],
            "300 half-sent requests": [(halves, 300)],
        }
        attacks["all of it"] = [item for items in attacks.values() for item in items]
        for name, items in attacks.items():
            async with AsyncExitStack() as stack:
                for attack, count in items:
                    await stack.enter_async_context(attack(target, count))
                await asyncio.sleep(0.5)
                found[name] = await asked(target, seconds)
            print(name, {key: round(value, 1) for key, value in found[name].items()}, flush=True)
        half_sent = await silent(target, HALF_SENT)
        print("half sent and silent", half_sent, flush=True)
    return {"attacks": found, "half_sent": half_sent, "asked_outside": outside.asked}


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each attack")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "health.json")
    chosen = parser.parse_args()
    result = asyncio.run(measure(chosen.seconds))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(result, indent=2))
    worst = max(figures["p99_ms"] for figures in result["attacks"].values())
    print(
        f"worst p99 {worst:.1f} ms (limit {LIMIT_MS:g}), asked outside {result['asked_outside']}x"
    )
    left = result["half_sent"]["n"] - result["half_sent"]["closed"]
    return int(worst >= LIMIT_MS or left > 0 or result["asked_outside"] > 0)


if __name__ == "__main__":
    sys.exit(main())
