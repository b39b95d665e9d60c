"""Where a queue keeps its jobs: what an adapter has to find and to write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from core.jobs.queue.port import Job

Row = Sequence[Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Due:
    """What a worker asks for: jobs that may run at an instant, of these events or of any."""

    now: datetime
    events: Collection[str] | None = None


class JobRows(ABC):
    """Jobs as rows (`core.jobs.queue.rows`), changed in transactions."""

    @abstractmethod
    def _change(self, work: Callable[[], T]) -> T:
        """Do work in one durable transaction; it may be done again where another came between."""

    @abstractmethod
    def _row(self, job_id: str) -> Row | None:
        """The row of a job."""

    @abstractmethod
    def _named(self, job_ids: Collection[str]) -> list[Row]:
        """The rows of those jobs that are there."""

    @abstractmethod
    def _twins(self, dedupe_key: str, *, ended: bool) -> list[Row]:
        """Rows with a dedupe key, newest first; without `ended` the live ones alone."""

    @abstractmethod
    def _first_due(self, due: Due) -> list[Row]:
        """The row to run next, in a list; a damaged one is as good."""

    @abstractmethod
    def _stale(self, now: datetime, *, everything: bool) -> list[Row]:
        """Rows of running jobs whose lease has ended; `everything`: of all that run."""

    def _at_hand(self, due: Due) -> tuple[bool, bool]:
        """Whether there are rows whose lease has ended, and whether there is one to run."""
        return bool(self._stale(due.now, everything=False)), bool(self._first_due(due))

    @abstractmethod
    def _every(self) -> Iterable[Row]:
        """All rows."""

    @abstractmethod
    def _add(self, jobs: Sequence[Job]) -> None:
        """Write new jobs."""

    @abstractmethod
    def _update(self, job: Job, before: Job) -> None:
        """Write a job that has changed."""

    @abstractmethod
    def _replace(self, key: str, job: Job) -> None:
        """Put a job in place of the damaged row with that id."""
