"""Bulk files of the SEC: which kind one is, and those that are refused before they are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from core.errors import ParsingError, SizeLimitError
from core.sources.sec import bulk


def made(path: Path, members: dict[str, bytes]) -> Path:
    """A zip file with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of the two is meant, nobody can say."""
    path = tmp_path / "facts.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("CIK0000000001.json", b"{}")
    with pytest.raises(ParsingError, match="2 times"):
        bulk.bulk_kind(path)


@pytest.mark.parametrize("members", [{}, {"readme.txt": b"hello"}])
def test_a_zip_file_of_something_else_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    """With the names of those that are taken."""
    with pytest.raises(ParsingError, match="not a bulk file"):
        bulk.bulk_kind(made(tmp_path / "x.zip", members))


def test_what_is_no_document_has_no_company() -> None:
    """A member is a company's by its name alone."""
    assert bulk.cik_of("CIK0000320193.json") == 320193
    with pytest.raises(ParsingError, match="not a document"):
        bulk.cik_of("CIK320193.json")


def test_a_bomb_is_refused_by_what_it_claims_and_by_what_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit it is read; one byte more is too much, whatever its header says."""
    path = made(tmp_path / "facts.zip", {"CIK0000000001.json": b"0" * 1000})
    with zipfile.ZipFile(path) as archive:
        (info,) = bulk.members(archive)
        monkeypatch.setattr(bulk, "_limit", lambda _: 1000)
        bulk.must_be_no_bomb(info)
        assert len(bulk.read_member(archive, info)) == 1000
        monkeypatch.setattr(bulk, "_limit", lambda _: 999)
        with pytest.raises(SizeLimitError, match="999 bytes"):
            bulk.must_be_no_bomb(info)
        with pytest.raises(SizeLimitError, match="999 bytes"):
            bulk.read_member(archive, info)


def test_a_damaged_member_is_told_by_its_name(tmp_path: Path) -> None:
    """The others of the file may be sound."""
    path = made(tmp_path / "facts.zip", {"CIK0000000001.json": bytes(range(256)) * 40})
    body = bytearray(path.read_bytes())
    body[60:70] = b"\xff" * 10
    path.write_bytes(body)
    with zipfile.ZipFile(path) as archive:
        (info,) = bulk.members(archive)
        with pytest.raises(ParsingError, match="CIK0000000001"):
            bulk.read_member(archive, info)
