"""Jobs as rows of SQLite: columns, encoding and the checksum that every row carries.

The checksum covers all columns. SQLite itself does not notice most flipped bits inside a page,
so a row is compared with its checksum before anything is done with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from core.errors import IntegrityError, SizeLimitError, ValidationError
from core.jobs.queue.port import Job, JobStatus

COLUMNS = (
    "id",
    "event_name",
    "payload_json",
    "status",
    "created_at",
    "updated_at",
    "run_at",
    "attempts",
    "priority",
    "lease_until",
    "worker",
    "lane",
    "dedupe_key",
    "cancel_requested",
    "last_error",
    "result_json",
)
SCHEMA = (
    """CREATE TABLE jobs (
        id TEXT PRIMARY KEY, event_name TEXT NOT NULL, payload_json TEXT NOT NULL,
        status TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        run_at TEXT NOT NULL, attempts INTEGER NOT NULL, priority INTEGER NOT NULL,
        lease_until TEXT, worker TEXT, lane TEXT, dedupe_key TEXT,
        cancel_requested INTEGER NOT NULL, last_error TEXT, result_json TEXT,
        checksum TEXT NOT NULL, write_no INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    "CREATE INDEX jobs_queued ON jobs (priority DESC, id) WHERE status = 'queued'",
    "CREATE INDEX jobs_running ON jobs (lane) WHERE status = 'running'",
    "CREATE INDEX jobs_dedupe ON jobs (dedupe_key, id) WHERE dedupe_key IS NOT NULL",
)
_NAMES = ", ".join((*COLUMNS, "checksum"))
SELECT = f"SELECT {_NAMES} FROM jobs"  # noqa: S608 - constants only
# the number of the write comes first: see `SqliteFile.put`
INSERT = (
    f"INSERT INTO jobs (write_no, {_NAMES})"  # noqa: S608 - constants only
    f" VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
)
UPDATE = (
    "UPDATE jobs SET write_no=?, "  # noqa: S608 - constants only
    + ", ".join(f"{name}=?" for name in (*COLUMNS[1:], "checksum"))
    + " WHERE id=?"
)


_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
LARGEST_PAYLOAD = 4096  # bytes as JSON


@lru_cache(64)  # a fresh job has one instant in three columns
def stamp(instant: datetime) -> str:
    """An instant as text of fixed width, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def encode(value: Mapping[str, Any]) -> str:
    """A payload as JSON; ValidationError when it holds something JSON does not know."""
    return _json(value, _SORTED).decode()


def _json(value: Mapping[str, Any], option: int) -> bytes:
    try:
        return orjson.dumps(value, option=option)
    except (TypeError, ValueError) as error:
        raise ValidationError(f"a job's payload must be plain JSON: {error}") from None


def must_be_short(payload: Mapping[str, Any]) -> None:
    """SizeLimitError for a payload that is more than a reference to what a job needs."""
    size = len(_json(payload, orjson.OPT_UTC_Z))  # as long in any order
    if size > LARGEST_PAYLOAD:
        raise SizeLimitError(
            f"a job's payload has {size:,} bytes; {LARGEST_PAYLOAD:,} are allowed",
            hint="keep it in the store, and give the job its id",
        )


def to_row(job: Job, *first: Any) -> tuple[Any, ...]:
    """The row of a job, checksum last. `first`: cells before it that the checksum leaves out."""
    cells = (
        job.id,
        job.event_name,
        encode(job.payload),
        str(job.status),
        stamp(job.created_at),
        stamp(job.updated_at),
        stamp(job.run_at),
        job.attempts,
        job.priority,
        stamp(job.lease_until) if job.lease_until else None,
        job.worker,
        job.lane,
        job.dedupe_key,
        int(job.cancel_requested),
        job.last_error,
        encode(job.result) if job.result is not None else None,
    )
    return (*first, *cells, checksum(cells))


def checksum(cells: Sequence[Any]) -> str:
    """BLAKE2 of all cells as Python writes them: types and borders are part of it."""
    text = repr(tuple(cells)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def is_intact(row: Sequence[Any]) -> bool:
    """Whether a row still fits its checksum."""
    return bool(checksum(row[:-1]) == row[-1])


def from_row(row: Sequence[Any]) -> Job:
    """The job of a row; IntegrityError when the row does not fit its checksum."""
    if not is_intact(row):
        raise IntegrityError(f"the queue's row of job {row[0]!r} does not fit its checksum")
    return Job(
        id=row[0],
        event_name=row[1],
        payload=orjson.loads(row[2]),
        status=JobStatus(row[3]),
        created_at=_instant(row[4]),
        updated_at=_instant(row[5]),
        run_at=_instant(row[6]),
        attempts=row[7],
        priority=row[8],
        lease_until=_instant(row[9]) if row[9] else None,
        worker=row[10],
        lane=row[11],
        dedupe_key=row[12],
        cancel_requested=bool(row[13]),
        last_error=row[14],
        result=orjson.loads(row[15]) if row[15] is not None else None,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def names(chosen: Collection[str] | None) -> str | None:
    """Names as the JSON list that `json_each` takes; None stays None."""
    return None if chosen is None else orjson.dumps([str(name) for name in chosen]).decode()
