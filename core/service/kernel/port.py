"""What the registries, the engine and the sources need of a desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.catalogue import Catalogue
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.port import JobQueue
from core.service.kernel.relay import Relay
from core.service.kernel.roster import Roster
from core.service.shared_limits import SharedLimits
from core.settings import Settings
from core.sources.upstreams import Upstreams
from core.store.warehouse import Warehouse


class DeskPort(Protocol):
    """The parts of an open desk; `core.service.desk.Desk` is one."""

    @property
    def settings(self) -> Settings:
        """The settings it was opened with."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """The datasets."""
        ...

    @property
    def warehouse(self) -> Warehouse:
        """The store."""
        ...

    @property
    def queue(self) -> JobQueue:
        """The jobs."""
        ...

    @property
    def board(self) -> ProgressBoard:
        """Progress of what runs."""
        ...

    @property
    def upstreams(self) -> Upstreams:
        """The hosts that are asked, and their breakers."""
        ...

    @property
    def limits(self) -> SharedLimits:
        """Rate and block of the SEC, breakers and turns: of all machines that share a queue."""
        ...

    @property
    def downloads(self) -> Path:
        """Where bodies are kept while they are checked."""
        ...

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock (UTC)."""
        ...

    @property
    def roster(self) -> Roster:
        """Who is known, and what they may."""
        ...

    @property
    def relay(self) -> Relay | None:
        """The way to the engine; None where this process writes the store itself."""
        ...

    @property
    def answers(self) -> bool:
        """Whether desks that only read may hand something to this one."""
        ...

    def wake(self) -> None:
        """Tell the worker that there is something to do."""
        ...
