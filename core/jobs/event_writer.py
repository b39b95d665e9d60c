"""Writes events of what is not in the store, hosts and clocks and jobs, in a thread of its own.

Whoever tells never waits. What cannot be written (a full disk) is kept and tried again. Events
older than the desk keeps are forgotten here.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from core.errors import OpenbellError
from core.observe import logs
from core.observe.events import Event
from core.store import events as store
from core.store.warehouse import Warehouse

log = logs.get("events")
MOST_KEPT = 10_000
AGAIN_SECONDS = 1.0
TIDY_SECONDS = 3600.0
Told = tuple[Event, datetime]


class EventWriter:
    """A `Recorder` and a `Resource` of the runner: stores events in the order they are told."""

    def __init__(
        self,
        warehouse: Warehouse,
        now: Callable[[], datetime],
        *,
        keep: timedelta | None = None,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._warehouse = warehouse
        self._now = now
        self._keep = keep
        self._again = again_seconds
        self._told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._waiting: list[Told] = []
        self._tidy_at = time.monotonic()
        self._thread: threading.Thread | None = None

    def record(self, event: Event) -> None:
        """Store an event soon."""
        self._told.put((event, self._now()))

    async def initialize(self) -> None:
        """Start writing."""
        self._thread = threading.Thread(target=self._write_for_ever, name="events", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what was told, then stop."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._told.put(None)
            await asyncio.to_thread(thread.join)

    def _write_for_ever(self) -> None:
        going = True
        while going:
            try:
                self._forget_old()
                going = self._collect()
                self._write()
            except OpenbellError as error:
                log.error("events not stored", waiting=len(self._waiting), error=str(error))
            except Exception:  # a writer that dies would be silence
                log.exception("events not stored")
                self._waiting.clear()
        if self._waiting:
            log.error("events lost", events=len(self._waiting))

    def _collect(self) -> bool:
        """Take what was told; False when this is the end."""
        try:
            told = self._told.get(timeout=self._again if self._waiting else TIDY_SECONDS)
            while told is not None:
                self._waiting.append(told)
                told = self._told.get_nowait()
        except queue.Empty:
            del self._waiting[:-MOST_KEPT]
            return True
        return False

    def _forget_old(self) -> None:
        """Once an hour."""
        if self._keep is not None and time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            store.purge(self._warehouse, self._now() - self._keep)

    def _write(self) -> None:
        if not self._waiting:
            return
        with self._warehouse.transaction() as tx:
            for event, at in self._waiting:
                store.add(tx, [event], at)
        self._waiting.clear()
