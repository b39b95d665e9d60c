"""Backups that happen: made at their time, verified, thinned out by age, and told as events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.timetable.rotation import Rotation, kept
from core.errors import IntegrityError, OpenbellError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import logs, work
from core.observe.events import Event
from core.service.access import auditing
from core.service.care import second_place
from core.service.data_folder import backups_of, key_of
from core.service.kernel import given_files
from core.service.kernel.access import needs
from core.service.kernel.commands import command
from core.service.kernel.handlers import handler
from core.store import asides, events, manifests, sweeping
from core.store import backup as backups

if TYPE_CHECKING:
    from core.service.desk import Desk

log = logs.get("backup")
ZONE = "America/New_York"


@needs(Role.ADMIN)
@work.measured(work.BACKUPS, "backup")
def make(desk: Desk, folder: Path | None = None, *, timed: bool = False) -> dict[str, Any]:
    """Copy store and queue into a new folder, verify the copy, and tell of it either way.

    After a timed one older timed ones are thinned out (`OPENBELL_BACKUP_KEEP`); what somebody has
    asked for stays until somebody removes it.
    """
    where = given_files.to_write(folder or backups_of(desk.settings.data_dir))
    try:
        made = _made(desk, where, backups.TIMED if timed else "", in_pieces=folder is None)
    except OpenbellError as error:
        sweeping.sweep(where, key_of(desk.settings))
        tell(desk, Event.of("backup.failed", "backup", f"no backup was made: {error}"))
        raise
    gone = _thin_out(desk, where) if timed else []
    document = {**_document(made), "removed": [path.name for path in gone]}
    document["encrypted"] = made.folder.is_file()
    sentence = f"{made.folder.name}: {document['rows']:,} rows, {_sizes(document)}, verified"
    after = {name: document[name] for name in ("bytes", "written", "rows", "tables", "removed")}
    after["folder"] = str(made.folder)
    tell(desk, Event.of("backup.made", "backup", sentence, after=after))
    document["second_place"] = _copy(desk, made.folder) if folder is None else None
    return document


def _made(desk: Desk, where: Path, ending: str, *, in_pieces: bool) -> manifests.Backup:
    """A backup of the kind that the settings name; one for elsewhere stands on its own."""
    key, incremental = key_of(desk.settings), desk.settings.backup_kind == "incremental"
    source = desk.warehouse, desk.settings.queue_path, where, desk.now()
    if incremental and in_pieces:
        made = backups.make_set(*source, ending=ending, key=key)
    else:
        made = backups.make(*source, ending=ending)
    if key:
        made = backups.seal(made, key)
    if made.written:
        work.BACKUP_BYTES.labels("written").inc(made.written.bytes)
        work.BACKUP_BYTES.labels("reused").inc(made.written.reused_bytes)
    return made


def _sizes(document: Mapping[str, Any]) -> str:
    """How much a backup holds, and of a set how much of that was written."""
    size, written = (document[name] / 1024**2 for name in ("bytes", "written"))
    return f"{size:.1f} MB" + (f" ({written:.1f} MB of it new)" if written < size else "")


def _copy(desk: Desk, made: Path) -> str | None:
    """Bring a backup to its second place; None without one, or where that fails, which is told."""
    if not desk.settings.backup_url:
        return None
    try:
        name = second_place.copy(desk.settings, made)
    except OpenbellError as error:
        told = f"{made.name} is at home only: {error}"
        tell(desk, Event.of("backup.not_copied", "second place", told))
        return None
    told = f"{name} is at the second place, read back and equal"
    tell(desk, Event.of("backup.copied", "second place", told, after={"name": name}))
    return name


@needs(Role.ADMIN)
def tell(desk: Desk, event: Event) -> None:
    """Store an event of a backup; one that cannot be stored is in the log."""
    try:
        with desk.warehouse.transaction() as tx:
            events.add(tx, [event], desk.now())
    except OpenbellError as error:
        log.error("event not stored", kind=event.kind.name, told=event.message, error=str(error))


def _thin_out(desk: Desk, folder: Path) -> list[Path]:
    """Remove timed backups that the rotation does not keep; one that cannot be read is left to a
    person."""
    known: dict[datetime, list[Path]] = {}
    for path in backups.found(folder):
        if backups.TIMED in path.name and backups.looks_good(path):
            known.setdefault(backups.made_at(path), []).append(path)
    stay = kept(list(known), Rotation.of(desk.settings.backup_keep), ZONE)
    gone = [path for at, paths in known.items() if at not in stay for path in paths]
    for path in gone:
        _remove(path)
    sweeping.sweep(folder, key_of(desk.settings))
    return gone


def _remove(path: Path) -> None:
    """Take the name of a backup away first: one that is removed by halves is none."""
    aside = path.with_name(f".{path.name}{asides.PART}")
    path.rename(aside)
    asides.remove(aside)


def _document(made: manifests.Backup) -> dict[str, Any]:
    return {
        "folder": str(made.folder),
        "made_at": made.made_at,
        "bytes": made.bytes,
        "written": made.written.bytes if made.written else made.bytes,
        "rows": sum(made.rows.values()),
        "tables": len(made.rows),
    }


@command("backup", needs=Role.ADMIN)
def backup_command(desk: Desk, *, folder: Path | None = None) -> dict[str, Any]:
    """Copy store and queue into a new folder, and verify the copy."""
    return make(desk, folder)


@handler("backup")
async def backup_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """The backup of the day, with a checkpoint of who did what in it."""
    await asyncio.to_thread(_sign, desk)
    made = await asyncio.to_thread(make, desk, timed=True)
    context.report(f"{made['rows']:,} rows, {len(made['removed'])} older backups removed")
    return {"folder": made["folder"], "removed": made["removed"]}


def _sign(desk: Desk) -> None:
    """Sign where the chain of who did what ends; one that is broken is told."""
    try:
        point = auditing.signed(desk)
    except IntegrityError as error:
        tell(desk, Event.of("audit.broken", "audit", error.message))
    else:
        tell(desk, Event.of("audit.whole", "audit", f"whole up to entry {point.entry:,}"))
