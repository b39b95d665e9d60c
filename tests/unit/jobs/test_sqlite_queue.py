"""What is special about the SQLite adapter: durability settings, checksums, typed errors."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import IntegrityError, StoreError
from core.jobs.queue import file as queue_file
from core.jobs.queue.port import Job, JobStatus, Message
from core.jobs.queue.sqlite import SqliteQueue

NOW = datetime(2025, 7, 1, tzinfo=UTC)
LEASE = timedelta(seconds=60)
reported: list[Job] = []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk" / "queue.sqlite"


@pytest.fixture
def queue(path: Path) -> Iterator[SqliteQueue]:
    reported.clear()
    queue = SqliteQueue(path, lambda: NOW, on_corrupt=reported.append)
    yield queue
    queue.close()


def tamper(path: Path, sql: str, *params: Any) -> None:
    with sqlite3.connect(path) as db:
        db.execute(sql, params)
    db.close()


def test_file_is_wal_and_every_commit_is_synced(path: Path, queue: SqliteQueue) -> None:
    """The journal is write-ahead and synchronous is FULL (2)."""
    assert queue._file.read("PRAGMA journal_mode") == [("wal",)]
    assert queue._file.read("PRAGMA synchronous") == [(2,)]
    assert path.exists()


@pytest.mark.parametrize(
    "change",
    [
        "event_name = 'pulk'",
        'payload_json = \'{"dataset":"b"}\'',
        "priority = 1024",
        "attempts = -1",
        "run_at = '2024' || substr(run_at, 5)",
        "dedupe_key = 'other'",
        "event_name = CAST(x'70fc6c6c' AS TEXT)",
        "payload_json = x'00ff'",
        "checksum = '0000000000000000'",
    ],
)
def test_changed_row_is_set_aside_and_never_run(
    path: Path, queue: SqliteQueue, change: str
) -> None:
    """A row that does not fit its checksum is reported, and the next job runs instead."""
    damaged = queue.publish("pull", {"dataset": "a"}, dedupe_key="k").job_id
    good = queue.publish("pull", {"dataset": "b"}).job_id
    tamper(path, f"UPDATE jobs SET {change} WHERE id = ?", damaged)
    job = queue.claim("w", LEASE)
    assert job is not None
    assert job.id == good
    assert [(j.id, j.status) for j in reported] == [(damaged, JobStatus.CORRUPT)]
    assert queue.counts()[JobStatus.CORRUPT] == 1
    assert queue.discard(damaged).status is JobStatus.DISCARDED


def test_verify_finds_damage_in_ended_rows_too(path: Path, queue: SqliteQueue) -> None:
    """verify reads every row and sets the damaged ones aside."""
    job_id = queue.publish("pull").job_id
    job = queue.claim("w", LEASE)
    assert job is not None
    queue.ack(job)
    assert queue.verify() == []
    tamper(path, "UPDATE jobs SET updated_at = 'x'")
    assert queue.verify() == [job_id]
    assert queue.verify() == []


def test_failed_transaction_leaves_nothing(path: Path, queue: SqliteQueue) -> None:
    """A disk that is full gives a StoreError; the queue works again when there is space."""
    queue.publish("pull")
    pages = queue._file.read("PRAGMA page_count")[0][0]
    queue._file.read(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        for _ in range(10):
            queue.publish_many([Message("pull", {"big": "x" * 4_000})])
    kept = queue.counts()[JobStatus.QUEUED]
    queue._file.read("PRAGMA max_page_count = 1000000")
    queue.publish("pull", {"big": "x" * 4_000})
    assert queue.counts()[JobStatus.QUEUED] == kept + 1


def test_file_that_is_no_database_is_named(path: Path) -> None:
    """Garbage instead of a database is a StoreError with the file in it."""
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"queue\.sqlite"):
        SqliteQueue(path, lambda: NOW)


def test_newer_layout_is_refused(path: Path, queue: SqliteQueue) -> None:
    """A queue of a later version is not touched."""
    queue.close()
    tamper(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer Openbell"):
        SqliteQueue(path, lambda: NOW)


@pytest.mark.parametrize("body", [b"not a database" * 100, None])
def test_a_queue_that_does_not_open_holds_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes | None
) -> None:
    """Whatever is wrong, and although the error still knows where it came from."""
    SqliteQueue(path, lambda: NOW).close()
    if body is None:
        tamper(path, "PRAGMA user_version = 99")
    else:
        path.write_bytes(body)
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*given: Any, **how: Any) -> sqlite3.Connection:
        opened.append(connect(*given, **how))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    with pytest.raises(StoreError):
        SqliteQueue(path, lambda: NOW)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        opened[-1].execute("SELECT 1")


@pytest.mark.parametrize(
    ("name", "free", "said"),
    [
        ("SQLITE_IOERR_SHMSIZE", 0, "make room"),
        ("SQLITE_FULL", 10**9, "make room"),
        ("SQLITE_READONLY", 0, "give the file"),
        ("SQLITE_CANTOPEN", 10**9, "give the file"),
        ("SQLITE_IOERR_READ", 10**9, "restore"),
        ("SQLITE_CORRUPT", 0, "restore"),
    ],
)
def test_jobs_are_not_given_up_for_a_full_disk_or_an_owner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, free: int, said: str
) -> None:
    """What the message tells to do is what helps."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name

    def refuse(_: Path) -> sqlite3.Connection:
        raise error

    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(queue_file, "_connect", refuse)
    with pytest.raises(StoreError) as told:
        SqliteQueue(tmp_path / "queue.sqlite", lambda: NOW)
    assert said in str(told.value.hint)
    assert ("move" in str(told.value.hint)) == (said == "restore")


def test_no_flipped_bit_goes_unnoticed(tmp_path: Path) -> None:
    """A bit flipped anywhere in the file: each job runs as it was published, or it is told."""
    chance = random.Random(7)
    original = tmp_path / "original.sqlite"
    queue = SqliteQueue(original, lambda: NOW)
    published = {
        queue.publish("pull", {"dataset": f"d{n}", "n": n}, dedupe_key=f"k{n}").job_id: n
        for n in range(15)
    }
    queue.close()
    clean = original.read_bytes()
    told = 0
    for number in range(40):
        path = tmp_path / f"{number}.sqlite"
        body = bytearray(clean)
        body[chance.randrange(100, len(body))] ^= 1 << chance.randrange(8)
        path.write_bytes(body)
        told += _survives(path, published)
    assert told > 5  # the other flips fell on space that is not in use


def _survives(path: Path, published: dict[str, int]) -> bool:
    """Run everything in a damaged queue; whether the damage was told of."""
    corrupt: list[Job] = []
    ran: dict[str, int] = {}
    try:
        queue = SqliteQueue(path, lambda: NOW, on_corrupt=corrupt.append)
        while job := queue.claim("w", LEASE):
            ran[job.id] = job.payload["n"]
        queue.verify()
        queue.close()
    except StoreError:
        return True
    assert ran.items() <= published.items(), "a job ran that nobody published"
    missing = len(published) - len(ran)
    assert missing <= len(corrupt), "a job went missing without a word"
    return bool(corrupt)


def test_a_damaged_row_is_set_aside_where_nobody_asked_to_be_told(path: Path) -> None:
    """Whoever opens the queue without a listener is safe from it, too; asked for, it is named."""
    queue = SqliteQueue(path, lambda: NOW)
    job_id = queue.publish("pull", {"dataset": "a"}).job_id
    tamper(path, "UPDATE jobs SET attempts = 7")
    with pytest.raises(IntegrityError, match=job_id):
        queue.get(job_id)
    assert queue.claim("w", LEASE) is None
    assert queue.counts()[JobStatus.CORRUPT] == 1
    queue.close()


def test_an_idle_worker_asks_once_and_a_damaged_row_changes_no_later_read(
    path: Path, queue: SqliteQueue
) -> None:
    """Text is decoded by SQLite's module itself; only broken UTF-8 is read with replacements."""
    asked: list[str] = []
    queue._file._db.set_trace_callback(asked.append)
    assert queue.claim("w", LEASE) is None
    assert len(asked) == 1
    assert asked[0].startswith("SELECT EXISTS")
    tamper(path, "INSERT INTO store_mark VALUES (1, 1, 1, 1, CAST(x'70fc' AS TEXT), '')")
    assert queue._file.read("SELECT digest FROM store_mark") == [("p\udcfc",)]
    assert queue._file._db.text_factory is str
    with pytest.raises(StoreError, match="no such table"):
        queue._file.read("SELECT * FROM nowhere")


def test_a_lease_that_ended_is_seen_by_a_worker_with_nothing_due(queue: SqliteQueue) -> None:
    """One question tells both; the job of a worker that died is taken in the same call."""
    queue.publish("pull")
    assert queue.claim("dead", timedelta(0)) is not None
    job = queue.claim("w", LEASE)
    assert job is not None
    assert (job.worker, job.attempts) == ("w", 2)
