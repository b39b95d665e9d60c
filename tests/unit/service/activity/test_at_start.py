"""What is told at a start: settings, a restore, deaths of which nobody could tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import settings
from core.service.activity import at_start, feed
from core.service.data_folder import bring_back, places_of
from core.service.desk import Desk
from core.service.kernel import commands
from core.store import restore
from tests.filled import fill


def told(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    return feed.following(desk, feed.chosen(kinds), "")


def test_a_setting_that_changed_is_told_with_both_values(make_desk: Callable[..., Desk]) -> None:
    """The first start knows no other; the second tells what differs, the third nothing."""
    desk = make_desk(workers=2)
    at_start.tell(desk)
    assert told(desk, "settings") == []
    desk.settings = desk.settings.model_copy(update={"workers": 3})
    at_start.tell(desk)
    at_start.tell(desk)
    (event,) = told(desk, "settings")
    assert event["subject"] == "OPENBELL_WORKERS"
    assert (event["before"], event["after"]) == ({"value": "2"}, {"value": "3"})


def test_no_secret_is_told(make_desk: Callable[..., Desk]) -> None:
    """Of a token only that it is set; of an address not its password."""
    chosen = settings.load(
        foundry_token="hunter2",
        foundry_url="http://ann:hunter2@container:8888/x",
        foundry_headers={"X-Key": "hunter2"},
    )
    shown = at_start.plain(chosen)
    assert "hunter2" not in repr(shown)
    assert shown["foundry_token"] == shown["foundry_headers"] == "set"


@pytest.mark.in_file
def test_a_restore_is_told_once_by_the_store_it_put_in_place(
    make_desk: Callable[..., Desk],
) -> None:
    """The note is gone once it is told; a note told before (a kill came between) is not again."""
    desk = fill(make_desk())
    commands.run(desk, "backup", {})
    desk.close()
    bring_back(desk.settings, None, datetime.now(UTC))
    again = make_desk()
    note = places_of(again.settings).note
    body = note.read_bytes()
    at_start.tell(again)
    assert not note.exists()
    note.write_bytes(body)
    at_start.tell(again)
    (event,) = told(again, "restore.done")
    assert event["severity"] == "warning"
    assert "was put in place" in event["message"]


@pytest.mark.in_file
@pytest.mark.parametrize(("killed_in", "told_of"), [("_read", 1), ("_relative", 0)])
def test_a_restore_that_was_killed_is_told_if_it_comes_about(
    make_desk: Callable[..., Desk],
    monkeypatch: pytest.MonkeyPatch,
    killed_in: str,
    told_of: int,
) -> None:
    """The next start makes its renames and tells of it; before they were planned there is none."""

    def kill(*_: object) -> None:
        raise SystemExit

    desk = fill(make_desk())
    commands.run(desk, "backup", {})
    desk.close()
    with monkeypatch.context() as patch:
        patch.setattr(restore, killed_in, kill)
        patch.setattr(restore, "sweep", lambda _: None)  # a killed process sweeps nothing
        with pytest.raises(SystemExit):
            bring_back(desk.settings, None, datetime.now(UTC))
    again = make_desk()
    at_start.tell(again)
    assert len(told(again, "restore.done")) == told_of
    left = [path.name for path in again.settings.data_dir.iterdir() if ".part" in path.name]
    assert (left, places_of(again.settings).note.exists()) == ([], False)


def test_a_job_that_died_untold_is_told_at_the_next_start(desk: Desk) -> None:
    """Its process was killed between the burial and the event."""
    job_id = desk.queue.publish("pull", {"dataset": "d", "trigger": "schedule"}).job_id
    job = desk.queue.claim("w", timedelta(seconds=60))
    assert job is not None
    desk.queue.bury(job, "no answer")
    at_start.tell(desk)
    at_start.tell(desk)
    (event,) = told(desk, "job.dead")
    assert (event["subject"], event["actor"]) == (job_id, "desk")
    commands.run(desk, "jobs_retry", {"jobs": [job_id]})
    assert [e["kind"] for e in told(desk, "job")] == ["job.dead", "job.revived"]
