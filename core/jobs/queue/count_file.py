"""How many writes the queue has acknowledged, in a small file beside it: how a cut log is noticed.

SQLite takes a write-ahead log that was cut for one that ends there. The number in here is written
after each commit, so it may be behind the queue's own and never ahead. It is not synced (that would
double the price of a write): after a loss of power it may be older, which is no alarm.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from core.observe import logs

ENDING = "-count"
_BYTES = 25
log = logs.get("queue")


def beside(queue: Path) -> Path:
    """The file that counts the writes of a queue."""
    return queue.with_name(queue.name + ENDING)


class CountFile:
    """The number on file; open as long as the queue is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._failed = False

    def read(self) -> int | None:
        """The number; None when there is none, or it is damaged: then nothing is known."""
        body = os.pread(self._descriptor, _BYTES, 0)
        number, _, check = body.strip().partition(b" ")
        return int(number, 16) if number and check == _check(number) else None

    def write(self, number: int) -> None:
        """Keep a number; a disk that takes none is told once, for the queue itself is fine."""
        digits = b"%015x" % number
        try:
            os.pwrite(self._descriptor, b"%s %08x\n" % (digits, zlib.crc32(digits)), 0)
        except OSError as error:
            if not self._failed:
                log.warning("the writes of the queue are not counted", error=str(error))
            self._failed = True

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _check(digits: bytes) -> bytes:
    return b"%08x" % zlib.crc32(digits)
