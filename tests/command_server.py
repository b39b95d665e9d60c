"""Commands in processes of their own, each forked off one that has the desk's modules loaded.

Loading them is most of what a small command costs. The process, its pipes, its environment and the
code it leaves with are as of `python -m app`; that this starts from nothing is told by the tests
that serve, and by those of the wheel.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
MOST = 1 << 20  # bytes of a message
PATIENCE = 120.0


def run(
    words: Sequence[str], env: Mapping[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m app WORDS` in that environment with `given` on its stdin."""
    return _server().run(words, env, given)


class CommandServer:
    """The process that others are forked off; one command at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE)
        self._turn = threading.Lock()
        with theirs:
            line = [sys.executable, "-m", "tests.command_server", str(theirs.fileno())]
            self._process = subprocess.Popen(line, cwd=ROOT, pass_fds=[theirs.fileno()])

    def run(
        self, words: Sequence[str], env: Mapping[str, str], given: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        """What the command printed and left with; TimeoutError when it comes to no end."""
        with self._turn, ThreadPoolExecutor(3) as pool:
            (stdin, to_stdin), (out, stdout), (err, stderr) = (os.pipe() for _ in range(3))
            message = json.dumps({"words": words, "env": dict(env)}).encode()
            socket.send_fds(self._socket, [message], [stdin, stdout, stderr])
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
            pool.submit(_write, to_stdin, given)
            printed, told = pool.submit(_read, out), pool.submit(_read, err)
            status = int.from_bytes(self._socket.recv(4), "big")
            code = os.waitstatus_to_exitcode(status)
            return subprocess.CompletedProcess(words, code, printed.result(), told.result())

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.wait(PATIENCE)


@lru_cache(maxsize=1)
def _server() -> CommandServer:
    made = CommandServer()
    atexit.register(made.close)
    return made


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


def _write(descriptor: int, given: bytes) -> None:
    try:
        with open(descriptor, "wb") as file:
            file.write(given)
    except BrokenPipeError:
        return  # the command did not want to know


def serve(connection: socket.socket) -> None:
    """Fork a process for each message until there are no more."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, MOST, 3)
        if not message:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            _leave(_become(json.loads(message), descriptors))
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(os.waitpid(child, 0)[1].to_bytes(4, "big"))


def _become(told: Mapping[str, object], descriptors: Sequence[int]) -> int:
    """Be the process that was asked for; the code that it leaves with."""
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    words, env = told["words"], told["env"]
    assert isinstance(words, list)
    assert isinstance(env, dict)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = [str(ROOT / "app" / "__main__.py"), *words]
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> NoReturn:
    """Leave as the interpreter does, but for the ends of threads that the fork does not have."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _load() -> None:
    from app.command_line import register_all

    register_all()
    import exchange_calendars  # noqa: F401

    import core.service.everything  # noqa: F401


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given_socket:
        _load()
        serve(given_socket)
