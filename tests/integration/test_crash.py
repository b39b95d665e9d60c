"""The desk is killed with SIGKILL, again and again, and loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import crash


@pytest.mark.crash
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """50 jobs, 20 kills (while writing, before the acknowledgement, exporting …): 50 done."""
    report = crash.run(tmp_path / "desk", rounds=20, jobs=50, seed=1)
    assert report.clean, report
    assert report.acked == 50
    assert report.kills >= 15
    assert {"writing", "committed", "exporting"} <= set(report.moments)
