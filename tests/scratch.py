"""Where the folders of tests are made: in memory where there is room, else where the system says.

Most tests open stores and queues that wait for a disk at every commit, and prove nothing of it.
Whoever names a place, by TMPDIR or `--basetemp`, is asked no further.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30  # bytes; all folders of a run with two workers take about a fourth


def use_memory(place: Path = MEMORY) -> bool:
    """Let temporary folders of this process and those it starts lie in `place`; whether they do."""
    if os.environ.get("TMPDIR") or not _fits(place):
        return False
    os.environ["TMPDIR"] = str(place)
    tempfile.tempdir = None  # it was looked up before
    return True


def _fits(place: Path) -> bool:
    return (
        place.is_dir()
        and os.access(place, os.W_OK | os.X_OK)
        and shutil.disk_usage(place).free >= ROOM
    )
