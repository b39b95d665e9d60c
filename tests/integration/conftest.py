"""What tests of several processes on one store share."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres_server, redis_server


@pytest.fixture(scope="module")
def servers_of_a_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of PostgreSQL and Redis."""
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    if not redis_server.installed():
        pytest.skip(redis_server.MISSING)
    folder = tmp_path_factory.mktemp("redis")
    with postgres_server.running() as postgres, redis_server.running(folder) as queue:
        yield postgres, queue


@pytest.fixture
def urls(servers_of_a_lake: tuple[str, str], tmp_path: Path) -> dict[str, str]:
    """Settings of an empty lake and a queue of its own."""
    name = f"t{uuid.uuid4().hex}"
    catalogue = postgres_server.make(servers_of_a_lake[0], name)
    return {
        "store_url": f"ducklake:{catalogue}?data={tmp_path / 'lake'}",
        "queue_url": f"{servers_of_a_lake[1]}?prefix={name}",
    }
