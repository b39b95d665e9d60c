"""The desk is killed with SIGKILL, again and again, and loses nothing and doubles nothing.

Its files are damaged one by one, which is told and mended.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import crash, crash_places, crash_sites, damage


@pytest.mark.crash
@pytest.mark.thorough
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """50 jobs, 20 kills (while writing, before the acknowledgement, exporting …): 50 done."""
    report = crash.run(tmp_path / "desk", rounds=20, jobs=50, seed=1)
    assert report.clean, report
    assert report.acked == 50
    assert report.kills >= 15
    assert {"writing", "committed", "exporting"} <= set(report.moments)


@pytest.mark.crash
@pytest.mark.thorough
def test_kills_in_care_and_first_start_leave_one_whole_desk(tmp_path: Path) -> None:
    """The old one or the new one, at twelve of the write sites; `make crash` has them all."""
    table = crash_sites.run(tmp_path, rounds=12)
    assert all(row.clean for row in table), crash_sites.as_text(table)
    assert [row.kills for row in table] == [2] * 6, crash_sites.as_text(table)


@pytest.mark.crash
@pytest.mark.thorough
def test_kills_where_files_come_and_go_leave_them_whole_or_away(tmp_path: Path) -> None:
    """Encrypted backups, second place, migrate-store, inbox …: one kill each, then done again."""
    table = crash_places.run(tmp_path, rounds=11)
    assert all(row.clean for row in table), crash_sites.as_text(table)
    assert [row.kills for row in table] == [1] * 11, crash_sites.as_text(table)


@pytest.mark.crash
@pytest.mark.thorough
def test_damage_to_any_file_is_told_and_mended(tmp_path: Path) -> None:
    """A flip, a cut and the loss of each file; `make damage` makes twenty flips and cuts each."""
    table = damage.run(tmp_path, each=1, seed=3)
    assert all(row.clean for row in table), damage.as_text(table)
    assert sum(row.told for row in table) >= 15, damage.as_text(table)
