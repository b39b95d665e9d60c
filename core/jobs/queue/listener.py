"""Wakes the worker when another process has changed a queue that several share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from core.jobs.queue.port import JobQueue


class QueueListener:
    """A `Resource` of the runner: a thread that listens to the queue."""

    def __init__(self, queue: JobQueue, heard: Callable[[], None]) -> None:
        self._queue = queue
        self._heard = heard
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    async def initialize(self) -> None:
        """Begin to listen."""
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._queue.listen, args=(self._heard, self._stop), name="queue", daemon=True
        )
        self._thread.start()

    async def close(self) -> None:
        """Stop listening; waits for the answer under way."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
