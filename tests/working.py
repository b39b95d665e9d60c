"""A worker on a queue, and patience, for the tests of what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.runner import Runner
from core.jobs.worker import Handler, Worker, WorkerLimits
from tests.recorded import Recorded

QUICK = WorkerLimits(
    jobs=3, lease_seconds=60, poll_seconds=0.02, grace_seconds=0.3, abandon_seconds=0.2
)
PATIENCE = 60  # seconds: what is awaited comes at once, but for a machine that is busy elsewhere


@asynccontextmanager
async def working(
    queue: SqliteQueue,
    handlers: Mapping[str, Handler],
    limits: WorkerLimits = QUICK,
    recorder: Recorded | None = None,
) -> AsyncIterator[Worker]:
    """A worker on the queue's own clock."""
    now, board = queue._now, ProgressBoard(queue._now)
    worker = Worker(
        queue, handlers, board, now, limits=limits, chance=lambda: 0.0, recorder=recorder
    )
    async with Runner([worker]):
        yield worker


async def until(condition: Callable[[], object]) -> None:
    """Wait for what is to come; TimeoutError when it does not."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)
