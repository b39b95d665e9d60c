"""The job queue in Redis, for desks on several machines: the same promises as in a file.

Redis acknowledges a write when it stands in its append-only file if `appendfsync` is `always`;
with less, the last second may be lost with the machine. Windows that are owed are then asked for
again, for what is owed is read from the store.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from core.errors import OwnershipError, StoreError
from core.jobs.queue import rows
from core.jobs.queue.keeping import Due, Row, T
from core.jobs.queue.letters import Letters
from core.jobs.queue.lifecycle import JobLifecycle
from core.jobs.queue.port import ENDED, LIVE, Job, JobStatus
from core.jobs.queue.redis_rows import RedisRows, instant, micros, place, text
from core.observe import logs
from core.redis_place import address_of, where_of

CHUNK = 100
TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 3.0
LISTEN_MS = 500
AWAY_SECONDS = 1.0
_STATUS, _LANE, _EVENT = (rows.COLUMNS.index(name) for name in ("status", "lane", "event_name"))
_RUN_AT, _LEASE = (rows.COLUMNS.index(name) for name in ("run_at", "lease_until"))
log = logs.get("queue")


class RedisQueue(JobLifecycle):
    """A `JobQueue` in Redis; several processes may share it. See `JobLifecycle` for the limits."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        *,
        max_attempts: int = 5,
        max_deliveries: int = 25,
        on_corrupt: Callable[[Job], None] | None = None,
    ) -> None:
        super().__init__(
            clock,
            max_attempts=max_attempts,
            max_deliveries=max_deliveries,
            on_corrupt=on_corrupt,
        )
        address, prefix = address_of(url)
        self.where = where_of(address)
        client = redis.Redis.from_url(
            address,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(ExponentialWithJitterBackoff(cap=1.0, base=0.05), 3),
            health_check_interval=30,
        )
        self._rows = RedisRows(client, prefix, self.where)
        self._tell_durability()

    @property
    def version(self) -> None:
        """See JobQueue: several desks may write."""
        return

    def find(
        self,
        status: Collection[JobStatus] | None = None,
        *,
        event_name: str | None = None,
        lane: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """See JobQueue."""
        wanted = frozenset(status or JobStatus)
        found = (
            rows.from_row(row)
            for row in self._in_order(wanted)
            if rows.is_intact(row)
            and row[_STATUS] in wanted
            and event_name in (None, row[_EVENT])
            and lane in (None, row[_LANE])
        )
        return list(islice(found, offset, offset + limit))

    def counts(self) -> dict[JobStatus, int]:
        """See JobQueue."""
        with self._rows.reading() as client:
            return {status: client.zcard(self._rows.key("status", status)) for status in JobStatus}

    def position(self, job_id: str) -> int | None:
        """See JobQueue."""
        job = self.get(job_id)
        if job.status is not JobStatus.QUEUED:
            return 0 if job.status is JobStatus.RUNNING else None
        with self._rows.reading() as client:
            rank = cast("int | None", client.zrank(self._rows.key("waiting"), place(job)))
        return None if rank is None else rank + 1

    def next_run_at(self) -> datetime | None:
        """See JobQueue."""
        with self._rows.reading() as client:
            first = cast(list[Any], client.zrange(self._rows.key("run_at"), 0, 0, withscores=True))
        return instant(first[0][1]) if first else None

    def purge(self, before: datetime) -> int:
        """See JobQueue."""

        def work() -> int:
            old: list[str] = []
            with self._rows.reading() as client:
                for status in ENDED:
                    key = self._rows.key("status", status)
                    found = client.zrangebyscore(key, "-inf", f"({micros(before)}")
                    old += [text(raw) for raw in cast(list[Any], found)]
            gone = self._rows.rows(old)
            for row in gone:
                self._rows.forget(row)
            return len(gone)

        return self._change(work)

    def listen(self, heard: Callable[[], None], stop: threading.Event) -> None:
        """See JobQueue. While Redis is away it is asked again; the worker looks by itself, too."""
        last = "$"
        while not stop.is_set():
            try:
                last = self._heard_after(last, heard)
            except StoreError as error:
                log.warning("changes of the queue are not heard", error=str(error))
                stop.wait(AWAY_SECONDS)

    def _heard_after(self, last: str, heard: Callable[[], None]) -> str:
        with self._rows.typed():
            asked = cast(Any, {self._rows.key("changes"): last})
            found = cast(Any, self._rows.client.xread(asked, count=CHUNK, block=LISTEN_MS))
        if not found:
            return last
        heard()
        streams = found.values() if isinstance(found, dict) else [entries for _, entries in found]
        return text(next(iter(streams))[-1][0])

    def belong_to(self, owner: str, formerly: Collection[str] = ()) -> None:
        """Make the queue this owner's; OwnershipError when another one's jobs stand in it.

        Two desks with stores of their own would take each other's jobs. `formerly`: other names
        of the same owner.
        """
        key = self._rows.key("owner")
        with self._rows.typed():
            self._rows.client.set(key, owner, nx=True)
            found = text(self._rows.client.get(key))
            if found in formerly:
                self._rows.client.set(key, owner)
                found = owner
        if found != owner:
            raise OwnershipError(
                f"the queue belongs to the desk of {found}",
                where=self.where,
                hint=f"name another one (?prefix=NAME at the end of OPENBELL_QUEUE_URL); if that "
                f"desk has moved here, delete the key {key}",
            )

    @property
    def letters(self) -> Letters:
        """What is handed between processes beside the jobs."""
        return Letters(self._rows)

    def close(self) -> None:
        """See JobQueue."""
        self._rows.client.close()

    def _change(self, work: Callable[[], T]) -> T:
        return self._rows.transact(work)

    def _row(self, job_id: str) -> Row | None:
        return next(iter(self._rows.rows([job_id])), None)

    def _named(self, job_ids: Collection[str]) -> list[Row]:
        return self._rows.rows(list(dict.fromkeys(job_ids)))

    def _twins(self, dedupe_key: str, *, ended: bool) -> list[Row]:
        return [row for row in self._rows.twins(dedupe_key) if ended or row[_STATUS] in LIVE]

    def _first_due(self, due: Due) -> list[Row]:
        now, busy = rows.stamp(due.now), {row[_LANE] for row in self._running()}
        for row in self._waiting():
            if not rows.is_intact(row):
                return [row]
            if (
                row[_STATUS] == JobStatus.QUEUED
                and row[_RUN_AT] <= now
                and (row[_LANE] is None or row[_LANE] not in busy)
                and (due.events is None or row[_EVENT] in due.events)
            ):
                return [row]
        return []

    def _stale(self, now: datetime, *, everything: bool) -> list[Row]:
        ended = rows.stamp(now)
        return [
            row
            for row in self._running()
            if everything or not rows.is_intact(row) or (row[_LEASE] or "") <= ended
        ]

    def _every(self) -> Iterable[Row]:
        return list(self._rows.every())

    def _add(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._rows.put(job, None)

    def _update(self, job: Job, before: Job) -> None:
        self._rows.put(job, before)

    def _replace(self, key: str, job: Job) -> None:
        for damaged in self._rows.rows([key]):
            self._rows.remove(damaged)
        self._rows.put(job, None)

    def _running(self) -> list[Row]:
        return self._rows.rows(sorted(self._rows.members("status", JobStatus.RUNNING)))

    def _waiting(self) -> Iterator[Row]:
        """Rows that wait, in the order in which they will run."""
        start = 0
        while places := self._rows.members("waiting", start=start, count=CHUNK):
            yield from self._rows.rows([member.partition(":")[2] for member in places])
            start += CHUNK

    def _in_order(self, wanted: Collection[JobStatus]) -> Iterator[Row]:
        """Running jobs, those that wait, then ended ones, newest first."""
        if JobStatus.RUNNING in wanted:
            yield from self._running()
        if JobStatus.QUEUED in wanted:
            yield from self._waiting()
        ended = (
            self._latest(status) for status in JobStatus if status in wanted and status not in LIVE
        )
        for _, job_id in heapq.merge(*ended, reverse=True):
            yield from self._rows.rows([job_id])

    def _latest(self, status: JobStatus) -> Iterator[tuple[float, str]]:
        start = 0
        while True:
            with self._rows.reading() as client:
                key = self._rows.key("status", status)
                found = cast(
                    list[Any], client.zrevrange(key, start, start + CHUNK - 1, withscores=True)
                )
            yield from ((score, text(raw)) for raw, score in found)
            if len(found) < CHUNK:
                return
            start += CHUNK

    def _tell_durability(self) -> None:
        """A word in the log when Redis does not keep what it acknowledges; it may not be asked."""
        with self._rows.typed():
            self._rows.client.ping()
            try:
                kept = cast(dict[str, str], self._rows.client.config_get("append*"))
            except redis.ResponseError:
                return
        if (kept.get("appendonly"), kept.get("appendfsync")) != ("yes", "always"):
            log.warning(
                "redis may lose its last second with the machine",
                hint="set appendonly yes and appendfsync always",
                where=self.where,
            )
