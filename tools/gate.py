"""All checks of the project, told in one JSON document: `make gate`.

    {"ok": false, "seconds": 301.2, "checks": {"lint": {"ok": true, "seconds": 0.4}, …}}

A check that fails has its last lines under "told". The exit code is 0 when all are well, else 1.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tools import coverage_gate
from tools.locks import ROOT

TOLD = 20  # lines of a failed check
_IMPORTS = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
_DOCUMENTS = "tests/unit/app/test_documents.py"
CHECKS: Mapping[str, Sequence[str]] = {
    "lint": ("-m", "ruff", "check", "--quiet", "."),
    "format": ("-m", "ruff", "format", "--check", "--quiet", "."),
    "types": ("-m", "mypy"),
    "imports": ("-c", _IMPORTS),
    "locks": ("-m", "tools.locks"),
    "requirements": (
        "-m",
        "deptry",
        "app",
        "components",
        "core",
        "pages",
        "--config",
        "tools/deptry-desk.toml",
    ),
    "requirements of tests": ("-m", "deptry", ".", "--config", "tools/deptry-all.toml"),
    "house rules": ("-m", "tools.house_rules"),
    "documents": ("-m", "pytest", "-q", _DOCUMENTS),
}
_COUNTS = re.compile(r"(\d+) (passed|failed|skipped|xfailed|errors?)\b")


def run(words: Sequence[str]) -> dict[str, Any]:
    """Run Python with these words; whether it was well, how long it took, what it told if not."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    result: dict[str, Any] = {
        "ok": not done.returncode,
        "seconds": round(time.monotonic() - began, 1),
    }
    if done.returncode:
        result["told"] = (done.stdout + done.stderr).splitlines()[-TOLD:]
    if counts := _COUNTS.findall(done.stdout):
        result["counts"] = {word: int(number) for number, word in counts}
    return result


def tests(workers: int) -> dict[str, dict[str, Any]]:
    """The tests and what they cover, as two checks."""
    (ROOT / coverage_gate.REPORT).unlink(missing_ok=True)
    result = run(coverage_gate.words(workers))
    if not (ROOT / coverage_gate.REPORT).exists():
        return {"tests": result, "coverage": {"ok": False, "told": ["no report was written"]}}
    return {"tests": result, "coverage": coverage_gate.read_report()}


def summary(checks: Mapping[str, Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """The one document."""
    ok = all(check["ok"] for check in checks.values())
    return {"ok": ok, "seconds": round(seconds, 1), "checks": checks}


def main() -> int:
    """Run every check, print the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes that run tests")
    parser.add_argument("--no-tests", action="store_true", help="only what runs no test suite")
    chosen = parser.parse_args()
    began = time.monotonic()
    checks = {name: run(words) for name, words in CHECKS.items()}
    if not chosen.no_tests:
        checks |= tests(chosen.workers)
    document = summary(checks, time.monotonic() - began)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return not document["ok"]


if __name__ == "__main__":
    raise SystemExit(main())
