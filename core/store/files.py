"""Files of the data folder: readable by their owner only, on the disk when a step is done.

The database files of an open desk are never opened here by this process: closing them would drop
the locks that it holds on them. They are copied by a process of its own.
"""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from core.errors import StoreError
from core.observe import logs

CHUNK_BYTES = 1024 * 1024
_COPY = """
import os, shutil, sys
try:
    with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
        target.flush()
        os.fsync(target.fileno())
except OSError as error:
    sys.exit(error.strerror)
"""
ROOM = "make room on the disk, then try again"
_FULL = re.compile("no space|is full|quota|file too large|could not write", re.IGNORECASE)
log = logs.get("store")


def copy_by_another(source: Path, target: Path) -> None:
    """A synced copy of a file, read and written by another process; StoreError says what failed."""
    command = [sys.executable, "-I", "-S", "-c", _COPY, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o077)  # noqa: S603
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it was stopped"
        raise StoreError(f"{source.name} could not be copied: {why}", where=str(target.parent))


def folder(path: Path) -> Path:
    """A folder that only its owner may enter; made when missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def close_to_others(root: Path, trees: Iterable[Path], files: Iterable[Path]) -> None:
    """Take the rights of others away from a data folder, from trees of folders and from files.

    A folder of all (as `/tmp`) stays as it is; what is another user's is told in a warning.
    """
    if not root.stat().st_mode & stat.S_ISVTX:
        limit(root)
    inside = (path for tree in trees for path in (tree, *tree.rglob("*")))
    for path in (*inside, *files):
        if path.exists() and not path.is_symlink():
            limit(path)


def limit(path: Path) -> None:
    """Take the rights of others away from one path; another user's is told in a warning."""
    state = path.stat()
    wanted = state.st_mode & (0o700 if path.is_dir() else 0o600)
    if state.st_mode & 0o777 == wanted:
        return
    try:
        path.chmod(wanted)
    except PermissionError:
        log.warning("others may read this", path=str(path))


def is_full(message: str) -> bool:
    """Whether an error of the system or of an engine tells of a disk without room."""
    return _FULL.search(message) is not None


def sha256(path: Path) -> str:
    """The digest of a file that nobody has open."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()
