"""The badge of a desk whose engine is away says for how long, and goes when one leads again."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from components.kit import shell
from core.service.desk import Desk
from core.service.pulls import upstreams
from core.service.pulls.upstreams import UpstreamStatus
from tests.opened import opened


def test_a_desk_says_for_how_long_it_only_reads(desk: Desk) -> None:
    """In red, under the title of every page."""
    away: list[float | None] = [12.4]
    relay: Any = SimpleNamespace(away=lambda: away[0])
    desk.relay = relay
    told, _ = shell.strip(desk, [])
    assert "read-only for 12 s" in told
    assert "red" in told
    away[0] = None
    assert "read-only" not in shell.strip(desk, [])[0]


def test_a_page_tells_of_several_faults_in_one_badge(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read-only, and both hosts down: one badge that says what, and since when behind *Details*."""
    desk.relay = SimpleNamespace(away=lambda: 12.4)
    since = datetime(2026, 11, 30, 14, 10, tzinfo=UTC)
    names = tuple(desk.catalogue.datasets)
    hosts = [
        UpstreamStatus("h", name, name, "open", since, since, since, "x", False, names)
        for name in ("container", "SEC")
    ]
    monkeypatch.setattr(upstreams, "down", lambda _: hosts)
    at = opened("gap_scan")
    assert not at.exception
    (head,) = [item.value for item in at.markdown if item.value.startswith("# ")]
    assert head.count(":red-badge[") == 1
    assert "read-only · container down · SEC down" in head
    assert "since" not in head.partition(":red-badge[")[2].partition("]")[0]
    (told,) = [item.value for item in at.markdown if "Read-only for 12 s" in item.value]
    assert told.count("Container down since 09") + told.count("SEC down since 09") == 2
