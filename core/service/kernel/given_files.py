"""Files and folders that a caller names: looked at before anything is done with them.

They are handed on as absolute paths: an engine takes a relative one for more than a file when it
begins with `~`, `md:` or `s3:`, and may ask the outside world for it.
"""

from __future__ import annotations

import stat
from pathlib import Path

from core.errors import UsageError
from core.store import files


def to_read(path: Path, *, folders: bool = False) -> Path:
    """The absolute path of a file (or of a folder, too) that is there; else UsageError says why."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode) and not (folders and stat.S_ISDIR(mode)):
        raise UsageError(f"{path} is no file")
    return path.absolute()


def to_write(folder: Path) -> Path:
    """The absolute path of a folder of ours to write into, made when missing; else UsageError."""
    try:
        return files.folder(folder.absolute())
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be used: {error.strerror}",
            hint="choose another, or give it to the user of the desk",
        ) from error
