"""What a command leaves: its document and its exit code. Light, so that asking costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# what is said of pulls that wait for an engine which is gone, by whoever notices it
NOBODY = "nobody works on the pulls or waits for them now"
LATER = "they stay queued for the desk that runs jobs next; see: python -m app jobs list"
DONE, FAILED, WRONG_USE, FOUND_ERRORS = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command's document and its exit code (0 done, 1 failed, 2 wrong use, 3 errors found)."""

    document: Any
    exit_code: int = DONE
