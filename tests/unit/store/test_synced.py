"""What is told to be safe is on the disk: downloads, exports, copies and backups are synced."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from core.jobs.queue.sqlite import SqliteQueue
from core.service.kernel import exports
from core.sources.foundry.download import SYNC_BYTES, Sink, Unzip
from core.store import backup, files, manifests
from core.store.warehouse import Warehouse
from tests.queues import Clock
from tests.synced import Synced

NOW = datetime(2025, 7, 1, 6, tzinfo=UTC)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Synced:
    return Synced(monkeypatch)


def test_a_download_that_is_kept_is_on_the_disk(tmp_path: Path, synced: Synced) -> None:
    """All of it, and one that is thrown away is not waited for."""
    for name in ("kept", "lost"):
        with Sink(tmp_path / name, "d") as sink:
            sink.feed([b"x" * 100_000, b"y"])
            if name == "kept":
                sink.keep()
    assert synced.steps == [("kept", 100_001)]


def test_a_long_download_goes_to_the_disk_on_the_way(tmp_path: Path, synced: Synced) -> None:
    """So that its end does not wait for gigabytes."""
    with Sink(tmp_path / "f", "d") as sink:
        for _ in range(4):
            sink.feed([b"x" * (SYNC_BYTES // 2)])
    assert synced.steps == [("f", SYNC_BYTES), ("f", 2 * SYNC_BYTES)]


def test_what_is_unpacked_is_on_the_disk(tmp_path: Path, synced: Synced) -> None:
    """A member of an archive as well as a plain file."""
    body = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(1000))
    sha256 = hashlib.sha256(body).hexdigest()
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{sha256}.csv", body)
    Unzip(sha256, 10**6, "d", "h").extract(tmp_path / "z", tmp_path / "f.csv")
    assert synced.steps == [("f.csv", len(body))]


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_an_export_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, synced: Synced, ending: str
) -> None:
    """And its name in the folder at the end."""
    path = tmp_path / f"gaps.{ending}"
    exports.save(pl.DataFrame({"a": [1, 2, 3]}), path)
    (aside, size), *rest = synced.steps
    assert aside.startswith(f".{path.name}.")
    assert size == path.stat().st_size > 0
    assert rest == [(f"-> {path.name}", 0), (tmp_path.name, 0)]


def test_a_copy_by_another_process_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: Synced
) -> None:
    """What that process does, done here."""
    (tmp_path / "a").write_bytes(b"x" * 5000)
    monkeypatch.setattr(sys, "argv", ["-c", str(tmp_path / "a"), str(tmp_path / "b")])
    exec(files._COPY, {})
    assert synced.steps == [("b", 5000)]


def test_a_backup_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, warehouse: Warehouse, synced: Synced
) -> None:
    """The queue and the manifest are synced here, the store by the process that copies it."""
    queue = SqliteQueue(tmp_path / "queue.sqlite", Clock())
    queue.publish("pull")
    made = backup.make(warehouse, tmp_path / "queue.sqlite", tmp_path / "backups", NOW)
    queue.close()
    for name in (manifests.NAMES[manifests.QUEUE], manifests.MANIFEST):
        size = (made.folder / name).stat().st_size
        assert size in {noted for step, noted in synced.steps if name in step}, name
    assert synced.steps[-1] == ("backups", 0)
