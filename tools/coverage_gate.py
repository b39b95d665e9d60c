"""Runs all tests but the browser's under coverage and holds the result against the gate.

`python -m tools.coverage_gate` runs the tests; `--judge` only reads the last coverage.json.
Core must have 95 % of its lines and 90 % of its branches run, all rooms together 90 % of lines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = "coverage.json"
GATE: Mapping[str, Mapping[str, float]] = {
    "core": {"lines": 95.0, "branches": 90.0},
    "": {"lines": 90.0},
}
WORST = 15  # modules named when the gate is shut


@dataclass(slots=True)
class Covered:
    """What was run of a module or of many."""

    lines: int = 0
    of_lines: int = 0
    branches: int = 0
    of_branches: int = 0

    def add(self, summary: Mapping[str, int]) -> None:
        """Add one module's part of coverage's report."""
        self.lines += summary["covered_lines"]
        self.of_lines += summary["num_statements"]
        self.branches += summary.get("covered_branches", 0)
        self.of_branches += summary.get("num_branches", 0)

    def percent(self, kind: str) -> float:
        """The share of "lines" or "branches" that were run, 0 to 100; 100 where there are none."""
        done, every = {
            "lines": (self.lines, self.of_lines),
            "branches": (self.branches, self.of_branches),
        }[kind]
        return 100.0 * done / every if every else 100.0


def covered(files: Mapping[str, Any], room: str) -> Covered:
    """What was run below a room of the project; "" is all rooms."""
    total = Covered()
    for path, told in files.items():
        if not room or path.startswith(f"{room}/"):
            total.add(told["summary"])
    return total


def judge(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures, whether each reaches the gate, and the modules that lack most."""
    files = report["files"]
    figures = {
        f"{room or 'all'} {kind}": {
            "percent": round(covered(files, room).percent(kind), 2),
            "gate": least,
        }
        for room, kinds in GATE.items()
        for kind, least in kinds.items()
    }
    ok = all(figure["percent"] >= figure["gate"] for figure in figures.values())
    return {"ok": ok, "figures": figures, "lacking": [] if ok else _worst(files)}


def _worst(files: Mapping[str, Any]) -> list[dict[str, Any]]:
    lacking = {
        path: (told["summary"]["missing_lines"], told["summary"].get("missing_branches", 0))
        for path, told in files.items()
    }
    worst = sorted(lacking, key=lambda path: sum(lacking[path]), reverse=True)[:WORST]
    return [
        {"module": path, "lines": lacking[path][0], "branches": lacking[path][1]} for path in worst
    ]


def words(workers: int) -> list[str]:
    """What Python is started with to run the tests and write the report."""
    measured = ["-m", "pytest", "-m", "not e2e", "--cov", f"--cov-report=json:{REPORT}"]
    return measured + (["-n", str(workers), "--dist", "worksteal"] if workers > 1 else [])


def run_tests(workers: int) -> int:
    """Run the tests and write the report; pytest's exit code."""
    line = [sys.executable, *words(workers)]
    return subprocess.run(line, cwd=ROOT, check=False).returncode  # noqa: S603 - our own words


def read_report(path: Path = ROOT / REPORT) -> dict[str, Any]:
    """The verdict on the last report."""
    return judge(json.loads(path.read_text(encoding="utf-8")))


def main() -> int:
    """Run, judge, tell; 1 when tests fail or the gate is shut."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests")
    parser.add_argument("--judge", action="store_true", help="only read the last report")
    chosen = parser.parse_args()
    if not chosen.judge and (code := run_tests(chosen.workers)):
        return code
    verdict = read_report()
    for name, figure in verdict["figures"].items():
        sys.stdout.write(f"{name}: {figure['percent']} % (gate {figure['gate']} %)\n")
    for row in verdict["lacking"]:
        sys.stdout.write(f"  {row['module']}: {row['lines']} lines, {row['branches']} branches\n")
    return not verdict["ok"]


if __name__ == "__main__":
    raise SystemExit(main())
