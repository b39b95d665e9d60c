"""Writes of the queue are counted: in the rows that they put, or in a table of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreError
from core.jobs.queue.count_file import CountFile, beside
from core.jobs.queue.port import Message
from core.jobs.queue.sqlite import SqliteQueue
from core.store.mark import CommitMark

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
MARK = CommitMark(1, 0, 0, 0, "0" * 16)


def opened(path: Path) -> SqliteQueue:
    return SqliteQueue(path, lambda: NOW)


def counted(path: Path) -> int | None:
    """The number in the file beside the queue."""
    with closing(CountFile(beside(path))) as file:
        return file.read()


def _acked(queue: SqliteQueue) -> None:
    job = queue.claim("w", LEASE)
    assert job
    queue.ack(job)


WRITES: dict[str, tuple[Callable[[SqliteQueue], object], int]] = {
    "publish": (lambda queue: queue.publish("a"), 1),
    "publish with a key": (lambda queue: queue.publish("a", dedupe_key="k"), 1),
    "publish many": (lambda queue: queue.publish_many([Message("a", {})] * 3), 1),
    "claim and ack": (_acked, 2),
    "cancel": (lambda queue: queue.cancel(queue.find()[0].id), 1),
    "mark": (lambda queue: queue.store_mark.write(MARK), 1),
    "purge": (lambda queue: (_acked(queue), queue.purge(NOW + LEASE)), 3),
    "claim nothing": (lambda queue: queue.claim("w", LEASE, ["b"]), 0),
    "purge nothing": (lambda queue: queue.purge(NOW), 0),
    "verify": (lambda queue: queue.verify(), 0),
    "hurry nothing": (lambda queue: queue.hurry(["none"]), 0),
}


@pytest.mark.parametrize("name", WRITES)
def test_every_write_is_counted_once(tmp_path: Path, name: str) -> None:
    """What changes nothing is no write; the queue itself knows the number that stands beside it."""
    path = tmp_path / "queue.sqlite"
    write, number = WRITES[name]
    with closing(opened(path)) as queue:
        queue.publish("a")
        before = counted(path)
        write(queue)
        assert before is not None
        assert counted(path) == before + number
    beside(path).unlink()
    opened(path).close()
    assert counted(path) == before + number  # from the queue alone


@pytest.mark.parametrize("name", [name for name, (_, number) in WRITES.items() if number])
def test_a_copy_of_before_any_write_is_noticed(tmp_path: Path, name: str) -> None:
    """As is a log that was cut before it: jobs may have been lost, changed or purged in it."""
    path, older = tmp_path / "queue.sqlite", tmp_path / "older"
    with closing(opened(path)) as queue:
        queue.publish("a")
    older.write_bytes(path.read_bytes())
    with closing(opened(path)) as queue:
        WRITES[name][0](queue)
    path.write_bytes(older.read_bytes())
    with pytest.raises(StoreError, match="lacks its last"):
        opened(path)


def test_a_queue_of_before_jobs_were_numbered_counts_on(tmp_path: Path) -> None:
    """The column is added, and the number goes on from where it was."""
    path = tmp_path / "queue.sqlite"
    with closing(opened(path)) as queue:
        queue.publish("a")
        number = counted(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ALTER TABLE jobs DROP COLUMN write_no")
        db.execute("UPDATE writes SET number = ?", (number,))
    with closing(opened(path)) as queue:
        queue.publish("a")
        assert len(queue.find()) == 2
        assert number is not None
        assert counted(path) == number + 1
