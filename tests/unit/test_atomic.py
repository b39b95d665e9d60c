"""A file is whole or as it was, whatever happens on the way; nobody writes state another way."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from core import atomic

ROOT = Path(__file__).resolve().parents[2]
OTHERWISE = {
    "core/atomic.py",
    "core/sources/foundry/download.py",  # grows under its hash, in a folder of its own
    "core/store/files.py",  # a copy by another process, of a file that may be locked here
}


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_file_is_written_and_written_anew(tmp_path: Path) -> None:
    """Folders on the way are made; nothing lies beside it."""
    path = tmp_path / "deep" / "state.json"
    for body in (b"one", b"two"):
        atomic.write(path, body)
        assert path.read_bytes() == body
    assert names(path.parent) == {"state.json"}


@pytest.mark.parametrize("alone", [False, True])
def test_the_body_is_on_the_disk_before_its_name_and_the_name_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    """fsync of the file, replace, fsync of the folder: in this order."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def told_fsync(descriptor: int) -> None:
        kind = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if kind else f"file of {os.fstat(descriptor).st_size}")
        fsync(descriptor)

    def told_replace(source: Path, target: Path) -> None:
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(os, "replace", told_replace)
    atomic.write(tmp_path / "state", b"x" * 10, alone=alone)
    assert steps == ["file of 10", "replace", "folder"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("alone", [False, True])
def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, alone: bool
) -> None:
    """At whatever step it is found out."""
    path = tmp_path / "state"
    atomic.write(path, b"old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, b"new", alone=alone)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"state"}


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What was written so far is thrown away."""
    path = tmp_path / "state"
    with pytest.raises(ValueError, match="no"), atomic.writing(path) as file:
        file.write(b"half")
        raise ValueError("no")
    assert names(tmp_path) == set()


def test_only_the_owner_reads_what_is_private(tmp_path: Path) -> None:
    """Exports are for whom the umask lets."""
    before = os.umask(0o022)
    try:
        atomic.write(tmp_path / "token", b"x")
        atomic.write(tmp_path / "export.csv", b"x", private=False)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"token": 0o600, "export.csv": 0o644}


def test_what_a_killed_writer_left_goes(tmp_path: Path) -> None:
    """At once where one writer has the file alone, after an hour where others may be writing."""
    path = tmp_path / "state"
    alone, old, fresh = (tmp_path / f".state.{name}part" for name in ("", "0a1b.", "2c3d."))
    for left in (alone, old, fresh):
        left.write_bytes(b"torn")
    os.utime(old, (0, 0))
    atomic.write(path, b"x", alone=True)
    atomic.write(path, b"x")
    assert names(tmp_path) == {"state", fresh.name}


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    """Eight threads: the last one counts, none is in another's way."""
    path = tmp_path / "state"
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                atomic.write(path, str(number).encode() * 1000)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(path.read_bytes())) == 1
    assert names(tmp_path) == {"state"}


def test_nobody_writes_files_whole_another_way() -> None:
    """No fsync and no file set aside by hand outside this module."""
    by_hand = re.compile(r"os\.fsync|os\.replace|mkstemp|aside\.replace\(path\)")
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("core", "app", "components")
        for path in (ROOT / room).rglob("*.py")
        if by_hand.search(path.read_text(encoding="utf-8"))
    }
    assert found == OTHERWISE
