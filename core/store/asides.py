"""Folders to work in, beside what is made in them: locked while in use, swept once nobody is.

A process that is killed leaves its folder behind, which may hold what is encrypted elsewhere.
Whoever works in the same place next removes it, but none that is in use, and nothing of others.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
_OURS = re.compile(r"\.(?:openbell-|\d{8}T\d{6}).*\.part")


@contextmanager
def working(parent: Path, name: str = "openbell") -> Iterator[Path]:
    """A new folder in `parent`, locked against sweeping, gone at the end unless it was renamed."""
    sweep(parent)
    aside, descriptor = _new(parent, name)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(descriptor)


def _new(parent: Path, name: str) -> tuple[Path, int]:
    """A new folder and what holds its lock; another one if it was swept before it was locked."""
    while True:
        aside = Path(tempfile.mkdtemp(suffix=PART, prefix=f".{name}-", dir=parent))
        try:
            descriptor = os.open(aside, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # whoever sweeps it has it until it is gone
        if aside.exists():
            return aside, descriptor
        os.close(descriptor)


def sweep(parent: Path) -> None:
    """Remove what those left there who were killed; what is in use stays."""
    for path in parent.glob(f".*{PART}"):
        if _OURS.fullmatch(path.name):
            _remove_unused(path)


def remove(path: Path) -> None:
    """Remove a folder or a file; what cannot be removed stays."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_unused(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(path)
    except BlockingIOError:
        return  # somebody works in it
    finally:
        os.close(descriptor)
