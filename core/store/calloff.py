"""Calling off work that somebody waits for: by its client, or by the end of the desk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CallOff:
    """A switch that any thread may turn once; what is being watched is then ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []
        self.called = False

    @property
    def watching(self) -> int:
        """How many pieces of work it would end."""
        with self._lock:
            return len(self._ends)

    def call_off(self) -> None:
        """End all that is watched now, and all that will be."""
        with self._lock:
            self.called = True
            ends = list(self._ends)
        for end in ends:
            end()

    @contextmanager
    def watched(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` when the work is called off inside the block, at once when it has been."""
        with self._lock:
            self._ends.append(end)
            called = self.called
        if called:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)
