"""Every connection to a file is closed by what calls its query off first."""

from __future__ import annotations

import re
from pathlib import Path

CORE = Path(__file__).resolve().parents[3] / "core"
OPENED = re.compile(r"with [^\n]*(?<!ending\()duckdb\.connect\(")
UNDONE = re.compile(r"""["']ROLLBACK["']""")


def test_a_query_that_was_broken_into_is_nowhere_run_to_its_end() -> None:
    """Closing a connection does that, and so does a rollback: both are done in one module."""
    found = {
        path.relative_to(CORE).as_posix()
        for path in CORE.rglob("*.py")
        if "import duckdb\n" in (text := path.read_text())
        for pattern in (OPENED, UNDONE)
        if pattern.search(text)
    }
    assert found == {"store/connection.py"}
