"""Jobs in Redis: the rows in a hash, their orders in sorted sets, every change told in a stream.

A change is one `MULTI`/`EXEC` under `WATCH` of a counter: when another came between, its work is
done again. What it writes is collected first, so that reading it again costs nothing.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
import redis
from redis.client import Pipeline

from core.errors import StoreError
from core.jobs.queue import rows
from core.jobs.queue.keeping import Row, T
from core.jobs.queue.port import Job, JobStatus

CHANGES = 1000  # kept of the stream: who listens needs those after the last it has seen
TRIES = 200
DEDUPE = rows.COLUMNS.index("dedupe_key")
_FRONT = 10**9  # greater than any priority, so that the order of texts is the order to run in
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Microseconds since 1970: exact in the scores of Redis for two centuries more."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(score: float) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=score)


def place(job: Job) -> str:
    """A member of the waiting set: greater priority first, then the older id."""
    return f"{_FRONT - job.priority:010}:{job.id}"


def text(raw: Any) -> str:
    """What Redis answers with, as text; bytes that are none come through as they are."""
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else str(raw)


class RedisRows:
    """The keys of one queue. Within a change, reads of rows see what it has written so far."""

    def __init__(self, client: redis.Redis, prefix: str, where: str) -> None:
        self.client = client
        self.where = where
        self._prefix = prefix
        self._lock = threading.RLock()
        self._open: Pipeline | None = None
        self._writes: list[Callable[[Pipeline], object]] = []
        self._written: dict[str, Row | None] = {}

    def key(self, *names: str) -> str:
        """A key of this queue; the braces keep all of them on one node of a cluster."""
        return ":".join((f"{{{self._prefix}}}", *names))

    @contextmanager
    def reading(self) -> Iterator[redis.Redis]:
        """What to read with: inside a change the connection that watches."""
        with self._lock, self.typed():
            yield self._open if self._open is not None else self.client

    def transact(self, work: Callable[[], T]) -> T:
        """Do work until nobody came between; StoreError when that does not end or Redis is away."""
        with self._lock:
            if self._open is not None:
                return work()
            for tried in range(TRIES):
                try:
                    return self._attempt(work)
                except redis.WatchError:
                    time.sleep(random.uniform(0, min(0.001 * 2**tried, 0.05)))  # noqa: S311
        raise StoreError(
            f"others changed the queue {TRIES} times meanwhile", where=self.where, hint="try again"
        )

    def rows(self, job_ids: Sequence[str]) -> list[Row]:
        """The rows of those jobs that are there, in that order."""
        asked = [job_id for job_id in job_ids if job_id not in self._written]
        with self.reading() as client:
            found = cast(list[Any], client.hmget(self.key("jobs"), asked)) if asked else []
            known = {i: _decoded(i, raw) for i, raw in zip(asked, found, strict=True)}
            known.update(self._written)
        return [row for job_id in job_ids if (row := known.get(job_id)) is not None]

    def every(self) -> Iterator[Row]:
        """All rows, in no order."""
        with self.reading() as client:
            for raw_id, raw in client.hscan_iter(self.key("jobs"), count=500):
                yield cast(Row, _decoded(text(raw_id), raw))

    def twins(self, dedupe_key: str) -> list[Row]:
        """Rows with a dedupe key, newest first; those of this change among them."""
        with self.reading() as client:
            found = cast(list[Any], client.zrevrange(self.key("dedupe", dedupe_key), 0, -1))
        fresh = {i for i, row in self._written.items() if row and row[DEDUPE] == dedupe_key}
        return self.rows(sorted({text(raw) for raw in found} | fresh, reverse=True))

    def members(self, *names: str, start: int = 0, count: int = 0) -> list[str]:
        """Members of a sorted set in its order; `count` of them from `start` on, or all."""
        with self.reading() as client:
            end = start + count - 1 if count else -1
            return [
                text(raw) for raw in cast(list[Any], client.zrange(self.key(*names), start, end))
            ]

    def put(self, job: Job, before: Job | None) -> None:
        """Write a job and its places in the orders, at the end of the change."""
        row = rows.to_row(job)
        self._written[job.id] = row
        self._writes.append(lambda pipe: self._put(pipe, job, before, row))

    def forget(self, row: Row) -> None:
        """Forget a job that has ended, at the end of the change."""
        self._written[row[0]] = None
        self._writes.append(lambda pipe: self._remove(pipe, row, ()))

    def remove(self, row: Row) -> None:
        """As `forget`, wherever the job stands: its row may be damaged."""
        waiting = [name for name in self.members("waiting") if name.endswith(f":{row[0]}")]
        self._written[row[0]] = None
        self._writes.append(lambda pipe: self._remove(pipe, row, waiting))

    def _attempt(self, work: Callable[[], T]) -> T:
        with self.typed(), self.client.pipeline() as pipe:
            pipe.watch(self.key("version"))  # type: ignore[no-untyped-call]
            self._open, self._writes, self._written = pipe, [], {}
            try:
                done = work()
                if self._writes:
                    pipe.multi()
                    pipe.incr(self.key("version"))
                    for write in self._writes:
                        write(pipe)
                    pipe.execute()
                return done
            finally:
                self._open, self._writes, self._written = None, [], {}

    def _put(self, pipe: Pipeline, job: Job, before: Job | None, row: Row) -> None:
        if before is not None:
            pipe.zrem(self.key("status", before.status), job.id)
        if before is not None and before.status is JobStatus.QUEUED:
            pipe.zrem(self.key("waiting"), place(before))
            pipe.zrem(self.key("run_at"), job.id)
        pipe.hset(self.key("jobs"), job.id, cast(Any, orjson.dumps(row)))
        pipe.zadd(self.key("status", job.status), {job.id: micros(job.updated_at)})
        if job.status is JobStatus.QUEUED:
            pipe.zadd(self.key("waiting"), {place(job): 0})
            pipe.zadd(self.key("run_at"), {job.id: micros(job.run_at)})
        if before is None and job.dedupe_key is not None:
            pipe.zadd(self.key("dedupe", job.dedupe_key), {job.id: 0})
        told = cast(Any, {"job": job.id, "status": str(job.status)})
        pipe.xadd(self.key("changes"), told, maxlen=CHANGES, approximate=True)

    def _remove(self, pipe: Pipeline, row: Row, waiting: Sequence[str]) -> None:
        job_id, dedupe_key = row[0], row[DEDUPE]
        for name in waiting:
            pipe.zrem(self.key("waiting"), name)
        pipe.hdel(self.key("jobs"), job_id)
        pipe.zrem(self.key("run_at"), job_id)
        for status in JobStatus:
            pipe.zrem(self.key("status", status), job_id)
        if isinstance(dedupe_key, str):
            pipe.zrem(self.key("dedupe", dedupe_key), job_id)

    @contextmanager
    def typed(self) -> Iterator[None]:
        """Failures of Redis as StoreError; that another came between stays as it is."""
        try:
            yield
        except redis.WatchError:
            raise
        except redis.RedisError as error:
            raise StoreError(
                f"the queue cannot be used: {str(error) or type(error).__name__}",
                where=self.where,
                hint="see that Redis runs and has room; windows that are owed are asked for again",
            ) from error


def _decoded(job_id: str, raw: Any) -> Row | None:
    """The row of what Redis holds; of what is none, one that fits no checksum."""
    if raw is None:
        return None
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError:
        row = None
    if isinstance(row, list) and len(row) == len(rows.COLUMNS) + 1 and row[0] == job_id:
        return tuple(row)
    return (job_id, text(raw), *[None] * (len(rows.COLUMNS) - 2), "")
