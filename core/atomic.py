"""The one way to write a file whole: aside, fsync, `os.replace`, fsync of the folder.

Whoever looks finds the old file or the new one, also after a power cut. Of plain writes one in
fourteen was torn by kill -9.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

STALE_SECONDS = 3600.0  # what lies aside for so long was left by a process that was killed


@contextmanager
def writing(path: Path, *, private: bool = True, alone: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which stands at `path` once the block is left well; OSError otherwise.

    After an error nothing has changed. `private`: only its owner may read it, else whom the umask
    lets. `alone`: nobody else writes this file meanwhile, so that what a killed process has left
    is written over at once; without it any thread or process may write, and the last one counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part" if alone else _own_name(path))
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if alone else os.O_EXCL) | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(aside, flags, 0o600 if private else 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write(path: Path, body: bytes, *, private: bool = True, alone: bool = False) -> None:
    """Write a small file whole; see `writing`."""
    with writing(path, private=private, alone=alone) as file:
        file.write(body)


def sync(path: Path) -> None:
    """Bring a file that nobody has open, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own_name(path: Path) -> str:
    _sweep(path)
    return f".{path.name}.{secrets.token_hex(4)}.part"


def _sweep(path: Path) -> None:
    """Remove what writers of this file left when they were killed."""
    start, before = f".{path.name}.", time.time() - STALE_SECONDS
    with suppress(OSError), os.scandir(path.parent) as listed:
        for found in listed:
            left = found.name.startswith(start) and found.name.endswith(".part")
            if left and found.stat().st_mtime < before:
                Path(found.path).unlink(missing_ok=True)
