"""Which datasets `refresh` asks for when it is told none."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import refresh

START = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was asked for; of all datasets one alone is behind."""
    seen: list[dict[str, Any]] = []

    def refresh_now(_: Desk, names: list[str], **more: Any) -> list[Any]:
        seen.append({"names": names, **more})
        return [SimpleNamespace(job_id=f"job of {n}", dataset=n, joined=False) for n in names]

    fresh = {n: SimpleNamespace(is_behind=n == "prices.daily") for n in desk.catalogue.datasets}
    monkeypatch.setattr(Desk, "freshness_of_all", lambda _: fresh)
    monkeypatch.setattr(refresh, "refresh_now", refresh_now)
    return seen


def run(desk: Desk, **given: Any) -> Any:
    return commands.run(desk, "refresh", given).document


def test_what_is_behind_is_asked_for(desk: Desk, asked: list[dict[str, Any]]) -> None:
    """Without any word; the tickets say which job it is."""
    tickets = run(desk)
    assert tickets == [{"job_id": "job of prices.daily", "dataset": "prices.daily",
                        "joined": False}]  # fmt: skip
    assert asked == [{"names": ["prices.daily"], "force": False, "start": None, "end": None}]


@pytest.mark.parametrize("word", [{"all": True}, {"now": True}, {"start": START.isoformat()}])
def test_each_word_alone_asks_for_all(
    desk: Desk, asked: list[dict[str, Any]], word: dict[str, Any]
) -> None:
    """All that is enabled and comes from outside."""
    run(desk, **word)
    enabled = [d.name for d in desk.catalogue.enabled if d.source != "file"]
    assert [call["names"] for call in asked] == [enabled]
    assert asked[0]["force"] == ("now" in word)
    assert asked[0]["start"] == (START if "start" in word else None)


def test_named_ones_are_asked_for_whether_they_are_behind_or_not(
    desk: Desk, asked: list[dict[str, Any]]
) -> None:
    """In their order, and no others."""
    run(desk, datasets=["sec.facts", "prices.daily"])
    assert [call["names"] for call in asked] == [["sec.facts", "prices.daily"]]


def test_nothing_is_asked_for_when_nothing_is_behind(
    desk: Desk, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tickets, no call."""
    fresh = {n: SimpleNamespace(is_behind=False) for n in desk.catalogue.datasets}
    monkeypatch.setattr(Desk, "freshness_of_all", lambda _: fresh)
    assert (run(desk), asked) == ([], [])
