"""The badge of a desk whose engine is away says for how long, and goes when one leads again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from components.kit import shell
from core.service.desk import Desk


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
