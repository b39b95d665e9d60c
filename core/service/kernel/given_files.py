"""Files and folders that a caller names: looked at before anything is done with them."""

from __future__ import annotations

import stat
from pathlib import Path

from core.errors import UsageError
from core.store import files


def to_read(path: Path, *, folders: bool = False) -> Path:
    """The path of a file (or of a folder, too) that is there; else UsageError says why not."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode) and not (folders and stat.S_ISDIR(mode)):
        raise UsageError(f"{path} is no file")
    return path


def to_write(folder: Path) -> Path:
    """A folder of ours to write into, made when missing; else UsageError says why not."""
    try:
        return files.folder(folder)
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be used: {error.strerror}",
            hint="choose another, or give it to the user of the desk",
        ) from error
