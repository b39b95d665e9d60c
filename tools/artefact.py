"""Builds the wheel and the source archive so that anyone who builds them gets the same bytes.

`python -m tools.artefact` builds both twice, compares, and prints their SHA-256; with `--try` it
also installs the wheel into a fresh environment and runs the desk from it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import try_desk
from tools.locks import ROOT

DIST = ROOT / "dist"


def epoch() -> str:
    """Seconds of the last commit: the time that every file in the artefact gets."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    line = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "1700000000"


def build(folder: Path) -> dict[str, str]:
    """Build into an empty folder; SHA-256 by file name."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch()},
        capture_output=True,  # its words go into the error when it fails
        check=True,
    )
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def sha256(path: Path) -> str:
    """SHA-256 of a file as hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build_twice() -> dict[str, str]:
    """Build into dist/ and once more aside; RuntimeError when the bytes differ."""
    first = build(DIST)
    with tempfile.TemporaryDirectory() as aside:
        second = build(Path(aside) / "dist")
    if first != second:
        raise RuntimeError(f"two builds differ: {first} and {second}")
    return first


def try_wheel(wheel: Path) -> Mapping[str, Any]:
    """Install the wheel with its locked requirements into a fresh environment and run the desk."""
    with tempfile.TemporaryDirectory() as home:
        environment = Path(home) / "environment"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        locked = [*pip, "--require-hashes", "-r", str(ROOT / "requirements.txt")]
        subprocess.run(locked, check=True)  # noqa: S603
        subprocess.run([*pip, "--no-deps", str(wheel)], check=True)  # noqa: S603
        return try_desk.demo(python)


def main() -> int:
    """Build, tell, try."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--try", action="store_true", dest="run", help="run the desk from the wheel"
    )
    chosen = parser.parse_args()
    for name, digest in build_twice().items():
        sys.stdout.write(f"{digest}  dist/{name}\n")
    if chosen.run:
        sys.stdout.write(json.dumps(try_wheel(next(DIST.glob("*.whl")))) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
