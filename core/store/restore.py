"""Put a copy of store and queue in place of what is there: the desk is the old one or the new one.

All is copied aside first, synced and checked. Then one small file says which renames are to be
made; once it stands, they are made, by this process or by whoever opens the desk next. Before it
stands nothing was moved. Paths in it are relative to the data folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from core import atomic
from core.errors import IntegrityError, StoreError
from core.store import files, manifests, presence
from core.store.asides import PART
from core.store.manifests import QUEUE, STORE

PLAN = "restore.json"
NOTE = "restored.json"  # word for the next start: what was put in place cannot tell of it
COUNT = "-count"  # the number of writes that the queue keeps beside itself


@dataclass(frozen=True, slots=True)
class Places:
    """The data folder and where store and queue of a desk are."""

    folder: Path
    store: Path
    queue: Path

    @property
    def live(self) -> dict[str, Path]:
        """The live file of each role."""
        return {STORE: self.store, QUEUE: self.queue}

    @property
    def staged(self) -> dict[str, Path]:
        """Where the file of each role waits to be put in place."""
        return {role: path.with_name(f".{path.name}{PART}") for role, path in self.live.items()}

    @property
    def note(self) -> Path:
        """Where the last restore left word."""
        return self.folder / NOTE

    @property
    def staged_note(self) -> Path:
        """Where that word waits to be put in place."""
        return self.folder / f".{NOTE}{PART}"


def beside(live: Path) -> list[Path]:
    """What the engines keep beside a database file: logs that belong to it alone."""
    endings = (".wal", ".wal.checkpoint", ".wal.recovery", "-wal", "-shm", "-journal", COUNT)
    return [path for ending in endings if (path := live.with_name(live.name + ending)).exists()]


def stage(places: Places, sources: Mapping[str, Path | None]) -> None:
    """Copy the file of each role aside, with its logs; StoreError when there is no room."""
    try:
        for role, source in sources.items():
            if source is not None:
                _stage(source, places.staged[role])
    except OSError as error:
        raise StoreError(
            f"the copies could not be written: {error.strerror}; nothing was moved",
            where=str(places.folder),
            hint="make room on the disk, then try again",
        ) from error


def _stage(source: Path, staged: Path) -> None:
    files.folder(staged.parent)
    try:
        files.copy_by_another(source, staged)
        for log in beside(source):
            if log.name.endswith(COUNT):
                continue  # of the place that is left
            files.copy_by_another(log, staged.with_name(staged.name + log.name[len(source.name) :]))
    except StoreError as error:
        raise StoreError(
            f"{error.message}; nothing was moved",
            where=error.where,
            hint="make room on the disk, then try again",
        ) from error


def must_equal(backup: manifests.Backup, places: Places) -> None:
    """IntegrityError when a staged copy is not what the backup's manifest says."""
    for role, staged in places.staged.items():
        source = backup.path_of(role)
        if source and files.sha256(staged) != backup.files[source.name]["sha256"]:
            raise IntegrityError(
                f"the copy of {source.name} is not what it was copied from; nothing was moved",
                where=str(staged),
                hint="check the disk, then try again",
            )


def swap(places: Places, source: Path, now: datetime) -> list[Path]:
    """Put what is staged in place; the folders with what was there before, if anything was.

    A note of it, from `source`, is put in place with it: whoever makes the last rename.
    """
    aside = {path.parent: Path() for path in places.live.values()}
    for parent in aside:
        aside[parent] = _new_folder(parent, now)
    there = {path.parent for path in places.live.values() if path.exists() or beside(path)}
    kept = [folder for parent, folder in aside.items() if parent in there]
    known = {"folder": str(source), "kept": [str(path) for path in kept], "at": now.isoformat()}
    places.staged_note.write_bytes(orjson.dumps(known))
    moves = [(live, places.staged[role], live.parent) for role, live in places.live.items()]
    roles = [
        {
            "live": _relative(live, places),
            "staged": _relative(staged, places),
            "aside": _relative(aside[parent], places),
        }
        for live, staged, parent in (*moves, (places.note, places.staged_note, moves[0][2]))
    ]
    for staged in (*places.staged.values(), places.staged_note):
        atomic.sync(staged)
    atomic.write(places.folder / PLAN, orjson.dumps(roles), alone=True)
    finish(places)
    return kept


def finish(places: Places) -> bool:
    """Make the renames of a swap that was begun; whether there was one. Only the owner may."""
    plan = places.folder / PLAN
    if not plan.exists():
        return False
    for role in _read(plan):
        live, staged, aside = (places.folder / role[key] for key in ("live", "staged", "aside"))
        if staged.exists():
            for path in (*beside(live), live):
                if path.exists():
                    path.replace(aside / path.name)
            staged.replace(live)
        for folder in {live.parent, aside}:
            atomic.sync(folder)
    plan.unlink()
    atomic.sync(plan.parent)
    return True


def moved(store: Path) -> Path:
    """Where a store that moves to this place is written before it gets its name."""
    return store.with_name(f".{store.name}.moved{PART}")


def drop(aside: Path) -> None:
    """Remove a database file and what the engines keep beside it."""
    for path in (*beside(aside), aside):
        path.unlink(missing_ok=True)


def sweep(places: Places) -> None:
    """Remove what a restore left behind that was stopped before it moved anything."""
    for aside in (*places.staged.values(), moved(places.store)):
        drop(aside)
    places.staged_note.unlink(missing_ok=True)
    plan = places.folder / PLAN
    plan.with_name(f".{PLAN}{PART}").unlink(missing_ok=True)
    for folder in {path.parent for path in places.live.values()}:
        for path in folder.glob(f"{presence.SET_ASIDE}*"):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def set_aside_store(folder: Path) -> Path:
    """The store in a folder that a restore set aside; IntegrityError without one."""
    store = set_aside_sources(folder)[STORE]
    if store is None:
        raise IntegrityError(f"there is no store in {folder.name}", where=str(folder))
    return store


def set_aside_sources(folder: Path) -> dict[str, Path | None]:
    """Store and queue in a folder that a restore set aside; IntegrityError without a store."""
    found: dict[str, Path | None] = {STORE: None, QUEUE: None}
    for path in sorted(folder.iterdir()):
        kind = manifests.kind_of(path)
        if kind:
            found[kind] = path
    if found[STORE] is None:
        raise IntegrityError(
            f"there is neither a manifest nor a whole store in {folder.name}", where=str(folder)
        )
    return found


def _new_folder(parent: Path, now: datetime) -> Path:
    stem = f"{presence.SET_ASIDE}{now:%Y%m%dT%H%M%S}"
    for name in (stem, *(f"{stem}-{n:02}" for n in range(2, 100))):
        folder = parent / name
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return folder
    raise StoreError("a hundred restores were made in this second", where=str(parent))


def _relative(path: Path, places: Places) -> str:
    return os.path.relpath(path, places.folder)


def _read(plan: Path) -> Sequence[Mapping[str, Any]]:
    try:
        roles: Sequence[Mapping[str, Any]] = orjson.loads(plan.read_bytes())
        return [{key: str(role[key]) for key in ("live", "staged", "aside")} for role in roles]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "the plan of a restore that was stopped is damaged",
            where=str(plan),
            hint="remove that file, then run again: python -m app restore",
        ) from error
