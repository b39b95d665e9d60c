"""Bytes on their way to disk: hashes, limits, full disks."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import IntegrityError, OpenbellError, ProtocolError, SizeLimitError, TransportError
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.download import Sink, Unzip, gunzip, pour, verify

CSV = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(1000))
SHA = hashlib.sha256(CSV).hexdigest()


async def pieces(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """A body in pieces."""
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def heard(size: int) -> None:
    """A progress hook that keeps still."""


async def unpacked(body: bytes, max_bytes: int = 10**7) -> bytes:
    """What comes out of `gunzip`."""
    stream = gunzip(pieces(body), max_bytes=max_bytes, what="d", where="h")
    return b"".join([part async for part in stream])


async def test_a_sink_hashes_what_it_writes_and_keeps_it_only_on_demand(tmp_path: Path) -> None:
    """Without `keep` nothing stays behind."""
    for keep in (True, False):
        path = tmp_path / f"{keep}.csv"
        with Sink(path, "d") as sink:
            await pour(pieces(CSV), sink, heard)
            verify(sink, SHA, "d", "h")
            if keep:
                sink.keep()
        assert path.exists() is keep
    assert (tmp_path / "True.csv").read_bytes() == CSV


async def test_a_full_disk_is_a_typed_error_that_is_not_tried_again(tmp_path: Path) -> None:
    """It says what to do; the file is gone."""
    with Path("/dev/full").open("wb") as full, Sink(tmp_path / "f", "d") as sink:
        os.dup2(full.fileno(), sink._file.fileno())
        with pytest.raises(TransportError, match="No space left") as caught:
            await pour(pieces(CSV * 10, 50_000), sink, heard)
    assert not caught.value.transient
    assert "free space" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


async def test_a_missing_download_folder_is_a_typed_error(tmp_path: Path) -> None:
    """Before anything is asked."""
    async with FoundryClient("http://127.0.0.1:1", directory=tmp_path / "absent") as client:
        with pytest.raises(TransportError, match="P: cannot write"):
            await client.get_single("P")


async def test_gzip_is_unpacked_within_its_ratio() -> None:
    """Honest bodies come whole; bombs, cuts and garbage are refused."""
    assert await unpacked(gzip.compress(CSV)) == CSV
    with pytest.raises(SizeLimitError):
        await unpacked(gzip.compress(bytes(10**7)), max_bytes=10**9)
    with pytest.raises(SizeLimitError):
        await unpacked(gzip.compress(CSV), max_bytes=100)
    with pytest.raises(IntegrityError, match="cut off"):
        await unpacked(gzip.compress(CSV)[:-20])
    with pytest.raises(IntegrityError, match="broken"):
        await unpacked(CSV)


def extract(folder: Path, max_bytes: int = 10**6, **members: bytes) -> Path:
    """A ZIP of the members through `Unzip`; `good` stands for the right name."""
    archive = folder / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(f"{SHA}.csv" if name == "good" else name, data)
    target = folder / "out.csv"
    Unzip(SHA, max_bytes, "d", "h").extract(archive, target)
    return target


def test_an_archive_gives_its_one_member(tmp_path: Path) -> None:
    """Verified by the hash of the CSV, not of the archive."""
    assert extract(tmp_path, good=CSV).read_bytes() == CSV


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"other.csv": CSV}, ProtocolError),
        ({"good": CSV, "more": b""}, ProtocolError),
        ({}, ProtocolError),
        ({"good": CSV[:-1]}, IntegrityError),
        ({"good": bytes(10**6)}, SizeLimitError),
    ],
)
def test_other_archives_are_refused_and_leave_nothing(tmp_path: Path, members, error) -> None:
    """Foreign or further members, other bytes, bombs."""
    with pytest.raises(error):
        extract(tmp_path, **members)
    assert not (tmp_path / "out.csv").exists()


def test_an_archive_beyond_the_size_limit_is_refused(tmp_path: Path) -> None:
    """However honest its ratio."""
    with pytest.raises(SizeLimitError):
        extract(tmp_path, max_bytes=1000, good=CSV)


def test_no_damage_of_a_zip_is_an_error_of_another_kind(tmp_path: Path) -> None:
    """Bytes changed in its headers, its directory and between: typed, or the whole file."""
    chance = random.Random(5)
    archive, target = tmp_path / "x.zip", tmp_path / "x.csv"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{SHA}.csv", CSV)
    whole = archive.read_bytes()
    refused = 0
    for _ in range(600):
        damaged = bytearray(whole)
        at = chance.choice([chance.randrange(110), chance.randrange(len(whole) - 140, len(whole))])
        damaged[at] = chance.randrange(256)
        archive.write_bytes(damaged)
        try:
            Unzip(SHA, 10**7, "d", "h").extract(archive, target)
            assert target.read_bytes() == CSV
        except OpenbellError:
            refused += 1
    assert refused > 100
