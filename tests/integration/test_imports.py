"""What importing the code must not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOOK = (
    "import core.service.everything, app.commands.desk; from pathlib import Path; "
    "print(*(p.read_text().strip() for p in Path('/proc/self/task').glob('*/comm')))"
)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists its threads")
def test_importing_computes_nothing() -> None:
    """Polars starts its threads with the first query; a process that is forked after hangs."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", LOOK]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "polars-0" not in said.stdout.split()
