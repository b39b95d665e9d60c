"""Queues of every adapter, opened on a clock that moves when told. An adapter joins `QUEUES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.jobs.queue.port import JobQueue
from tests.queues import QUEUES, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=QUEUES)
def reopen(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> Iterator[Callable[[], JobQueue]]:
    """Opens the same queue, as another process would; all are closed at the end."""
    opened: list[JobQueue] = []

    def open_one() -> JobQueue:
        opened.append(QUEUES[request.param](tmp_path, clock))
        return opened[-1]

    yield open_one
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(reopen: Callable[[], JobQueue]) -> JobQueue:
    return reopen()
