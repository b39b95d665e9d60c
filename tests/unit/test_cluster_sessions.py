"""What sessions at the desks of a cluster are told to cost."""

from __future__ import annotations

import pytest

from benchmarks import cluster_sessions
from benchmarks.cluster_sessions import Stretch, Wanted, compare, table
from tests.cluster_rig import Cluster, Member


def _stretch(slowest: float) -> Stretch:
    """A hundred reruns of ten sessions in a minute, six of which take `slowest` milliseconds."""
    return Stretch([50.0] * 94 + [slowest] * 6, 10, 60.0, 6.0, 0.6, 40.0)


def test_a_stretch_tells_quantiles_and_what_a_reader_costs() -> None:
    """Six seconds of a processor for a hundred reruns of ten readers in a minute."""
    assert _stretch(120.0).document() == {
        "sessions": 10,
        "reruns": 100,
        "p50_ms": 50.0,
        "p95_ms": 120.0,
        "longest_ms": 120.0,
        "cpu_ms_a_rerun": 60.0,
        "core_percent_a_reader": 1.0,
        "engine_core_percent": 1.0,
        "mb_a_reader": 4.0,
    }


def test_all_sessions_are_set_against_one_desks_share_before_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine that grows busy meanwhile counts on both sides."""
    desks = [Member(f"desk-{n}", None, 0, {}) for n in range(4)]  # type: ignore[arg-type]
    slow = {"one": 100.0, "all": 240.0, "one again": 200.0}
    asked: list[tuple[int, int]] = []

    def measured(_: Cluster, over: list[Member], share: int, __: Wanted) -> Stretch:
        asked.append((len(over), share))
        return _stretch([*slow.values()][len(asked) - 1])

    monkeypatch.setattr(cluster_sessions, "_stretch", measured)
    told = compare(Cluster("", "", [], desks), Wanted(200, 20.0, 60.0))
    assert asked == [(1, 50), (4, 50), (1, 50)]
    assert told["p95_ratio"] == 1.6
    assert "1.6x of 2.0x" in table(told)
