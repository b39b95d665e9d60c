"""A watchdog of an event loop: how late it comes to what was due, as metric and in the log."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from core.observe import gauges, logs

EVERY_SECONDS = 0.25
KEPT = 240  # looks: a minute of them
TOLD_SECONDS = 1.0
log = logs.get("loop")


class LoopWatch:
    """Looks at the loop in which it is initialized, until it is closed."""

    def __init__(self, name: str, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._name, self._every = name, every_seconds
        self._lags: deque[float] = deque(maxlen=KEPT)
        self._task: asyncio.Task[None] | None = None

    @property
    def worst_seconds(self) -> float:
        """The longest lag of the last minute."""
        return max(self._lags, default=0.0)

    async def initialize(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_for_ever(), name=f"loop watch {self._name}")

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _look_for_ever(self) -> None:
        while True:
            due = time.monotonic() + self._every
            await asyncio.sleep(self._every)
            self.note(time.monotonic() - due)

    def note(self, lag: float) -> None:
        """Keep one lag (seconds)."""
        self._lags.append(max(0.0, lag))
        gauges.LOOP_LAG_SECONDS.labels(self._name).set(self.worst_seconds)
        if lag > TOLD_SECONDS:
            log.warning("the event loop was held up", loop=self._name, seconds=round(lag, 2))
