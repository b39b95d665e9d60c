"""What a desk takes that has nothing and does nothing: its server in a process of its own.

    python -m benchmarks.memory [--seconds 20]

Prints the resident memory in MB once it is ready, and after a while, with what the imports alone
take. The goal is 200.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from core.places import ROOT

PATIENCE_SECONDS = 120.0
LUMPS = ("pyarrow", "polars", "duckdb", "streamlit", "exchange_calendars", "app.asgi")
_STEPS = """
import sys
def rss(): return int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20
before = rss()
for name in sys.argv[1:]:
    __import__(name)
    now = rss()
    print(f'{name} {now - before:.0f}')
    before = now
"""


def lumps() -> list[tuple[str, int]]:
    """MB that each of the large imports adds, in this order."""
    found = subprocess.run(
        [sys.executable, "-c", _STEPS, *LUMPS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in found.stdout.splitlines()]
    return [(line[0], int(line[1])) for line in lines if len(line) == 2 and line[0] in LUMPS]


def resident(seconds: float) -> tuple[float, float]:
    """MB of a desk without datasets: when it is ready, and that many seconds later."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue.toml"
        catalogue.write_text("", encoding="utf-8")
        known = {"OPENBELL_DATA_DIR": f"{folder}/desk", "OPENBELL_CATALOGUE": str(catalogue)}
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, **known},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _ready(process)
            first = _megabytes(process.pid)
            time.sleep(seconds)
            return first, _megabytes(process.pid)
        finally:
            process.terminate()
            process.communicate()


def _ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    address = next(line.split()[-1] for line in process.stderr if "listens on" in line)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if httpx.get(f"{address}/api/health/ready").status_code == 200:
            return
        time.sleep(0.1)
    raise SystemExit("the desk did not become ready")


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="memory of an empty desk")
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    for name, megabytes in lumps():
        sys.stdout.write(f"import {name:20} +{megabytes} MB\n")
    first, last = resident(seconds)
    sys.stdout.write(
        f"empty desk: {first:.0f} MB when ready, {last:.0f} MB after {seconds:.0f} s\n"
    )


if __name__ == "__main__":
    main()
