"""A Redis of the tests' own on a free port of loopback, gone at their end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

MISSING = "redis-server is not installed: it would have proved the queue in Redis"


def installed() -> bool:
    """Whether there is a Redis to start."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """Address of a Redis that keeps every write before it answers."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", host, "--dir", str(folder)]
    command += ["--protected-mode", "yes" if host == "127.0.0.1" else "no"]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _await(host, port, process)
            yield f"redis://{host}:{port}/0"
        finally:
            process.terminate()


def _await(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    client = redis.Redis(host, port)
    ends = time.monotonic() + 20
    while time.monotonic() < ends and process.poll() is None:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            client.close()
            return
    raise RuntimeError(f"redis-server did not come up on port {port}")
