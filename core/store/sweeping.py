"""Pieces that no backup names any longer: removed, and none while that is not known of all."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import IntegrityError, OpenbellError
from core.observe import logs
from core.store import backup as backups
from core.store.objects import FOLDER, Objects

log = logs.get("backup")
_OURS = re.compile(r"\d{8}T\d{6}(-timed|-migration)?(-set)?(-\d\d)?(\.tar(\.age)?)?")


def sweep(folder: Path, key: str | None) -> list[str]:
    """Remove pieces in a folder of backups that no set there names; their names.

    None where a set cannot be read or something there has another name than backups get, for nobody
    knows what it names, or while one is being made.
    """
    objects = Objects(folder / FOLDER, key)
    if not objects.folder.is_dir():
        return []
    try:
        return objects.sweep(lambda: named(folder, key))
    except (OpenbellError, OSError) as error:
        log.warning("pieces that nothing names were left", folder=str(folder), error=str(error))
        return []


def named(folder: Path, key: str | None) -> set[str]:
    """The pieces that the sets of a folder name; IntegrityError where one cannot be read."""
    there = [p for p in folder.iterdir() if p.name[0] != "." and p.name != FOLDER]
    if odd := [path.name for path in there if not _OURS.fullmatch(path.name)]:
        raise IntegrityError(f"{odd[0]} may be a set, and has no name of one", where=str(folder))
    sets = [backups.pieces_of(p, key) for p in there if p.is_dir() or backups.is_set(p)]
    return {piece.file for made in sets if made for piece in made.pieces}
