"""An error of the file system that reaches a command is a sentence that says what to do."""

from __future__ import annotations

import errno
import os

import pytest

from app import file_errors


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "user of the desk"),
        (errno.EPERM, "user of the desk"),
        (errno.ENOTDIR, "OPENBELL_DATA_DIR"),
        (errno.EROFS, "OPENBELL_DATA_DIR"),
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EMFILE, "limit of open files"),
    ],
)
def test_each_kind_has_its_hint(number: int, hint: str) -> None:
    """The file is named, too, and why."""
    told = file_errors.of(OSError(number, os.strerror(number), "/srv/desk/desk.json"))
    assert told.message == f"/srv/desk/desk.json cannot be used: {os.strerror(number)}"
    assert hint in (told.hint or "")
