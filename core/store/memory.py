"""Answers of the store kept until the next commit: pages ask the same questions at every click.

One process holds the store, so its count of commits tells whether an answer can have changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import polars as pl

LARGEST_BYTES = 1_000_000  # of one answer; larger ones are for pulls and exports
ALL_BYTES = 32_000_000


class QueryCache:
    """Frames by question; all are let go of when the version moves on. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = -1
        self._bytes = 0
        self._frames: OrderedDict[tuple[str, str], pl.DataFrame] = OrderedDict()

    def get(
        self, key: tuple[str, str], version: int, make: Callable[[], pl.DataFrame]
    ) -> pl.DataFrame:
        """The frame of that key and version; nobody may change it. `make` when it is not there.

        `version` must be taken before the frame is made: what is made later may be newer, never
        older, than its version says.
        """
        with self._lock:
            if version > self._version:
                self._forget(version)
            if version == self._version and key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key]
        frame = make()
        self._keep(key, version, frame)
        return frame

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._forget(self._version)

    def _keep(self, key: tuple[str, str], version: int, frame: pl.DataFrame) -> None:
        size = _weight(key, frame)
        with self._lock:
            if size > LARGEST_BYTES or version != self._version or key in self._frames:
                return
            self._frames[key] = frame
            self._bytes += size
            while self._bytes > ALL_BYTES or len(self._frames) > 1000:
                self._bytes -= _weight(*self._frames.popitem(last=False))

    def _forget(self, version: int) -> None:
        self._version = version
        self._frames.clear()
        self._bytes = 0


def _weight(key: tuple[str, str], frame: pl.DataFrame) -> int:
    return len(key[0]) + len(key[1]) + int(frame.estimated_size())
