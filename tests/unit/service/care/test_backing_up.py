"""Backups that happen: made, thinned out, drilled, told, and seen in health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest

from core.errors import IntegrityError, StoreError
from core.observe.registry import REGISTRY
from core.service.activity import feed
from core.service.care import backing_up, drill, gauging, health
from core.service.data_folder import backups_of
from core.service.desk import Desk
from core.service.engine import DeskEngine
from core.service.kernel import commands, handlers
from core.store import backup as backups
from core.store import manifests
from core.store.digests import digests
from tests.filled import fill

EVENING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


def told(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    return feed.following(desk, feed.chosen(kinds), "")


def folders(desk: Desk) -> list[str]:
    return [path.name for path in backups.found(backups_of(desk.settings.data_dir))]


def run(desk: Desk, name: str) -> Any:
    context = SimpleNamespace(report=lambda *_, **__: None)
    job = SimpleNamespace(payload={}, id="j", event_name=name)
    return asyncio.run(handlers.HANDLERS[name](desk, job, context))  # type: ignore[arg-type]


@pytest.mark.thorough
def test_evening_after_evening_the_newest_of_each_day_and_week_stay(
    make_desk: Callable[..., Desk],
) -> None:
    """Ten evenings under two days and two weeks; what was removed is in the event."""
    desk = fill(make_desk(backup_keep="2d 2w"))
    for day in range(10):  # Friday 20 to Sunday 29 November
        desk.now = lambda day=day: EVENING + timedelta(days=day)  # type: ignore[misc]
        run(desk, "backup")
    stay = ["20261129T233000", "20261128T233000", "20261122T233000"]
    assert folders(desk) == [f"{name}{backups.TIMED}" for name in stay]
    events = told(desk, "backup")
    assert [event["kind"] for event in events] == ["backup.made"] * 10
    assert sum(len(event["after"]["removed"]) for event in events) == 7


def test_a_damaged_backup_is_left_to_a_person(make_desk: Callable[..., Desk]) -> None:
    """The rotation removes what it knows, never what it cannot read."""
    desk = fill(make_desk(backup_keep="1d"))
    desk.now = lambda: EVENING  # type: ignore[misc]
    run(desk, "backup")
    (backups_of(desk.settings.data_dir) / folders(desk)[0] / manifests.MANIFEST).write_text("{")
    desk.now = lambda: EVENING + timedelta(days=1)  # type: ignore[misc]
    run(desk, "backup")
    assert len(folders(desk)) == 2


def test_a_backup_that_fails_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ended by the next that is made; whoever asked gets the error."""

    def full(*_: object, **__: Any) -> None:
        raise StoreError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(backups, "make", full)
        with pytest.raises(StoreError, match="no space"):
            commands.run(desk, "backup", {})
    commands.run(desk, "backup", {})
    assert [event["kind"] for event in told(desk, "backup")] == ["backup.failed", "backup.made"]


def test_one_elsewhere_thins_nothing_out(make_desk: Callable[..., Desk], tmp_path: Any) -> None:
    """`backup --to` makes one there, whatever the rotation says of those at home."""
    desk = make_desk(backup_keep="1d")
    for day in range(3):
        desk.now = lambda day=day: EVENING + timedelta(days=day)  # type: ignore[misc]
        backing_up.make(desk, tmp_path / "there")
    assert len(backups.found(tmp_path / "there")) == 3


def test_what_somebody_asked_for_stays(make_desk: Callable[..., Desk]) -> None:
    """Two by hand within a day and two at their time: only the older timed one goes."""
    desk = fill(make_desk(backup_keep="1d"))
    for hour in range(4):
        desk.now = lambda hour=hour: EVENING + timedelta(hours=hour)  # type: ignore[misc]
        if hour % 2:
            commands.run(desk, "backup", {})
        else:
            run(desk, "backup")
    by_hand = ["20261121T003000", "20261121T023000"]
    assert sorted(folders(desk)) == sorted([*by_hand, f"20261121T013000{backups.TIMED}"])


def test_a_drill_restores_aside_and_finds_all_equal(desk: Desk) -> None:
    """The desk works on and its files stay; nothing of the drill is left; health and event know."""
    fill(desk)
    assert health.report(desk)["checks"]["drill"]["message"].startswith("there is no backup")
    commands.run(desk, "backup", {})
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM watchlist")  # the desk has gone on since
    before = sorted(path.name for path in desk.settings.data_dir.iterdir())
    found = commands.run(desk, "drill", {}).document
    assert found["equal"] is True
    assert found["digests"]["facts"]["backup"].startswith("32:")
    assert found["digests"]["watchlist"]["restored"].startswith("2:")
    assert sorted(path.name for path in desk.settings.data_dir.iterdir()) == before
    assert [event["kind"] for event in told(desk, "drill")] == ["drill.passed"]
    assert health.report(desk)["checks"]["drill"]["status"] == "ok"
    gauging.gauge(desk)
    text = generate_latest(REGISTRY).decode()
    assert "openbell_backup_age_seconds " in text
    assert "openbell_drill_age_seconds " in text


def test_a_restore_that_differs_fails_the_drill(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row of what was restored is another: told as critical, exit code 3, bad health."""
    fill(desk)
    commands.run(desk, "backup", {})
    real = digests
    calls: list[int] = []

    def once_wrong(read: Any) -> dict[str, str]:
        calls.append(1)
        return real(read) | ({"plans": "1:2:3"} if len(calls) == 2 else {})

    monkeypatch.setattr(drill, "digests", once_wrong)
    done = commands.run(desk, "drill", {})
    assert (done.exit_code, done.document["equal"]) == (commands.FOUND_ERRORS, False)
    (event,) = told(desk, "drill")
    assert (event["kind"], event["severity"]) == ("drill.failed", "critical")
    assert "plans" in event["message"]
    assert health.report(desk)["checks"]["drill"]["status"] == "bad"


def test_a_damaged_newest_backup_fails_the_drill(desk: Desk) -> None:
    """Though an older one is whole: whoever would restore tonight should know."""
    fill(desk)
    commands.run(desk, "backup", {})
    desk.now = lambda: datetime.now(UTC) + timedelta(days=1)  # type: ignore[misc]
    newest = Path(commands.run(desk, "backup", {}).document["folder"])
    with (newest / "store.duckdb").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff" * 64)
    with pytest.raises(IntegrityError, match="damaged"):
        drill.drill(desk)
    assert [event["kind"] for event in told(desk, "drill")] == ["drill.failed"]


def test_the_engine_has_both_in_its_timetable(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """At the hour of the setting in New York; none where the setting is empty."""
    for time, wanted in (("18:30", {"backup", "drill"}), ("", set[str]())):
        desk = make_desk(backup_time=time, data_dir=tmp_path / f"desk{len(wanted)}")
        scheduler = DeskEngine(desk)._scheduler
        assert scheduler is not None
        timed = {item.event_name for item in scheduler._timed}
        assert timed & {"backup", "drill"} == wanted
        for item in scheduler._timed:
            if item.event_name == "backup":
                due = item.schedule.get_next_refresh(datetime(2026, 7, 1, 12, tzinfo=UTC))
                assert due == datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
