"""Pages under load: reruns over real websocket sessions, memory, and first paint in Chromium.

    python -m benchmarks.pages --url http://127.0.0.1:8501 --pid 1234 --pages overview,gap_scan
    python -m benchmarks.pages                     # starts `python -m app demo` itself

Beside the desk, in the same run: a hello-world as `streamlit run` serves it, and the same page
with the cures of the desk (app/.streamlit/config.toml, uvicorn), measured again around each page.
Each session waits for its run to end before it asks for the next; all sessions ask at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.streamlit_session import Session

ROOT = Path(__file__).resolve().parent.parent
HELLO = "import streamlit as st\n\nst.title('Hello')\nst.write('Hello, world')\n"
SERVED = "import streamlit as st\n\napp = st.App('hello.py')\n"
SESSIONS = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Target:
    """A server to drive: its address, the process to weigh, and the pages to ask for."""

    name: str
    base: str
    pid: int
    pages: tuple[str, ...]


@contextmanager
def served(command: list[str], folder: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """Run a server; its address is what it prints first on stdout or stderr, and its process id."""
    with started(command, folder, **settings) as (base, process):
        yield base, process.pid


@contextmanager
def started(
    command: list[str], folder: Path, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a server, whose stdin is a pipe; its address and its process."""
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        base = _address(process)
        _ready(base)
        yield base, process
    finally:
        process.terminate()
        process.wait(30)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        found = re.search(r"http://(?:127\.0\.0\.1|localhost|0\.0\.0\.0):(\d+)", line)
        if found and "sandbox" not in line:
            _drain(process)
            return f"http://127.0.0.1:{found[1]}"
    raise RuntimeError("the server ended before it said where it listens:\n" + "".join(seen))


def _drain(process: subprocess.Popen[str]) -> None:
    import threading

    threading.Thread(target=lambda: [None for _ in process.stdout or ()], daemon=True).start()


def _ready(base: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{base}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{base} did not get ready")


def stock_hello(stack: ExitStack) -> Target:
    """A hello-world as `streamlit run` serves it, without any option but the port."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", "hello.py", "--server.headless=true"]
    command += [f"--server.port={_free_port()}", "--server.address=127.0.0.1"]
    return Target("stock hello", *stack.enter_context(served(command, folder)), ("",))


def tuned_hello(stack: ExitStack) -> Target:
    """The same page with the desk's config, served by uvicorn."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    (folder / "served.py").write_text(SERVED, encoding="utf-8")
    shutil.copytree(ROOT / "app" / ".streamlit", folder / ".streamlit")
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "served:app"]
    command += ["--port", str(_free_port()), "--no-access-log"]
    return Target("tuned hello", *stack.enter_context(served(command, folder)), ("",))


def desk(stack: ExitStack, options: argparse.Namespace) -> Target:
    """The desk that runs already (`--url --pid`), or a demo started for the benchmark."""
    pages = tuple(options.pages.split(",")) if options.pages else _all_pages()
    if options.url:
        return Target("desk", options.url.rstrip("/"), options.pid, pages)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    os.environ["OPENBELL_DATA_DIR"] = folder
    command = [sys.executable, "-m", "app", "demo", "--port", "0", *options.demo.split()]
    return Target("desk", *stack.enter_context(served(command, ROOT)), pages)


def _all_pages() -> tuple[str, ...]:
    from app.navigation import present

    return tuple(entry.name for entries in present().values() for entry in entries)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def load(target: Target, page: str, sessions: int, reruns: int) -> dict[str, float]:
    """Median and 95th percentile of a rerun, in milliseconds, with so many sessions at once."""
    page = "" if page == "overview" else page
    async with contextful([Session(target.base, page) for _ in range(sessions)]) as opened:
        await asyncio.gather(*(s.rerun() for s in opened))  # warm
        began = time.perf_counter()
        runs = await asyncio.gather(*(_repeat(s, reruns) for s in opened))
        seconds = time.perf_counter() - began
    times = sorted(t for run in runs for t in run)
    return {
        "p50_ms": statistics.median(times) * 1000,
        "p95_ms": times[min(int(len(times) * 0.95), len(times) - 1)] * 1000,
        "reruns_per_second": len(times) / seconds,
        "kilobytes": opened[0].received_bytes / 1000,
    }


async def _repeat(session: Session, reruns: int) -> list[float]:
    return [await session.rerun() for _ in range(reruns)]


class contextful:  # noqa: N801
    """Open many sessions and close them all."""

    def __init__(self, sessions: list[Session]) -> None:
        self.sessions = sessions

    async def __aenter__(self) -> list[Session]:
        await asyncio.gather(*(s.__aenter__() for s in self.sessions))
        return self.sessions

    async def __aexit__(self, *_: Any) -> None:
        await asyncio.gather(*(s.__aexit__(None, None, None) for s in self.sessions))


async def memory(target: Target, page: str, sessions: int = 20) -> float:
    """Megabytes of resident memory that each extra session costs, every one after two runs."""
    page = "" if page == "overview" else page
    process = psutil.Process(target.pid)
    async with contextful([Session(target.base, page) for _ in range(3)]) as warm:
        await asyncio.gather(*(_repeat(s, 3) for s in warm))
        before = process.memory_info().rss
        async with contextful([Session(target.base, page) for _ in range(sessions)]) as more:
            await asyncio.gather(*(_repeat(s, 2) for s in more))
            return (process.memory_info().rss - before) / sessions / 1e6


def paint(target: Target, page: str, tries: int) -> dict[str, float]:
    """First contentful paint and finished page in Chromium, cold cache, milliseconds (median)."""
    from playwright.sync_api import sync_playwright

    painted, finished = [], []
    path = "" if page in ("", "overview") else f"/{page}"
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for _ in range(tries):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tab = context.new_page()
            began = time.perf_counter()
            tab.goto(target.base + path)
            tab.wait_for_selector("[data-test-script-state='notRunning'] h1", timeout=60_000)
            finished.append((time.perf_counter() - began) * 1000)
            painted.append(tab.evaluate(_FIRST_PAINT))
            context.close()
        browser.close()
    return {"paint_ms": statistics.median(painted), "ready_ms": statistics.median(finished)}


_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


def measure(
    target: Target, options: argparse.Namespace, beside: Target | None = None
) -> list[dict[str, object]]:
    """All figures of one server, a row per page; with `beside`, its rerun before and after each."""
    rows: list[dict[str, object]] = []
    for page in target.pages:
        row: dict[str, object] = {"target": target.name, "page": page or "-"}
        for count in options.sessions:
            hello = [_median(beside, count, options)] if beside else []
            figures = asyncio.run(load(target, page, count, options.reruns))
            row |= {f"{key}@{count}": round(value, 1) for key, value in figures.items()}
            if beside:  # other work on the machine slows both alike
                hello.append(_median(beside, count, options))
                row[f"ratio@{count}"] = round(figures["p50_ms"] / statistics.mean(hello), 2)
        row["mb_per_session"] = round(asyncio.run(memory(target, page)), 2)
        if not options.no_browser:
            row |= {k: round(v) for k, v in paint(target, page, options.paints).items()}
        rows.append(row)
        print(_line(row, options.sessions), flush=True)
    return rows


def _median(target: Target, count: int, options: argparse.Namespace) -> float:
    return asyncio.run(load(target, "", count, options.reruns))["p50_ms"]


def _line(row: dict[str, object], sessions: list[int]) -> str:
    reruns = " ".join(f"{row[f'p50_ms@{n}']:>8}" for n in sessions)
    size, weight = row[f"kilobytes@{sessions[0]}"], row["mb_per_session"]
    paints = f"{row.get('paint_ms', '-'):>7} {row.get('ready_ms', '-'):>7}"
    return f"{row['target']:<12} {row['page']:<16} {reruns}  {size:>7} {weight:>6}  {paints}"


def ratios(rows: list[dict[str, object]], sessions: list[int]) -> list[str]:
    """Each page of the desk against the tuned hello beside it, and against its first paint."""
    tuned = next(row for row in rows if row["target"] == "tuned hello")
    lines = []
    for row in rows:
        if row["target"] != "desk":
            continue
        parts = [f"{row[f'ratio@{n}']:>7.1f}x" for n in sessions]
        if "ready_ms" in row:
            parts.append(f" paint {row['paint_ms'] / tuned['paint_ms']:.1f}x")
            parts.append(f" ready {row['ready_ms'] / tuned['ready_ms']:.1f}x")
        lines.append(f"{row['page']:<16} {' '.join(parts)}")
    return lines


def parse() -> argparse.Namespace:
    """The options of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a desk that runs already")
    parser.add_argument("--pid", type=int, default=os.getpid(), help="its process, to weigh it")
    parser.add_argument("--pages", default="", help="comma-separated; default: all")
    parser.add_argument("--demo", default="", help="options for `python -m app demo`")
    parser.add_argument("--reruns", type=int, default=15)
    parser.add_argument("--paints", type=int, default=3)
    parser.add_argument("--sessions", type=int, nargs="+", default=list(SESSIONS))
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/pages.json")
    return parser.parse_args()


def main() -> None:
    """Drive all servers in turn and print the table."""
    options = parse()
    with ExitStack() as stack:
        targets = [stock_hello(stack), tuned_hello(stack), desk(stack, options)]
        heads = " ".join(f"{f'p50@{n}':>8}" for n in options.sessions)
        print(f"{'':<12} {'page':<16} {heads}  {'kB/run':>7} {'MB/s.':>6}    paint   ready (ms)")
        rows = [row for target in targets[:2] for row in measure(target, options)]
        rows += measure(targets[2], options, beside=targets[1])
    print("\nrerun p50 against tuned hello, before and after each page:")
    print("\n".join(ratios(rows, options.sessions)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
