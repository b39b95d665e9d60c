"""Where a running desk listens: a 0600 file in the data folder with address, token and PID."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import httpx

from core import atomic

FILE = "desk.json"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the desk of a data folder answers, and the token its API asks for."""

    url: str
    token: str
    pid: int


def announce(data_dir: Path, host: str, port: int) -> Address:
    """Write the address of this process's desk: aside, synced, then in place."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - only compared
    address = Address(f"http://{shown}:{port}", secrets.token_urlsafe(32), os.getpid())
    atomic.write(data_dir / FILE, json.dumps(asdict(address)).encode())
    return address


def withdraw(data_dir: Path) -> None:
    """Remove the address when it is this process's."""
    address = read(data_dir)
    if address and address.pid == os.getpid():
        (data_dir / FILE).unlink(missing_ok=True)


def read(data_dir: Path) -> Address | None:
    """The address on file, whoever wrote it; None when there is none or it cannot be read."""
    path = f"{data_dir}/{FILE}"  # asked for at each call: paths cost more than the look
    try:
        found = os.stat(path)  # noqa: PTH116
        return _read(path, found.st_mtime_ns, found.st_ino)
    except (FileNotFoundError, ValueError, TypeError):
        return None


@lru_cache(maxsize=8)
def _read(path: str, *_: int) -> Address:
    """What a file holds, read once until another stands there: each is written aside."""
    return Address(**json.loads(Path(path).read_text()))


def running(data_dir: Path) -> Address | None:
    """The address of a desk that answers right now."""
    address = read(data_dir)
    if address is None:
        return None
    try:
        answer = httpx.get(f"{address.url}/api/health/live", timeout=2.0)
    except httpx.HTTPError:
        return None
    return address if answer.status_code == 200 else None
