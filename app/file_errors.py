"""Errors of the file system as ours: the file, why, and what to do about that kind."""

from __future__ import annotations

import errno

from core.errors import StoreError


def of(error: OSError) -> StoreError:
    """The error that a command ends with."""
    from core.store import files

    where, why = error.filename or "a file", error.strerror or str(error)
    if files.is_full(why):
        hint = files.ROOM
    elif error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "raise the limit of open files (ulimit -n)"
    else:
        hint = "give it and its folder to the user of the desk, or name another: OPENBELL_DATA_DIR"
    return StoreError(f"{where} cannot be used: {why}", hint=hint)
