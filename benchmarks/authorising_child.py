"""The command line of Openbell whose checks of who may do what are counted, or off, in a run.

`run()` is called by `benchmarks.authorising`. SIGUSR1 turns the checks off: whoever read a page
last is taken for who acts, every role is enough, and a message of a WebSocket goes on as it comes.
SIGUSR2 turns them on again. SIGHUP lets them be timed until the next signal, which writes the
nanoseconds of processor time to the file that `CHECKS_FILE` names. Only for measuring, on loopback.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.__main__ import main
from app.doors import sockets
from core.domain.access.principals import LOCAL, Principal
from core.service.kernel import access

ON, OFF, TIMED = signal.SIGUSR2, signal.SIGUSR1, signal.SIGHUP
FILE = "CHECKS_FILE"


class Checks:
    """Whether there are checks, and what they took."""

    def __init__(self) -> None:
        self.mode: int = ON
        self.who: Principal = LOCAL
        self.nanoseconds = 0
        self.inside = False

    def hear(self, mode: int, _: object) -> None:
        """Another mode from now on."""
        if self.mode == TIMED:
            Path(os.environ[FILE]).write_text(str(self.nanoseconds))
        self.mode, self.nanoseconds = mode, 0

    def either(self, check: Callable[..., Principal]) -> Callable[..., Principal]:
        """A check that says who acts, with a switch before it."""

        def who(*args: Any) -> Principal:
            if self.mode == OFF:
                return self.who
            if self.mode == TIMED and not self.inside:
                return self._timed(check, *args)
            return check(*args)

        return who

    def reader(self, check: Callable[..., Principal]) -> Callable[..., Principal]:
        """The check that says who reads a page: they are who acts while there are no checks."""
        judged = self.either(check)

        def who(*args: Any) -> Principal:
            self.who = judged(*args)
            return self.who

        return who

    def _timed(self, check: Callable[..., Principal], *args: Any) -> Principal:
        self.inside = True
        began = time.thread_time_ns()
        try:
            return check(*args)
        finally:
            self.nanoseconds += time.thread_time_ns() - began
            self.inside = False

    def heard(self, ending: Callable[..., Any]) -> Callable[..., Any]:
        """The messages of a WebSocket, judged or as they come."""

        def judged(socket: Any, roster: Any, receive: Any, send: Any) -> Any:
            ends = ending(socket, roster, receive, send)

            async def next_message() -> Any:
                return await (receive() if self.mode == OFF else ends())

            return next_message

        return judged


def run() -> None:
    """The command line of `sys.argv`, switched."""
    checks = Checks()
    for mode in (ON, OFF, TIMED):
        signal.signal(mode, checks.hear)
    access.principal = checks.either(access.principal)
    access.require = checks.either(access.require)
    access.drawn_for = checks.reader(access.drawn_for)
    sockets.ending = checks.heard(sockets.ending)
    main()
