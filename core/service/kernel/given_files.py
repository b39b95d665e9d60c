"""Files and folders that a caller names: looked at before anything is done with them.

They are handed on as absolute paths: an engine takes a relative one for more than a file when it
begins with `~`, `md:` or `s3:`, and may ask the outside world for it.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from core.store import files

INCOMING = "incoming"


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its name within the folder, its size in bytes, its SHA-256."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A file, or a folder of files, that lies on another machine and can be asked for there."""

    id: str
    name: str
    parts: tuple[Part, ...]
    folder: bool = False

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(part.size for part in self.parts)


Given = Path | Carried


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


def incoming(data_dir: Path, path: Path) -> Path:
    """A path as somebody elsewhere may name it: below `incoming` in the data folder, nowhere else.

    Else whoever may import could read any file of the desk's machine through the rows it rejects.
    """
    folder = (data_dir / INCOMING).resolve()
    found = (folder / path).resolve()
    if not found.is_relative_to(folder):
        raise UsageError(
            f"{path} is a file of the desk's machine, which its own command line alone may name",
            hint=f"have it put into {INCOMING} in the data folder, and name it without a folder",
        )
    return found


def to_write(folder: Path) -> Path:
    """The absolute path of a folder of ours to write into, made when missing; else UsageError."""
    try:
        return files.folder(folder.absolute())
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be used: {error.strerror}",
            hint="choose another, or give it to the user of the desk",
        ) from error
