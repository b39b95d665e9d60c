"""What lies in the folder of the inbox, and how it is moved out of the way."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from core.domain.tables.arrivals import is_ready
from core.errors import StoreError
from core.store import files

FOR_GOOD = (errno.EACCES, errno.EPERM, errno.EROFS)  # errors of a move that do not pass by waiting
Found = tuple[Path, os.stat_result, str | None]


def listed(here: Path, left_out: Collection[str]) -> Iterator[Found]:
    """Files of a folder and of the folders in it, by the names that people gave them.

    Each with what it is instead where it is no plain file that could be taken. StoreError when the
    folder itself cannot be read; one within it that cannot is told as such, and stops no other.
    """
    try:
        entries = [Path(entry) for entry in os.scandir(here)]
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"the inbox cannot be read: {error.strerror}", where=str(here)) from error
    for path in entries:
        if path.name not in left_out:
            yield from _of(path, deep=False)


def _of(path: Path, *, deep: bool) -> Iterator[Found]:
    if not is_ready(path.name):
        return
    try:
        told = path.lstat()
        if not stat.S_ISDIR(told.st_mode):
            yield path, told, _other(told)
        elif deep:
            yield path, told, "it is a folder within a folder"
        else:
            yield from _within(path, told)
    except FileNotFoundError:  # taken away meanwhile
        return


def _within(path: Path, told: os.stat_result) -> Iterator[Found]:
    try:
        entries = [Path(entry) for entry in os.scandir(path)]
        for entry in entries:
            yield from _of(entry, deep=True)
    except PermissionError as error:
        yield path, told, f"it is a folder that cannot be read: {error.strerror}"


def _other(told: os.stat_result) -> str | None:
    """What is no plain file."""
    if stat.S_ISLNK(told.st_mode):
        return "it is a link"
    return None if stat.S_ISREG(told.st_mode) else "it is no plain file"


def move(path: Path, target: Path) -> None:
    """Move a file, also to another file system, and close it to others; OSError says why not."""
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _carry(path, target)
    files.limit(target)


def _carry(path: Path, target: Path) -> None:
    try:
        shutil.copyfile(path, target)
        path.unlink()
    except OSError:
        target.unlink(missing_ok=True)
        raise
