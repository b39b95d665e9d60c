"""How many rows the container announced for a version, by sha256, for desks that share it.

The container says it once, to the desk that had the version made. One small file a version in a
folder that the desks share tells the others.
"""

from __future__ import annotations

from pathlib import Path

from core import atomic
from core.observe import logs
from core.sources.foundry.wire import is_pointer

log = logs.get("foundry")
MAX_DIGITS = 15


def shared(folder: Path | None, sha256: str) -> int | None:
    """The count that any desk has kept of a version; None when none has."""
    if folder is None or not is_pointer(sha256):
        return None
    try:
        text = (folder / f"{sha256}.rows").read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        log.warning("shared row counts cannot be read", folder=str(folder), error=str(error))
        return None
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def share(folder: Path | None, sha256: str, rows: int) -> None:
    """Keeps a count for the others. A folder that cannot be written is told, and stops no pull."""
    if folder is None or not is_pointer(sha256):
        return
    try:
        atomic.write(folder / f"{sha256}.rows", f"{rows}\n".encode(), private=False)
    except OSError as error:
        log.warning("shared row counts cannot be written", folder=str(folder), error=str(error))
