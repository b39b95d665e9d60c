"""Queues of every adapter, opened on a clock that moves when told. An adapter joins `QUEUES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.jobs.queue.port import JobQueue
from tests import redis_server
from tests.queues import QUEUES, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not redis_server.installed():
        pytest.skip(redis_server.MISSING)
    with redis_server.running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=QUEUES)
def reopen(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> Iterator[Callable[[], JobQueue]]:
    """Opens the same queue, as another process would; all are closed at the end."""
    opened: list[JobQueue] = []
    address = ""
    if request.param == "redis":
        address = f"{request.getfixturevalue('redis_url')}?prefix={tmp_path.name}"

    def open_one() -> JobQueue:
        opened.append(QUEUES[request.param](address or str(tmp_path / "queue.sqlite"), clock))
        return opened[-1]

    yield open_one
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(reopen: Callable[[], JobQueue]) -> JobQueue:
    return reopen()
