"""The state of all datasets is made once a second, and anew when something says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.service.desk import Desk
from core.service.pulls import datasets, upstreams

NOW = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)


@pytest.fixture
def made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When the states were made; the desk's clock stands still."""
    found: list[datetime] = []
    real = datasets._overview

    def counted(of: Desk, *given: object) -> object:
        found.append(of.now())
        return real(of, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(datasets, "_overview", counted)
    monkeypatch.setattr(desk, "now", lambda: NOW)
    return found


def at(desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: datetime) -> list[str]:
    monkeypatch.setattr(desk, "now", lambda: moment)
    return [status.freshness for status in datasets.overview(desk)]


def test_one_answer_a_second(
    desk: Desk, made: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many that ask at once share it; the next second has its own."""
    first = datasets.overview(desk)
    first.clear()  # of the one who asked alone
    at(desk, monkeypatch, NOW + timedelta(milliseconds=999))
    assert datasets.overview(desk)
    assert len(made) == 1
    at(desk, monkeypatch, NOW + timedelta(seconds=1))
    assert len(made) == 2


def test_a_commit_a_job_and_a_host_are_seen_at_once(
    desk: Desk, made: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the same second, each of them makes the states anew."""
    name = next(iter(desk.catalogue.datasets))
    assert all(status.running_job is None for status in datasets.overview(desk))
    desk.queue.publish("pull", {"dataset": name}, run_at=NOW)
    running = {status.name: status.running_job for status in datasets.overview(desk)}
    assert running[name] == desk.queue.find(limit=1)[0].id
    with desk.warehouse.transaction():
        pass
    datasets.overview(desk)
    assert len(made) == 3
    monkeypatch.setattr(upstreams, "states", lambda _: {name: "open"})
    assert {status.name: status.upstream for status in datasets.overview(desk)}[name] == "open"
