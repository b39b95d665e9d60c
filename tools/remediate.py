"""Mends what machines can mend: format, lint, generated documents: `python -m tools.remediate`.

Dry by default: it works on a copy and shows the difference; `--apply` does it here. Prints a JSON
summary; exit code 3 when something is (or would be) changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS: tuple[tuple[str, ...], ...] = (
    ("-m", "ruff", "check", "--fix", "--quiet", "."),
    ("-m", "ruff", "format", "--quiet", "."),
    ("-m", "app.documents"),
)
CHANGED = 3
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "node_modules", "desk", "*.duckdb", "dist")


def mend(folder: Path) -> list[str]:
    """Run every step in a folder; what is left that no machine mends, as lines."""
    left = []
    for step in STEPS:
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, *step], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            left += [line for line in (done.stdout + done.stderr).splitlines() if line][:50]
    return left


def difference(before: Path, after: Path) -> str:
    """The unified difference of two folders, without what no step touches."""
    names = ["--exclude=.git", "--exclude=.venv*", "--exclude=*_cache", "--exclude=__pycache__"]
    line = ["diff", "-ruN", *names, "--exclude=desk", "--exclude=*.egg-info", "--exclude=dist"]
    done = subprocess.run(  # noqa: S603 - our own words
        [*line, str(before), str(after)], capture_output=True, text=True, check=False
    )
    return done.stdout.replace(str(after), "b").replace(str(before), "a")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Mend a copy, show what differs, and with --apply mend the project itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apply", action="store_true", help="change the files")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=LEFT_OUT, symlinks=True)
        left = mend(copy)
        shown = difference(root, copy)
    changed = sorted({line.split()[1][2:] for line in shown.splitlines() if line[:4] == "+++ "})
    if chosen.apply and changed:
        left = mend(root)
    sys.stderr.write(shown)
    summary = {"applied": chosen.apply, "changed": changed, "left": left}
    sys.stdout.write(json.dumps(summary) + "\n")
    return CHANGED if changed or left else 0


if __name__ == "__main__":
    raise SystemExit(main())
