"""A look at whether the store can be read and written right now, past every cache of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OpenbellError, StoreError
from core.store.warehouse import Warehouse

PATIENCE_SECONDS = 2.0  # for another writer's lock
HUNG_SECONDS = 5.0  # longer than any look takes: then the one before is stuck


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What kept the store from being read or written (None: nothing), and how long the look took.

    `busy_seconds`: another writer has been at work for at least that long; nothing was written.
    """

    error: str | None = None
    seconds: float = 0.0
    busy_seconds: float | None = None


class Probe:
    """Looks at one warehouse; a look never raises for a store that is broken."""

    def __init__(self, warehouse: Warehouse, now: Callable[[], datetime]) -> None:
        self._warehouse = warehouse
        self._now = now
        self._reading, self._writing = _Shared(self._read), _Shared(self._write)
        self._busy_since: float | None = None

    def read(self) -> ProbeResult:
        """Read now, past every cache of ours."""
        return self._reading.look()

    def write(self) -> ProbeResult:
        """Write a scratch row now, and read it back."""
        found = self._writing.look()
        if self._busy_since is None:
            return found
        return replace(found, busy_seconds=time.monotonic() - self._busy_since)

    def _read(self) -> None:
        self._warehouse.must_be_there()
        self._warehouse.read_anew("SELECT count(*) FROM pulls")

    def _write(self) -> None:
        now = self._now()
        with self._warehouse.scratch(PATIENCE_SECONDS) as tx:
            if tx is None:
                self._busy_since = self._busy_since or time.monotonic()
                return
            tx.execute("UPDATE scratch SET written_at = ? WHERE name = 'health'", [now])
        self._busy_since = None
        found = self._warehouse.read_anew("SELECT written_at FROM scratch WHERE name = 'health'")
        if found.height != 1 or found.item() != now:
            raise StoreError("what was written is not there")


class _Shared:
    """One look at a time. Those who ask while it is under way share the next one."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._began = float("-inf")
        self._found = ProbeResult()

    def look(self) -> ProbeResult:
        asked = time.monotonic()
        if not self._lock.acquire(timeout=HUNG_SECONDS):
            return ProbeResult(
                f"a look that began {time.monotonic() - self._began:.0f} s ago is stuck"
            )
        try:
            if self._began < asked:
                self._began = time.monotonic()
                error = _told(self._work)
                self._found = ProbeResult(error, time.monotonic() - self._began)
            return self._found
        finally:
            self._lock.release()


def _told(work: Callable[[], None]) -> str | None:
    try:
        work()
    except OpenbellError as error:
        return str(error)
    return None
