"""One owner of a data folder, of its store and of its queue: locks on files of their own.

A lock of POSIX on the database itself goes when *any* descriptor of that file is closed by its
process, as a copy made in the process does. So what tells the owner is `flock` on files beside the
data that nothing else ever opens. The system lets go of it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from core.errors import OwnershipError, StoreError


def lock_of(path: Path) -> Path:
    """The lock file that stands for a database file, beside it."""
    return path.with_name(f"{path.name}.lock")


def lock_of_folder(folder: Path) -> Path:
    """The lock file that stands for a data folder, in it."""
    return folder / "desk.lock"


def private() -> None:
    """Let all files that this process makes be their owner's alone: engines make some at any
    time."""
    os.umask(0o077)


class Ownership:
    """Locks held until `release`; `Ownership.take` gets all of them or none."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._others: list[Callable[[], None]] = []

    @classmethod
    def take(cls, locks: Iterable[Path]) -> Ownership:
        """Hold the lock files; OwnershipError names the process that has one of them."""
        owned = cls()
        try:
            for lock in sorted(set(locks)):
                owned._hold(lock)
        except BaseException:
            owned.release()
            raise
        return owned

    def release(self) -> None:
        """Let go; the files stay, for a lock on a removed file would be seen by nobody."""
        while self._others:
            self._others.pop()()
        while self._descriptors:
            os.close(self._descriptors.pop())

    def releases(self, other: Callable[[], None]) -> None:
        """Let go of something else, too, when this is let go of."""
        self._others.append(other)

    def __enter__(self) -> Ownership:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _hold(self, lock: Path) -> None:
        try:
            lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"the data folder cannot be used: {error.strerror}",
                where=str(lock.parent),
                hint="give its files and folders to the user of the desk, or make room",
            ) from error
        self._descriptors.append(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OwnershipError(
                f"the data folder is owned by {_owner(descriptor)}",
                where=str(lock.parent),
                hint="use that desk's address, or stop it first",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _owner(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"process {text}" if text.isdigit() else "another process"
