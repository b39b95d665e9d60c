"""The job queue in one SQLite file: WAL, `synchronous=FULL`, a checksum in every row.

A method has reached the disk when it returns, so `kill -9` at any instant loses nothing that was
acknowledged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from core.jobs.queue import rows
from core.jobs.queue.file import SqliteFile
from core.jobs.queue.keeping import Due, Row, T
from core.jobs.queue.lifecycle import JobLifecycle
from core.jobs.queue.port import ENDED, Job
from core.jobs.queue.reading import QueueReader
from core.store.presence import unadvised

_IS_DUE = (
    " WHERE status = 'queued' AND run_at <= :now"
    " AND (lane IS NULL OR lane NOT IN"
    " (SELECT lane FROM jobs WHERE status = 'running' AND lane IS NOT NULL))"
    " AND (:events IS NULL OR event_name IN (SELECT value FROM json_each(:events)))"
)
_DUE = rows.SELECT + _IS_DUE + " ORDER BY priority DESC, id LIMIT 1"
_TWINS = (
    rows.SELECT
    + " WHERE dedupe_key = ? AND (? OR status IN ('queued', 'running')) ORDER BY id DESC"
)
_AT_HAND = (
    "SELECT EXISTS(SELECT 1 FROM jobs WHERE status = 'running' AND lease_until <= :now),"  # noqa: S608 - constants only
    f" EXISTS(SELECT 1 FROM jobs{_IS_DUE})"
)
_STALE = rows.SELECT + " WHERE status = 'running' AND (:all OR lease_until <= :now)"
_PURGE = "DELETE FROM jobs WHERE updated_at < ? AND status IN (SELECT value FROM json_each(?))"
_NAMED = rows.SELECT + " WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants


class SqliteQueue(JobLifecycle, QueueReader):
    """A `JobQueue` in a file; see `JobLifecycle` for the limits."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        *,
        max_attempts: int = 5,
        max_deliveries: int = 25,
        on_corrupt: Callable[[Job], None] | None = None,
        accept_loss: bool = False,
        advise: Callable[[str], str] = unadvised,
    ) -> None:
        JobLifecycle.__init__(
            self,
            clock,
            max_attempts=max_attempts,
            max_deliveries=max_deliveries,
            on_corrupt=on_corrupt,
        )
        QueueReader.__init__(
            self, SqliteFile(path, rows.SCHEMA, layout=1, accept_loss=accept_loss, advise=advise)
        )

    @property
    def version(self) -> int:
        """See JobQueue: one process has the file."""
        return self._file.number

    def purge(self, before: datetime) -> int:
        """See JobQueue."""
        asked = (rows.stamp(before), rows.names(ENDED))
        return self._file.write(lambda: self._file.change(_PURGE, asked))

    def listen(self, heard: Callable[[], None], stop: threading.Event) -> None:
        """See JobQueue: one process has the file."""

    def close(self) -> None:
        """See JobQueue."""
        self._file.close()

    def _change(self, work: Callable[[], T]) -> T:
        return self._file.write(work)

    def _row(self, job_id: str) -> Row | None:
        return next(iter(self._file.read(rows.SELECT + " WHERE id = ?", (job_id,))), None)

    def _named(self, job_ids: Collection[str]) -> list[Row]:
        return self._file.read(_NAMED, (rows.names(job_ids),))

    def _twins(self, dedupe_key: str, *, ended: bool) -> list[Row]:
        return self._file.read(_TWINS, (dedupe_key, ended))

    def _first_due(self, due: Due) -> list[Row]:
        return self._file.read(_DUE, _asked(due))

    def _stale(self, now: datetime, *, everything: bool) -> list[Row]:
        return self._file.read(_STALE, {"all": everything, "now": rows.stamp(now)})

    def _at_hand(self, due: Due) -> tuple[bool, bool]:
        stale, waiting = self._file.read(_AT_HAND, _asked(due))[0]
        return bool(stale), bool(waiting)

    def _every(self) -> Iterable[Row]:
        return self._file.read(rows.SELECT)

    def _add(self, jobs: Sequence[Job]) -> None:
        self._file.put(rows.INSERT, lambda number: [rows.to_row(job, number) for job in jobs])

    def _update(self, job: Job, before: Job) -> None:
        row = rows.to_row(job)
        self._file.put(rows.UPDATE, lambda number: [(number, *row[1:], row[0])])

    def _replace(self, key: str, job: Job) -> None:
        # the key itself may be damaged, so it goes back as the bytes it came as
        raw = key.encode("utf-8", "surrogateescape")
        self._file.change("DELETE FROM jobs WHERE id = CAST(? AS TEXT)", (raw,))
        instead = rows.INSERT.replace("INSERT", "INSERT OR REPLACE", 1)
        self._file.put(instead, lambda number: [rows.to_row(job, number)])


def _asked(due: Due) -> dict[str, str | None]:
    return {"now": rows.stamp(due.now), "events": rows.names(due.events)}
