"""A desk whose clock is set by hand, filled with as many names as asked for: `benchmarks.hour`.

    python -m benchmarks.hour_child SYMBOLS      (data folder and the rest by OPENBELL_*)

It opens at 9:00 of a Monday with a year of daily bars and an hour of prints. A line on its stdin is
an instant, which its clock is set to and runs on from. Only for measuring, on loopback.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta

import core.service.everything  # noqa: F401 - registers what can be asked for
from app import server
from benchmarks.following import fill
from core import clock, settings
from core.service.desk import Desk
from core.service.gaps import keeping

BEGINS = datetime(2026, 11, 30, 14, tzinfo=UTC)  # 9:00 in New York


class Clock:
    """Runs like the machine's, from wherever it was set to."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set(self, at: datetime) -> None:
        self._ahead: timedelta = at - datetime.now(UTC)

    def listen(self) -> None:
        """Be set by each line of stdin."""
        for line in sys.stdin:
            self.set(datetime.fromisoformat(line.strip()))


def main() -> None:
    """Fill the desk and serve it."""
    symbols, told = int(sys.argv[1]), Clock(BEGINS)
    clock.running = lambda _offset=0.0: told  # type: ignore[assignment]

    def filled(desk: Desk) -> None:
        fill(desk, symbols)
        keeping.keep_state(desk)
        told.set(BEGINS)
        threading.Thread(target=told.listen, daemon=True).start()

    server.run_desk(settings.load(), [filled])


if __name__ == "__main__":
    main()
