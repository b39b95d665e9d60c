"""Runs a desk from an empty folder: help, then the demo until it has pulled rows.

`python -m tools.try_desk PYTHON` tries the desk that this Python has, and prints what it saw.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 600.0
PATIENT = {"OPENBELL_SQL_SECONDS": "300"}  # it is tried whether a query works, not how fast
_LISTENS = re.compile(r"listens on (http://\S+)")
_BESIDE = re.compile(r"export OPENBELL_DATA_DIR=(.+)")
_COUNT = "SELECT count(*) AS n FROM bars_daily"


@dataclass(slots=True)
class Desk:
    """A demo that runs: its process, its log, its address, and how commands beside it are run."""

    python: Path
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path
    deadline: float
    url: str = ""

    def command(self, *words: str) -> str:
        """What a command prints that is given beside the desk."""
        return command(self.python, self.folder, self.environment, *words)

    def get(self, path: str) -> int:
        """How many bytes the desk answers to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310 - our desk
            return len(answer.read())

    def wait(self) -> None:
        """Take a breath; RuntimeError when the desk has ended or took too long."""
        if self.process.poll() is not None or time.monotonic() > self.deadline:
            raise RuntimeError(f"the demo got nowhere: {self.log.read_text()[-2000:]}")
        time.sleep(0.2)


@contextmanager
def running(
    python: Path, folder: Path, environment: Mapping[str, str], *words: str
) -> Iterator[Desk]:
    """A demo that was started in that folder and listens; it is ended at the end.

    `words` are more options of `demo`.
    """
    own = dict(environment)
    with tempfile.TemporaryDirectory() as aside, (Path(aside) / "log").open("w") as log:
        line = [str(python), "-m", "app", "demo", "--port", "0", *words]
        process = subprocess.Popen(line, cwd=folder, env=own, stdout=log, stderr=log)  # noqa: S603
        deadline = time.monotonic() + PATIENCE_SECONDS
        desk = Desk(python, folder, own, process, Path(log.name), deadline)
        try:
            while not (found := _LISTENS.search(desk.log.read_text())):
                desk.wait()
            desk.url = found[1]
            if beside := _BESIDE.search(desk.log.read_text()):
                own["OPENBELL_DATA_DIR"] = shlex.split(beside[1])[0]
            yield desk
        finally:
            process.terminate()
            process.wait(60)


def demo(python: Path, **environment: str) -> Mapping[str, Any]:
    """What a demo shows that runs from an empty folder; RuntimeError when it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        home, empty = Path(folder) / "home", Path(folder) / "empty"
        home.mkdir()
        empty.mkdir()
        own = {"HOME": str(home), "PATH": os.environ["PATH"], **PATIENT, **environment}
        told = command(python, empty, own, "--help")
        with running(python, empty, own) as desk:
            seen = {
                "page": desk.get("/"),
                "font": desk.get("/app/static/inter-latin.woff2"),
                "live": desk.get("/api/health/live"),
                "rows": _rows(desk),
            }
        left = sorted(path.name for path in empty.iterdir())
    code = desk.process.returncode
    return {"help_lines": told.count("\n"), "exit_code": code, **seen, "left": left}


def _rows(desk: Desk) -> int:
    while not (rows := json.loads(desk.command("sql", _COUNT, "--json"))[0]["n"]):
        desk.wait()
    return int(rows)


def command(python: Path, folder: Path, environment: Mapping[str, str], *words: str) -> str:
    """What a command of the desk prints; RuntimeError when it fails."""
    line = [str(python), "-m", "app", *words]
    done = subprocess.run(  # noqa: S603 - our own program
        line, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(json.dumps(demo(Path(sys.argv[1]))) + "\n")
