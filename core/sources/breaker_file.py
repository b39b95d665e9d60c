"""Where circuit breakers are kept: one small JSON file in the data folder, for every process on it.

Changes are made under a lock file of its own, written aside, fsynced and renamed: a reader sees the
old state or the new one, and two processes never overwrite each other's.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from core import atomic
from core.domain.breaker import Breaker
from core.observe import logs

log = logs.get("upstreams")
Change = Callable[[Breaker], Breaker]
_INSTANTS = {field.name for field in fields(Breaker) if "datetime" in str(field.type)}


class BreakerFile:
    """Breakers by name; thread-safe. Without a path they live in this process only.

    A file that cannot be read counts as *all closed*; one that cannot be written (disk full) is
    told in the log, and the process goes on with what it knows itself.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._own: dict[str, Breaker] = {}  # what could not be written
        self._seen: tuple[int, int, int] | None = None
        self._read: dict[str, Breaker] = {}

    def get(self, name: str) -> Breaker:
        """The breaker of a name; a closed one where nothing is known."""
        with self._lock:
            return self._get(name)

    def change(self, name: str, change: Change) -> tuple[Breaker, Breaker]:
        """Replace a breaker by what `change` makes of it; the one before and the one after."""
        with self._lock, self._exclusive():
            before = self._get(name)
            after = change(before)
            if after != before:
                self._put(name, after)
            return before, after

    def _get(self, name: str) -> Breaker:
        if name in self._own:
            return self._own[name]
        return self._load().get(name, Breaker())

    def _put(self, name: str, breaker: Breaker) -> None:
        self._own[name] = breaker
        if self._path is None:
            return
        try:
            _write(self._path, {**self._load(), **self._own})
        except OSError as error:
            log.error("upstream state not written", path=str(self._path), error=str(error))
        else:
            self._own.clear()

    def _load(self) -> Mapping[str, Breaker]:
        if self._path is None:
            return {}
        try:
            found = self._path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if version != self._seen:
                self._read = _decoded(self._path.read_bytes())
                self._seen = version
        except FileNotFoundError:
            self._read, self._seen = {}, None
        except OSError as error:
            log.error("upstream state not read", path=str(self._path), error=str(error))
        return self._read

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock file, as far as the disk allows one."""
        try:
            handle = self._lock_file()
        except OSError:
            yield
            return
        try:
            if handle is not None:
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _lock_file(self) -> int | None:
        if self._path is None:
            return None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path.with_suffix(".lock"), flags, 0o600)


def encoded(breaker: Breaker) -> bytes:
    """One breaker as JSON."""
    return json.dumps(_entry(breaker)).encode()


def decoded(body: bytes) -> Breaker | None:
    """The breaker of its JSON; None when that makes no sense."""
    try:
        return _breaker(json.loads(body))
    except ValueError:
        return None


def _decoded(body: bytes) -> dict[str, Breaker]:
    """The breakers of a file; those that make no sense are left out."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    found = {str(name): _breaker(entry) for name, entry in document.items()}
    return {name: breaker for name, breaker in found.items() if breaker is not None}


def _breaker(entry: Any) -> Breaker | None:
    if not isinstance(entry, dict):
        return None
    try:
        known = {name: entry[name] for name in Breaker.__slots__ if entry.get(name) is not None}
        for name in _INSTANTS & known.keys():
            known[name] = datetime.fromisoformat(known[name])
            if known[name].tzinfo is None:
                return None
        for name in ("failures", "tries", "oddities"):
            known[name] = int(known.get(name, 0))
        known["odd"] = tuple(str(about) for about in known.get("odd", ()))
        return Breaker(**known)
    except (ValueError, TypeError, KeyError):
        return None


def _write(path: Path, breakers: Mapping[str, Breaker]) -> None:
    document = {name: _entry(breaker) for name, breaker in breakers.items()}
    atomic.write(path, json.dumps(document, indent=1).encode())


def _entry(breaker: Breaker) -> dict[str, Any]:
    values = {name: getattr(breaker, name) for name in Breaker.__slots__}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }
