"""What lies in the inbox and is no file, or cannot be moved: told once, and stops no other."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import inbox
from core.sources.files.source import NO_ROWS
from core.store.pull_state import pull_states
from tests.unit.service.pulls.test_inbox import HEAD, look_twice, names, put, rows


def refusals(desk: Desk) -> dict[str, str]:
    """What was told of files, by name."""
    events = feed.following(desk, feed.chosen(["file.refused"]), "")
    told = {event["subject"]: event["message"] for event in events}
    assert len(told) == len(events)
    return told


def odd(desk: Desk, kind: str) -> Path:
    """Something that is no file, made in the inbox."""
    path = inbox.folder(desk) / f"prices.daily-{kind}.csv"
    path.parent.mkdir(exist_ok=True)
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "linked folder":
        path.symlink_to("/etc")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = inbox.folder(desk) / "prices.daily" / "within"
        path.mkdir(parents=True)
        (path / "deep.csv").write_text("x")
    return path


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("link", "it is a link"),
        ("linked folder", "it is a link"),
        ("pipe", "it is no plain file"),
        ("folder", "it is a folder within a folder"),
    ],
)
def test_what_is_no_file_is_told_once_and_left_alone(desk: Desk, kind: str, what: str) -> None:
    """It was passed over without a word: whoever put it there waited for ever."""
    path = odd(desk, kind)
    put(desk, "prices.daily.csv")
    (item,) = [f for f in would(desk) if f["file"] == path.name]
    assert (item["would_be_taken"], what in item["reason"]) == (False, True)
    for _ in range(3):
        look_twice(desk)
    assert list(refusals(desk)) == [path.name]
    assert what in refusals(desk)[path.name]
    assert "left where it is" in refusals(desk)[path.name]
    assert os.path.lexists(path)
    assert rows(desk) == 1


def would(desk: Desk) -> list[dict[str, Any]]:
    """What the command says of each."""
    files: list[dict[str, Any]] = commands.run(desk, "watch_folder", {}).document["files"]
    return files


def test_a_folder_that_cannot_be_read_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox as a whole was said to be unreadable, and nothing was taken."""
    closed = inbox.folder(desk) / "prices.minute"
    closed.mkdir(parents=True)
    real = os.scandir

    def scandir(path: Any) -> Any:
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    put(desk, "prices.daily.csv")
    for _ in range(3):
        look_twice(desk)
    assert rows(desk) == 1
    assert "cannot be read: Permission denied" in refusals(desk)["prices.minute"]


def refuse_to_move(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Let the system refuse to rename files of a name, with an error of this number."""
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if path.name == name:
            raise OSError(number, os.strerror(number))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)


@pytest.mark.parametrize(("text", "loaded"), [(None, 1), ("nothing", 0)])
def test_a_file_that_cannot_be_moved_is_loaded_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, text: str | None, loaded: int
) -> None:
    """It lies in a folder of somebody else's: it came again every two seconds, and no other did."""
    put(desk, "prices.daily.csv", *([text] if text else []))
    refuse_to_move(monkeypatch, "prices.daily.csv", errno.EACCES)
    for _ in range(3):
        look_twice(desk)
    assert rows(desk) == loaded
    pulls = desk.warehouse.read_anew("SELECT count(*) FROM pulls").item()
    assert pulls == 1
    assert "cannot be moved: Permission denied" in refusals(desk)["prices.daily.csv"]
    done = commands.run(desk, "watch_folder", {"apply": True}).document["files"]
    assert [(item["taken"], item["moved_to"]) for item in done] == [(bool(loaded), None)]


def test_a_file_of_another_file_system_is_moved_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the inbox may be one that is mounted there."""
    put(desk, "prices.daily/a.csv")
    refuse_to_move(monkeypatch, "a.csv", errno.EXDEV)
    look_twice(desk)
    assert names(desk, "done") == ["a.csv"]
    assert not (inbox.folder(desk) / "prices.daily" / "a.csv").exists()
    assert refusals(desk) == {}


def test_a_file_with_a_header_alone_is_not_said_to_be_whole(desk: Desk) -> None:
    """It was *done* with no rows, as if the day had come in."""
    put(desk, "prices.daily.csv", HEAD)
    look_twice(desk)
    (event,) = feed.following(desk, feed.chosen(["pull"]), "")
    assert (event["kind"], event["after"]["error"]) == ("pull.partial", NO_ROWS)


def test_a_file_that_is_refused_makes_no_dataset_fail(desk: Desk) -> None:
    """Its source was not asked: *Datasets* said that it fails until the next pull."""
    put(desk, "prices.daily.csv", "symbol\nAAPL\n")
    look_twice(desk)
    assert "prices.daily.csv" in refusals(desk)
    assert desk.warehouse.read("SELECT state, trigger FROM pulls").rows() == [("failed", "inbox")]
    state = pull_states(desk.warehouse)["prices.daily"]
    assert (state.last_failure, state.last_error) == (None, None)
