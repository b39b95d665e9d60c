"""A queue whose time stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.jobs.queue.sqlite import SqliteQueue
from tests.queues import Clock


@pytest.fixture
def clock() -> Clock:
    """No lease ends and no retry falls due by itself."""
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[SqliteQueue]:
    """An empty queue that tries a job twice."""
    queue = SqliteQueue(tmp_path / "queue.sqlite", clock, max_attempts=2)
    yield queue
    queue.close()
