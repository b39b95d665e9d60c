"""Importing the desk starts no threads of Polars: what is forked from it would wait for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.opened import ROOT

CHILD = """
import core.service.everything
from pathlib import Path
threads = Path("/proc/self/task")
print(*(name.read_text().strip() for name in threads.glob("*/comm")), sep="\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads have no names here")
def test_no_pool_is_started_by_an_import() -> None:
    """A frame made at import did: each process forked after it hung at its first frame."""
    told = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = told.stdout.split()
    assert "python" in names[0]
    assert [name for name in names if name.startswith("polars-") and name[7:].isdigit()] == []
