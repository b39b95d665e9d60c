"""Runs an installed desk from an empty folder: help, then the demo until it has pulled rows.

`python -m tools.try_desk PYTHON` tries the desk that this Python has, and prints what it saw.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 180.0
_LISTENS = re.compile(r"listens on (http://\S+)")
_COUNT = "SELECT count(*) AS n FROM bars_daily"


def demo(python: Path, **environment: str) -> Mapping[str, Any]:
    """What a demo shows that runs from an empty folder; RuntimeError when it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        empty = Path(folder) / "empty"
        home.mkdir()
        empty.mkdir()
        own = {"HOME": str(home), "PATH": os.environ["PATH"], **environment}
        told = _run(python, empty, own, "--help")
        with (Path(folder) / "log").open("w+") as log:
            line = [str(python), "-m", "app", "demo", "--port", "0"]
            desk = subprocess.Popen(line, cwd=empty, env=own, stdout=log, stderr=log)  # noqa: S603
            try:
                seen = _look(desk, Path(log.name), python, empty, own)
            finally:
                desk.terminate()
                desk.wait(30)
        left = sorted(path.name for path in empty.iterdir())
        return {"help_lines": told.count("\n"), "exit_code": desk.returncode, **seen, "left": left}


def _look(
    desk: subprocess.Popen[bytes], log: Path, python: Path, folder: Path, own: Mapping[str, str]
) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    base, data_dir = _address(desk, log, deadline)
    seen: dict[str, Any] = {
        name: _get(base + path)
        for name, path in (
            ("page", "/"),
            ("font", "/app/static/inter-latin.woff2"),
            ("live", "/api/health/live"),
        )
    }
    beside = {**own, "OPENBELL_DATA_DIR": data_dir}
    while not (rows := json.loads(_run(python, folder, beside, "sql", _COUNT, "--json"))[0]["n"]):
        _must_go_on(desk, log, deadline)
    return {**seen, "rows": rows}


def _address(desk: subprocess.Popen[bytes], log: Path, deadline: float) -> tuple[str, str]:
    while not (found := _LISTENS.search(log.read_text())):
        _must_go_on(desk, log, deadline)
    data_dir = re.search(r"export OPENBELL_DATA_DIR=(\S+)", log.read_text())
    return found[1], data_dir[1] if data_dir else ""


def _must_go_on(desk: subprocess.Popen[bytes], log: Path, deadline: float) -> None:
    if desk.poll() is not None or time.monotonic() > deadline:
        raise RuntimeError(f"the demo got nowhere: {log.read_text()[-2000:]}")
    time.sleep(0.2)


def _get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own desk
        return len(answer.read())


def _run(python: Path, folder: Path, environment: Mapping[str, str], *words: str) -> str:
    line = [str(python), "-m", "app", *words]
    done = subprocess.run(  # noqa: S603 - our own program
        line, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(json.dumps(demo(Path(sys.argv[1]))) + "\n")
