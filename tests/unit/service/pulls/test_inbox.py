"""Files that are put into the inbox are loaded and moved; refused ones have their reason beside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import StoreError
from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import imports, inbox

HEAD = "symbol,session,open,high,low,close,volume\n"
GOOD = f"{HEAD}AAA,2026-11-25,1,2,1,2,100\n"


def put(desk: Desk, name: str, text: str = GOOD) -> Path:
    path = inbox.folder(desk) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def look_twice(desk: Desk) -> None:
    for _ in range(2):
        inbox.take_new(desk)


def names(desk: Desk, where: str) -> list[str]:
    folder = inbox.folder(desk) / where
    return sorted(p.name.partition("Z-")[2] for p in folder.glob("*")) if folder.is_dir() else []


def rows(desk: Desk) -> int:
    return desk.warehouse.read_anew("SELECT count(*) FROM bars_daily").item()


@pytest.mark.parametrize("name", ["prices.daily/any.csv", "prices.daily-2026.csv"])
def test_a_file_is_loaded_and_moved(desk: Desk, name: str) -> None:
    """By the folder it is in, or by its name; what follows from new rows is queued."""
    put(desk, name)
    look_twice(desk)
    assert rows(desk) == 1
    assert names(desk, "done") == [Path(name).name]
    assert names(desk, "refused") == []
    (done,) = feed.following(desk, feed.chosen(["pull.done"]), "")
    assert done["after"]["trigger"] == "inbox"
    assert {job.event_name for job in desk.queue.find()} >= {"scan"}


@pytest.mark.parametrize(("text", "where"), [(GOOD, "done"), ("nothing", "refused")])
def test_what_was_delivered_is_closed_to_others(desk: Desk, text: str, where: str) -> None:
    """Whatever mode it came with, 0600 as every file of the data folder."""
    put(desk, "prices.daily.csv", text).chmod(0o644)
    look_twice(desk)
    folder = inbox.folder(desk) / where
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_longest_name_of_a_dataset_decides(desk: Desk) -> None:
    """`prices.daily.raw.csv` is for prices.daily.raw."""
    put(desk, "prices.daily.raw.csv", "nothing")
    (item,) = inbox.arrivals(desk)
    assert item.dataset == "prices.daily.raw"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("notes.csv", GOOD, "no dataset is told"),
        ("sec.facts/x.csv", GOOD, "no dataset is told"),
        ("nowhere/x.csv", GOOD, "no dataset is told"),
        ("prices.daily.pdf", "x", "only files ending in"),
        ("prices.daily.csv", "symbol\nAAA\n", "column"),
        ("prices.daily.parquet", "no parquet", "parquet"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_reason_beside(
    desk: Desk, name: str, text: str, reason: str
) -> None:
    """And told as an event; nothing is stored."""
    put(desk, name, text)
    look_twice(desk)
    told = names(desk, "refused")
    assert told == [Path(name).name, f"{Path(name).name}.reason.txt"]
    beside = next((inbox.folder(desk) / "refused").glob("*.reason.txt")).read_text()
    assert reason.lower() in beside.lower()
    (event,) = feed.following(desk, feed.chosen(["file.refused"]), "")
    assert event["severity"] == "warning"
    assert rows(desk) == 0


def test_a_name_that_is_no_text_is_refused(desk: Desk) -> None:
    """Its bytes stay as they are in the name it is moved to."""
    folder = inbox.folder(desk)
    folder.mkdir()
    path = os.fsencode(folder) + b"/prices.daily-\xff.csv"
    Path(os.fsdecode(path)).write_text(GOOD)
    look_twice(desk)
    (event,) = feed.following(desk, feed.chosen(["file.refused"]), "")
    assert event["subject"] == "prices.daily-\\xff.csv"


def test_a_file_that_grows_is_left_until_it_stands_still(desk: Desk) -> None:
    """So is one with the name of an unfinished one, and a link."""
    path = put(desk, "prices.daily.csv", HEAD)
    put(desk, "prices.daily.csv.part")
    put(desk, ".prices.daily.csv")
    (inbox.folder(desk) / "prices.daily-link.csv").symlink_to(path)
    inbox.take_new(desk)
    path.write_text(GOOD)
    inbox.take_new(desk)
    assert rows(desk) == 0
    inbox.take_new(desk)
    assert rows(desk) == 1
    assert names(desk, "done") == ["prices.daily.csv"]


def test_a_kill_before_the_move_changes_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is loaded again, and no row is new."""

    def killed(*_: Any) -> Path:
        raise StoreError("killed")

    put(desk, "prices.daily.csv")
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_move", killed)
        inbox.take_new(desk)
        with pytest.raises(StoreError):
            inbox.take_new(desk)
    inbox.take_new(desk)
    assert rows(desk) == 1
    assert names(desk, "done") == ["prices.daily.csv"]


def test_a_full_disk_leaves_the_file_where_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken when there is room again."""

    def full(*_: Any) -> None:
        raise StoreError("no space")

    path = put(desk, "prices.daily.csv")
    with monkeypatch.context() as patch:
        patch.setattr(imports, "load", full)
        inbox.take_new(desk)
        with pytest.raises(StoreError):
            inbox.take_new(desk)
    assert path.exists()
    inbox.take_new(desk)
    assert rows(desk) == 1


def test_an_inbox_that_is_off_takes_nothing(make_desk: Callable[..., Desk]) -> None:
    """`OPENBELL_INBOX=false`."""
    desk = make_desk(inbox=False)
    put(desk, "prices.daily.csv")
    look_twice(desk)
    assert rows(desk) == 0


def test_the_command_says_what_would_be_taken_and_takes_it(desk: Desk) -> None:
    """Dry without `apply`; 3 when one is refused."""
    put(desk, "prices.daily.csv")
    put(desk, "notes.txt")
    said = commands.run(desk, "watch_folder", {})
    assert said.exit_code == commands.FOUND_ERRORS
    would = {item["file"]: item["would_be_taken"] for item in said.document["files"]}
    assert would == {"prices.daily.csv": True, "notes.txt": False}
    assert rows(desk) == 0
    done = commands.run(desk, "watch_folder", {"apply": True})
    assert {item["file"]: item["taken"] for item in done.document["files"]} == would
    assert rows(desk) == 1
    assert commands.run(desk, "watch_folder", {}).document["files"] == []
