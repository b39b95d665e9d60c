"""Compiles requirements*.in into requirements*.txt with hashes: `make lock`.

Versions that a lock has stay unless `--upgrade` or `--upgrade-package NAME` is given.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.locks import LOCKS, ROOT

OLDEST = {"requirements-bench": "3.11.5"}  # a peer of the benchmarks needs that much
COMMAND = ("pip", "compile", "--quiet", "--universal", "--generate-hashes")


def command(name: str, extra: Sequence[str]) -> list[str]:
    """The line that compiles one lock."""
    uv = str(Path(sys.executable).with_name("uv"))
    oldest = ["--python-version", OLDEST.get(name, "3.11")]
    files = [f"{name}.in", "--output-file", f"{name}.txt"]
    return [uv, *COMMAND, "--custom-compile-command", "make lock", *oldest, *extra, *files]


def main() -> int:
    """Compile all locks; the first failure's exit code."""
    for name in LOCKS:
        code = subprocess.run(command(name, sys.argv[1:]), cwd=ROOT, check=False).returncode  # noqa: S603 - our own words
        if code:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
