"""What is special about the queue in Redis: damage, absence, owner, address, durability."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import redis

from core.errors import OwnershipError, SettingsError, StoreError
from core.jobs.queue.port import Job, JobStatus
from core.jobs.queue.redis import RedisQueue
from core.redis_place import address_of
from core.service.desk import Desk
from core.settings import load
from tests import redis_server
from tests.queues import LEASE, Clock, claimed


@pytest.fixture
def address(redis_url: str, tmp_path: Path) -> str:
    return f"{redis_url}?prefix={tmp_path.name}"


@pytest.fixture
def reported() -> list[Job]:
    return []


@pytest.fixture
def queue(address: str, clock: Clock, reported: list[Job]) -> Iterator[RedisQueue]:
    queue = RedisQueue(address, clock, on_corrupt=reported.append)
    yield queue
    queue.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.parametrize("raw", [b"\xff\x00", b"[]", b"7", None])
def test_a_damaged_row_is_set_aside_and_never_run(
    queue: RedisQueue, client: redis.Redis, reported: list[Job], tmp_path: Path, raw: bytes | None
) -> None:
    """Whatever stands there instead; the next job runs, and the damaged one is told once."""
    damaged = queue.publish("pull", {"dataset": "a"}, priority=9).job_id
    good = queue.publish("pull", {"dataset": "b"}).job_id
    key = f"{{{tmp_path.name}}}:jobs"
    row = orjson.loads(client.hget(key, damaged))  # type: ignore[arg-type]
    row[8] = 1024
    client.hset(key, damaged, raw if raw is not None else orjson.dumps(row))  # type: ignore[arg-type]
    assert claimed(queue).id == good
    assert queue.claim("w", LEASE) is None
    assert [(job.id, job.status) for job in reported] == [(damaged, JobStatus.CORRUPT)]
    assert queue.counts()[JobStatus.CORRUPT] == 1
    assert queue.verify() == []
    assert queue.discard(damaged).status is JobStatus.DISCARDED


def test_a_redis_that_is_away_is_named(clock: Clock) -> None:
    """Host and port stand in the error, no password does."""
    port = redis_server.free_port()
    with pytest.raises(StoreError, match="queue cannot be used") as told:
        RedisQueue(f"redis://:secret@127.0.0.1:{port}/3", clock)
    assert f"redis://127.0.0.1:{port}/3" in str(told.value.where)
    assert "secret" not in repr((str(told.value), told.value.where, told.value.hint))


def test_a_queue_has_one_owner(queue: RedisQueue) -> None:
    """Another desk with a store of its own is refused, the same one is not."""
    queue.belong_to("here:/a")
    queue.belong_to("here:/a")
    with pytest.raises(OwnershipError, match="here:/a"):
        queue.belong_to("there:/b")


def test_two_queues_in_one_redis_are_apart(queue: RedisQueue, redis_url: str, clock: Clock) -> None:
    """The prefix keeps them apart."""
    queue.publish("pull")
    other = RedisQueue(f"{redis_url}?prefix=another", clock)
    assert other.claim("w", LEASE) is None
    other.close()


@pytest.mark.parametrize("url", ["redis://h/0?prefx=a", "http://h", "redis:///0", "redis://h/0#a"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """With how it should be."""
    with pytest.raises(SettingsError, match="redis://HOST:PORT/DB"):
        address_of(url)


@pytest.mark.parametrize("url", ["redis:///0", "redis://h:0/0", "redis://h:x/0", "redis://h#a"])
def test_a_setting_that_is_none_is_refused(url: str) -> None:
    """When the settings are read, not when the desk opens."""
    with pytest.raises(SettingsError, match="QUEUE_URL"):
        load(queue_url=url)


def test_a_desk_takes_its_jobs_along_to_redis(address: str, tmp_path: Path) -> None:
    """What waited in the file waits in Redis; the mark of the store stays in the file."""
    plain = load(data_dir=tmp_path / "desk")
    with Desk.open(plain) as desk:
        desk.queue.publish("pull", {"dataset": "prices.daily"}, dedupe_key="k")
    shared = load(data_dir=tmp_path / "desk", queue_url=address)
    assert shared.queue_path == plain.queue_path
    for _ in range(2):
        with Desk.open(shared) as desk:
            assert isinstance(desk.queue, RedisQueue)
            assert [job.dedupe_key for job in desk.queue.find()] == ["k"]
    other = load(data_dir=tmp_path / "other", queue_url=address)
    with pytest.raises(OwnershipError, match="belongs to the desk"):
        Desk.open(other)
