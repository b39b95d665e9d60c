"""Live progress of running jobs: a small in-memory board that pages and commands look at.

What must last goes to `pulls` and `pull_events`; this is only what is happening right now.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from core.sources.pulled import Progress

KEPT_JOBS = 500
KEPT_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of a running or finished job; `so_far`: its last message with all counts."""

    job_id: str
    dataset: str
    started_at: datetime
    pull_id: str | None = None
    so_far: Progress | None = None
    finished_at: datetime | None = None
    events: tuple[Progress, ...] = ()


class ProgressBoard:
    """Thread-safe board of the latest jobs, by job id.

    `listeners` are called with a job after each change, in the thread that made it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.listeners: list[Callable[[Live], None]] = []
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Live] = OrderedDict()

    def start(self, job_id: str, dataset: str) -> None:
        """A job begins (again)."""
        with self._lock:
            live = self._jobs[job_id] = Live(job_id, dataset, self._now())
            self._jobs.move_to_end(job_id)
            while len(self._jobs) > KEPT_JOBS:
                self._jobs.popitem(last=False)
        self._tell(live)

    def report(self, job_id: str, progress: Progress) -> None:
        """Add one message; counts that are not given stay as they were."""
        with self._lock:
            live = self._jobs.get(job_id)
            if live is None:
                return
            event = replace(progress, happened_at=self._now())
            live = self._jobs[job_id] = replace(
                live,
                so_far=event.after(live.so_far),
                events=(*live.events[-KEPT_MESSAGES:], event),
            )
        self._tell(live)

    def attach(self, job_id: str, pull_id: str) -> None:
        """Say which pull a job has become."""
        self._change(job_id, pull_id=pull_id)

    def finish(self, job_id: str) -> None:
        """The job has ended, well or not."""
        self._change(job_id, finished_at=self._now())

    def get(self, job_id: str) -> Live | None:
        """What is known of a job; None when it has not started or is long gone."""
        with self._lock:
            return self._jobs.get(job_id)

    def _change(self, job_id: str, **changes: object) -> None:
        with self._lock:
            live = self._jobs.get(job_id)
            if live is None:
                return
            live = self._jobs[job_id] = replace(live, **changes)  # type: ignore[arg-type]
        self._tell(live)

    def _tell(self, live: Live) -> None:
        for listener in self.listeners:
            listener(live)
