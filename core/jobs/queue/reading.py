"""What is asked of a queue in a file without changing it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime

from core.jobs.queue import rows
from core.jobs.queue.file import SqliteFile
from core.jobs.queue.port import Job, JobStatus
from core.jobs.store_mark import StoreMark

_FIND = (
    rows.SELECT  # noqa: S608 - constants only
    + " WHERE status IN (SELECT value FROM json_each(:status))"
    " AND (:event IS NULL OR event_name = :event) AND (:lane IS NULL OR lane = :lane)"
    " ORDER BY CASE status WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END,"
    " CASE WHEN status = 'queued' THEN -priority END,"
    " CASE WHEN status IN ('queued', 'running') THEN id END, updated_at DESC, id DESC"
    " LIMIT :limit OFFSET :offset"
)


class QueueReader(ABC):
    """The reading half of a `JobQueue` in a file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self.store_mark = StoreMark(file)

    @abstractmethod
    def get(self, job_id: str) -> Job:
        """See JobQueue."""

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
        asked = {
            "status": rows.names(status or tuple(JobStatus)),
            "event": event_name,
            "lane": lane,
            "limit": limit,
            "offset": offset,
        }
        return [rows.from_row(row) for row in self._file.read(_FIND, asked) if rows.is_intact(row)]

    def counts(self) -> dict[JobStatus, int]:
        """See JobQueue."""
        found = dict(self._file.read("SELECT status, count(*) FROM jobs GROUP BY status"))
        return {status: found.get(str(status), 0) for status in JobStatus}

    def position(self, job_id: str) -> int | None:
        """See JobQueue."""
        job = self.get(job_id)
        if job.status is not JobStatus.QUEUED:
            return 0 if job.status is JobStatus.RUNNING else None
        ahead = self._file.read(
            "SELECT count(*) FROM jobs WHERE status = 'queued'"
            " AND (priority > :priority OR (priority = :priority AND id < :id))",
            {"priority": job.priority, "id": job.id},
        )
        return int(ahead[0][0]) + 1

    def next_run_at(self) -> datetime | None:
        """See JobQueue."""
        found = self._file.read("SELECT min(run_at) FROM jobs WHERE status = 'queued'")[0][0]
        return datetime.fromisoformat(found) if found else None

    def knows_a_store(self) -> bool:
        """Whether a store was marked here, or jobs were worked on: then there was one."""
        mark = self.store_mark.read()
        worked = "SELECT count(*) FROM jobs WHERE attempts > 0 OR status <> 'queued'"
        return bool(mark and mark.number) or self._file.read(worked)[0][0] > 0
