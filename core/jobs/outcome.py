"""What became of one delivery of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from core.errors import (
    IntegrityError,
    OpenbellError,
    PausedError,
    ProtocolError,
    RateLimitedError,
    SettingsError,
    StoreError,
)
from core.jobs.queue.port import Job, backoff, patience

Kind = Literal["done", "retry", "waits", "dead", "cancelled", "released", "lost"]
LONGEST_RETRY_AFTER = timedelta(hours=1)
LEAST_WAIT = timedelta(
    seconds=5
)  # a probe that is due may take long; who waits is hurried after it
SETTING_WAIT = timedelta(minutes=1)  # a setting is read at the start of a desk
NONSENSE_WAIT = timedelta(
    seconds=30
)  # the one broken thing of a host that is up is asked for no oftener


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a delivery ended. `retry_at` goes with kind retry and waits, `result` with kind done.

    A job that waits has spent no attempt.
    """

    kind: Kind
    error: str | None = None
    result: Mapping[str, Any] | None = None
    retry_at: datetime | None = None


def is_window(job: Job) -> bool:
    """Whether a job answers a window of a schedule: such a job is tried until it has done so."""
    return "closes_at" in job.payload and "due_at" in job.payload


def is_owed(job: Job) -> bool:
    """Whether a job is tried until it has done what it is for, however long that cannot be."""
    return is_window(job) or job.payload.get("owed") is True


def of_failure(error: Exception, job: Job, now: datetime, fraction: float) -> JobOutcome:
    """Retry what may pass (with backoff and jitter), bury what asking again cannot help.

    A host that is down or has blocked us is waited for; a server that names a time to come back is
    believed, up to an hour. A store that cannot be written (disk full) may be writable later. The
    job of a window, or of an alert, spends no attempt on what may pass, and its pauses grow with
    its age. A window that lacks a setting waits for it: each minute of the feed was a dead letter.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, PausedError):
        return JobOutcome("waits", text, retry_at=max(error.until, now + LEAST_WAIT))
    if not isinstance(error, OpenbellError):
        return JobOutcome("dead", f"unexpected {type(error).__name__}: {text}")
    lacks_setting = isinstance(error, SettingsError) and is_window(job)
    if not (error.transient or lacks_setting or isinstance(error, StoreError)):
        return JobOutcome("dead", text)
    kind: Kind = "waits" if is_owed(job) else "retry"
    return JobOutcome(kind, text, retry_at=now + _delay(error, job, now, fraction))


def _delay(error: OpenbellError, job: Job, now: datetime, fraction: float) -> timedelta:
    delay = backoff(job.attempts, fraction)
    if is_owed(job):
        delay = patience(now - job.created_at, fraction)
        if isinstance(error, ProtocolError | IntegrityError):
            delay = max(delay, NONSENSE_WAIT)
        if isinstance(error, SettingsError):
            delay = max(delay, SETTING_WAIT)
    if isinstance(error, RateLimitedError) and error.retry_after_seconds:
        asked = timedelta(seconds=error.retry_after_seconds)
        return max(delay, min(asked, LONGEST_RETRY_AFTER))
    return delay
