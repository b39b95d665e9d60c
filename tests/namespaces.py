"""Namespaces of the network: each process of a cluster as on a machine of its own.

All are on one bridge; every service has an address of its own. A link is cut by pointing its
address, in the namespace of one process, at a card that nobody has: packets go out and are lost
without a word, on open connections too. Needs root and `ip`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
SERVICES = ("postgres", "redis", "s3", "container")
FIRST = 20  # the number of the first namespace in the subnet
NOBODY = "02:00:00:00:00:99"
_LIBC = ctypes.CDLL(None, use_errno=True)
_NET = 0x40000000  # CLONE_NEWNET


def available() -> bool:
    """Whether namespaces can be made here."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"openbell-try-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return False
    _ip("netns", "del", name)
    return True


class Network:
    """A bridge with the services' addresses, and a namespace a process; use it in `with`."""

    def __init__(self) -> None:
        number = os.getpid()
        self._bridge = f"ob{number}"
        self._subnet = f"10.{64 + number % 64}.{number // 64 % 256}"
        self._made: list[str] = []

    def __enter__(self) -> Network:
        _ip("link", "add", self._bridge, "type", "bridge")
        for service in SERVICES:
            _ip("addr", "add", f"{self.address(service)}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._made:
            _ip("netns", "del", name)
        _ip("link", "del", self._bridge)

    def address(self, service: str) -> str:
        """The address of a service."""
        return f"{self._subnet}.{SERVICES.index(service) + 1}"

    def place(self) -> str:
        """Make a namespace on the bridge; its name."""
        number = len(self._made)
        name = f"{self._bridge}-{number}"
        here, there = f"{self._bridge}v{number}", "eth0"
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _ip("link", "set", here, "master", self._bridge, "up")
        _ip("-n", name, "addr", "add", f"{self._subnet}.{number + FIRST}/24", "dev", there)
        _ip("-n", name, "link", "set", there, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        return name

    def cut(self, name: str, other: str) -> None:
        """Let nothing that a namespace sends to a service, or to another namespace, arrive."""
        where = ("to", self._to(other), "dev", "eth0")
        _ip("-n", name, "neigh", "replace", *where, "lladdr", NOBODY, "nud", "permanent")

    def mend(self, name: str, other: str) -> None:
        """Undo `cut`."""
        _ip("-n", name, "neigh", "del", self._to(other), "dev", "eth0")

    def _to(self, other: str) -> str:
        if other in SERVICES:
            return self.address(other)
        return f"{self._subnet}.{self._made.index(other) + FIRST}"


def within(name: str) -> tuple[str, ...]:
    """What a command begins with, to run in a namespace."""
    return ("ip", "netns", "exec", name) if name else ()


def enter(name: str) -> None:
    """Let the sockets that this thread opens from now on be those of a namespace."""
    if not name:
        return
    with Path("/run/netns", name).open() as file:
        if _LIBC.setns(file.fileno(), _NET):
            raise OSError(ctypes.get_errno(), "setns")


def inside(name: str, function: Callable[[], T]) -> T:
    """What a function returns that runs in a namespace."""
    with ThreadPoolExecutor(1, initializer=enter, initargs=(name,)) as threads:
        return threads.submit(function).result()


def _ip(*words: Any) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)
