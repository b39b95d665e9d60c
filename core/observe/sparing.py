"""Lines that strangers can cause: a few of each kind a minute, and a count of the rest.

Whoever knocks a thousand times a second would otherwise fill the disk with what is of no news.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.observe import logs

LINES = 10
SECONDS = 60.0


@dataclass(slots=True)
class _Minute:
    """Lines of one kind since an instant of the clock: told, and kept to a count."""

    began: float
    told: int = 0
    kept: int = 0


class Sparing:
    """A logger of warnings, thread-safe: LINES of each kind a minute, and one for the rest.

    The count of the rest is told when its minute is over: by a timer that does not keep the process
    alive, or by `close`.
    """

    def __init__(
        self,
        name: str,
        *,
        now: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        self._log = logs.get(name)
        self._now = now
        self._timer = timer or _later
        self._lock = threading.Lock()
        self._minutes: dict[str, _Minute] = {}

    def warning(self, event: str, **fields: Any) -> None:
        """Log a line, or count it when its kind has had its lines of this minute."""
        with self._lock:
            minute, fresh = self._minute(event)
            tell = minute.told < LINES
            if tell:
                minute.told += 1
            else:
                minute.kept += 1
        if fresh:
            self._timer(SECONDS, lambda: self._over(event, minute))
        if tell:
            self._log.warning(event, **fields)

    def close(self) -> None:
        """Tell what was only counted so far."""
        with self._lock:
            minutes = list(self._minutes.items())
        for event, minute in minutes:
            self._over(event, minute)

    def _minute(self, event: str) -> tuple[_Minute, bool]:
        known = self._minutes.get(event)
        if known is not None:
            return known, False
        fresh = self._minutes[event] = _Minute(self._now())
        return fresh, True

    def _over(self, event: str, minute: _Minute) -> None:
        with self._lock:
            if self._minutes.get(event) is not minute:
                return
            del self._minutes[event]
            kept, seconds = minute.kept, self._now() - minute.began
        if kept:
            self._log.warning(f"{event}: more of them", count=kept, seconds=round(seconds))


def _later(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
