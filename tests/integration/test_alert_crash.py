"""A desk is killed again and again while alerts go out: none is lost, none has two ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import crash_alerts


@pytest.mark.crash
def test_kills_while_alerts_go_out_lose_and_double_none(tmp_path: Path) -> None:
    """Each event reaches both places; what came twice came under the id it had before."""
    report = crash_alerts.run(tmp_path, rounds=6, seed=5)
    assert report.clean, crash_alerts.as_text(report)
    assert report.kills >= 5, crash_alerts.as_text(report)


@pytest.mark.parametrize(
    ("told", "lost", "doubled", "repeats"),
    [
        ([("a", b"1"), ("b", b"2")], 0, 0, 0),
        ([("a", b"1"), ("a", b"1"), ("b", b"2")], 0, 0, 1),
        ([("a", b"1"), ("c", b"1"), ("b", b"2")], 0, 1, 0),
        ([("a", b"1"), ("a", b"2")], 0, 1, 1),
        ([("a", b"1")], 1, 0, 0),
    ],
)
def test_what_a_place_was_told_is_counted(
    told: list[tuple[str, bytes]], lost: int, doubled: int, repeats: int
) -> None:
    """Of two events: a text under two ids, or an id with two texts, is doubled."""
    report = crash_alerts.Report(events=2)
    crash_alerts.count_place(report, told)
    assert (report.lost, report.doubled, report.repeats) == (lost, doubled, repeats)
