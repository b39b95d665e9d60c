"""The command line of Openbell whose checks of who may do what are timed, or off, in a run.

`run()` is called by `benchmarks.authorising`. SIGUSR1 turns the checks off: whoever read a page
last is taken for who acts, every role is enough, and a message of a WebSocket goes on as it comes.
SIGUSR2 turns them on again, SIGWINCH lets each be made ten times: what that adds is large enough
to be seen under load. SIGHUP lets them be timed until the next signal, which writes the nanoseconds
of processor time to the file that `CHECKS_FILE` names. Of each run of a page the processor time of
its own thread, and of the event loop since the run before, is added to the file that `RERUNS_FILE`
names: eight bytes a run, nanoseconds. Only for measuring, on loopback.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from app.__main__ import main
from app.doors import sockets
from core.domain.access.principals import LOCAL, Principal
from core.service.kernel import access

ON, OFF, TIMED, MANY = signal.SIGUSR2, signal.SIGUSR1, signal.SIGHUP, signal.SIGWINCH
TIMES = 10
FILE, RERUNS = "CHECKS_FILE", "RERUNS_FILE"


class Reruns:
    """What each run of a page takes: of its own thread, and of the event loop beside it."""

    def __init__(self) -> None:
        self.file = os.open(os.environ[RERUNS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.loop = time.pthread_getcpuclockid(threading.get_ident())
        self.before = 0

    def here(self) -> None:
        """Take this thread for that of the event loop."""
        self.loop = time.pthread_getcpuclockid(threading.get_ident())
        self.before = time.clock_gettime_ns(self.loop)

    def weighed(self, run: Callable[..., None]) -> Callable[..., None]:
        """A run of a page that is written down when it is over."""

        def timed(runner: ScriptRunner, asked: Any) -> None:
            began = time.thread_time_ns()
            try:
                run(runner, asked)
            finally:
                loop = time.clock_gettime_ns(self.loop)
                took = time.thread_time_ns() - began + loop - self.before
                self.before = loop
                os.write(self.file, took.to_bytes(8, "little"))

        return timed


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
            if self.inside or self.mode == ON:
                return check(*args)
            return self._timed(check, *args) if self.mode == TIMED else self._many(check, *args)

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

    def _many(self, check: Callable[..., Principal], *args: Any) -> Principal:
        self.inside = True
        try:
            for _ in range(TIMES - 1):
                check(*args)
            return check(*args)
        finally:
            self.inside = False

    def heard(self, ending: Callable[..., Any], reruns: Reruns) -> Callable[..., Any]:
        """The messages of a WebSocket, judged or as they come."""

        def judged(socket: Any, roster: Any, receive: Any, send: Any) -> Any:
            reruns.here()
            ends = ending(socket, roster, receive, send)

            async def next_message() -> Any:
                if self.mode == MANY:
                    for _ in range(TIMES - 1):  # what looking after a message takes
                        async with asyncio.timeout(None):
                            pass
                return await (receive() if self.mode == OFF else ends())

            return next_message

        return judged


def run() -> None:
    """The command line of `sys.argv`, switched."""
    checks, reruns = Checks(), Reruns()
    for mode in (ON, OFF, TIMED, MANY):
        signal.signal(mode, checks.hear)
    access.principal = checks.either(access.principal)
    access.require = checks.either(access.require)
    access.drawn_for = checks.reader(access.drawn_for)
    sockets.ending = checks.heard(sockets.ending, reruns)
    ScriptRunner._run_script = reruns.weighed(ScriptRunner._run_script)  # type: ignore[method-assign]
    main()
