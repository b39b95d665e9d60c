"""Folders that somebody works in: locked, gone at the end, swept when their process was killed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from core.store import asides, sealing


def test_what_is_in_use_or_not_ours_is_not_swept(tmp_path: Path) -> None:
    """A folder of a killed process goes; one in use, and hidden files of other programs, stay."""
    for dead in (".openbell-dead.part", ".20260101T000000-x.part"):
        (tmp_path / dead).mkdir()
        (tmp_path / dead / "store.duckdb").write_bytes(b"half")
    (tmp_path / ".film.mkv.part").write_bytes(b"a download of the user")
    with asides.working(tmp_path) as living:
        asides.sweep(tmp_path)
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {living.name, ".film.mkv.part"}
    assert not living.exists()


def test_a_folder_that_is_swept_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between being made and being locked it is anybody's."""
    made: list[str] = []
    make = tempfile.mkdtemp

    def swept_once(**kwargs: str) -> str:
        made.append(make(**kwargs))
        if len(made) == 1:
            asides.sweep(tmp_path)
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept_once)
    with asides.working(tmp_path) as living:
        assert str(living) == made[1]
        assert living.is_dir()


def test_a_backup_that_is_made_leaves_alone_one_that_is_being_read(tmp_path: Path) -> None:
    """Sweeping for the one took away what the other had unpacked: `verify` called it damaged."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "store.duckdb").write_bytes(b"rows")
    key = sealing.new_key()
    made = sealing.pack(tmp_path / "plain", tmp_path / "20260101T000000", key)
    with sealing.unpacked(made, key) as folder:
        asides.sweep(tmp_path)
        assert (folder / "store.duckdb").read_bytes() == b"rows"
    assert not list(tmp_path.glob(".*"))


def test_a_backup_is_read_where_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is mounted to be read only is where backups are safe."""
    disk, scratch = tmp_path / "disk", tmp_path / "scratch"
    for folder in (disk, scratch, disk / "plain"):
        folder.mkdir()
    (disk / "plain" / "store.duckdb").write_bytes(b"rows")
    made = sealing.pack(disk / "plain", disk / "20260101T000000", None)

    def no_file(**_: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(scratch))
    with sealing.unpacked(made, None) as folder:
        assert scratch in folder.parents
    assert not list(scratch.iterdir())
