"""Processes of users' queries, each forked off one that has their modules loaded.

Loading them is nearly all of what a small query costs. What a process is told, how it is limited
and how it ends are as ever; that one starts from nothing is told by the tests without these.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_POOL = {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # as the desk starts them


class ForkedQuery:
    """Stands in for `subprocess.Popen` where the desk starts the process of a query."""

    def __init__(self, *_line: Any, **_how: Any) -> None:
        (stdin, to_stdin), (out, stdout), (told, tell) = (os.pipe() for _ in range(3))
        socket.send_fds(_server(), [b"query"], [stdin, stdout, tell])
        for descriptor in (stdin, stdout, tell):
            os.close(descriptor)
        self.stdin: IO[bytes] = os.fdopen(to_stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(out, "rb")
        self._told = os.fdopen(told, "rb")
        self.pid = int(self._told.readline())
        self._code: int | None = None

    def kill(self) -> None:
        """End it, unless it has ended."""
        if self._code is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def wait(self) -> int:
        """What it left with; a signal's number is negative."""
        if self._code is None:
            with self._told:
                self._code = os.waitstatus_to_exitcode(int(self._told.readline()))
        return self._code


@lru_cache(maxsize=1)
def _server() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-E", "-s", "-m", "tests.query_server", str(theirs.fileno())],
            cwd=ROOT,
            env=SYSTEM_POOL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait(60)

    atexit.register(end)
    return ours


def serve(connection: socket.socket) -> None:
    """Fork a process for each message until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who keep the queries
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 64, 3)
        if not message:
            return
        if os.fork() == 0:
            connection.close()
            _keep(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(stdin: int, stdout: int, tell: int) -> None:
    """Fork the query's process, tell its number, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(tell)
        _become_a_query(stdin, stdout)
    os.close(stdin)
    os.close(stdout)
    os.write(tell, b"%d\n" % child)
    os.write(tell, b"%d\n" % os.waitpid(child, 0)[1])
    os._exit(0)


def _become_a_query(stdin: int, stdout: int) -> None:
    from core.store import query_process

    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for place, descriptor in enumerate((stdin, stdout, nowhere)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    query_process.main()
    os._exit(1)  # `main` leaves by itself


if __name__ == "__main__":
    import core.store.query_process  # noqa: F401 - what the forked ones have loaded

    with socket.socket(fileno=int(sys.argv[1])) as given:
        serve(given)
