"""What the parts of the stand-in container need of it, so that none of them knows its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.sandbox.foundry.provider import DatasetProvider
from core.sandbox.foundry.versions import Version


class Faulty(Protocol):
    """Something that faults can be planted in."""

    faults: set[str]

    def has(self, fault: str) -> bool:
        """Whether a fault is to happen now."""
        ...


class Container(Faulty, Protocol):
    """The container as a job sees it: what it keeps, and how long things take."""

    provider: DatasetProvider
    folder: Path
    versions: list[Version]
    queries: int
    writing: asyncio.Lock
    now: Callable[[], datetime]
    keepalive_seconds: float
    work_seconds: float
    write_seconds: float
    batch_rows: int
