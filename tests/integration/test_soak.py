"""Three simulated days of schedules with faults, presses and cancels, over a change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import soak


def test_three_days_of_faults_miss_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every window is pulled once, none is left a dead letter; nothing hangs or is unhandled."""
    monkeypatch.setattr(soak, "BEGIN", datetime(2025, 10, 31, 12, tzinfo=UTC))
    report = soak.run(tmp_path / "desk", seconds=0, seed=3, days=3)
    assert report.clean, report
    assert report.windows > 12
    assert report.faults > 0
    assert report.backups_due == report.backups_made >= 3
    assert report.drills_due == report.drills_equal == 1
    assert report.alerts > 0
    assert report.sent == report.received > 0
