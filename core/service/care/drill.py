"""Drills: a backup is restored into a folder aside, opened as a desk, and compared with itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from core.domain.access.principals import Role
from core.errors import IntegrityError, OpenbellError, UsageError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import work
from core.observe.events import Event
from core.service.care import second_place
from core.service.care.backing_up import tell
from core.service.data_folder import backups_of, bring_back, key_of
from core.service.kernel import given_files
from core.service.kernel.access import needs
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.kernel.handlers import handler
from core.settings import Settings
from core.store import asides, manifests
from core.store import backup as backups
from core.store.connection import reading
from core.store.digests import DIGESTED, digests
from core.store.manifests import MANIFEST, STORE
from core.store.warehouse import Warehouse

if TYPE_CHECKING:
    from core.service.desk import Desk


@needs(Role.ADMIN)
@work.measured(work.BACKUPS, "drill")
def drill(
    desk: Desk, folder: Path | None = None, *, from_second_place: bool = False
) -> dict[str, Any]:
    """Restore a backup (the latest good one) aside and compare it; told as an event either way.

    `from_second_place`: one that is brought back from there, `folder` being its name if any.

    The document has backup, rows, `digests` by table (rows and digest of backup and of what was
    restored) and whether all are equal. The desk's own files are not touched.
    """
    try:
        found = _from_second_place(desk, folder) if from_second_place else _drilled(desk, folder)
    except OpenbellError as error:
        tell(desk, Event.of("drill.failed", "drill", f"the drill failed: {error}"))
        raise
    if found["equal"]:
        sentence = f"{found['backup']} was restored aside: {found['rows']:,} rows, all equal"
        tell(desk, Event.of("drill.passed", "drill", sentence, after=found))
    else:
        differ = [name for name, pair in found["digests"].items() if not pair["equal"]]
        sentence = f"what was restored from {found['backup']} differs: {', '.join(differ)}"
        tell(desk, Event.of("drill.failed", "drill", sentence, after=found))
    return found


def _from_second_place(desk: Desk, name: Path | None) -> dict[str, Any]:
    with second_place.fetched(desk.settings, name.name if name else None) as (path, passed):
        if passed:
            raise _damaged(len(passed), path.name, passed[0])
        return _drilled(desk, path) | {"second_place": True}


def _damaged(count: int, name: str, first: OpenbellError) -> IntegrityError:
    return IntegrityError(
        f"{count} newer backups than {name} are damaged: {first}",
        hint="python -m app verify names each",
    )


def _drilled(desk: Desk, folder: Path | None) -> dict[str, Any]:
    key = key_of(desk.settings)
    if folder is None:
        backup, passed = backups.latest_good(backups_of(desk.settings.data_dir), key)
        if passed:
            raise _damaged(len(passed), backup.folder.name, passed[0])
    else:
        backup = backups.check(folder, key)
    with backups.opened(backup, key) as plain, _aside(desk.settings) as chosen:
        source = _digests_of(plain)
        bring_back(chosen, plain.folder, desk.now())
        with Warehouse.open(chosen.store_path) as restored:
            now = digests(restored.read_anew)
    pairs = {
        name: {"backup": source.get(name), "restored": now.get(name)}
        | {"equal": source.get(name) == now.get(name)}
        for name in DIGESTED
    }
    return {
        "backup": backup.folder.name,
        "rows": sum(backup.rows.values()),
        "digests": pairs,
        "equal": all(pair["equal"] for pair in pairs.values()),
    }


def _digests_of(backup: manifests.Backup) -> Mapping[str, str]:
    """Those of the backup's own file, which is only read."""
    path = backup.path_of(STORE)
    if path is None:
        raise IntegrityError("the backup has no store in it", where=str(backup.folder))
    try:
        with reading(path) as connection:
            return digests(lambda sql: connection.sql(sql).pl())
    except duckdb.Error as error:
        raise IntegrityError(f"the backup cannot be read: {error}", where=str(path)) from error


@contextmanager
def _aside(settings: Settings) -> Iterator[Settings]:
    """Settings of a desk in an empty folder inside the data folder; it is gone at the end."""
    with asides.working(settings.data_dir) as scratch:
        yield settings.model_copy(update={"data_dir": scratch, "store_url": "", "queue_url": ""})


@command("drill", needs=Role.ADMIN)
def drill_command(
    desk: Desk,
    *,
    folder: Path | None = None,
    name: str | None = None,
    from_second_place: bool = False,
) -> CommandResult:
    """Restore a backup aside and compare its digests; exit code 3 when one differs."""
    if from_second_place:
        found = drill(desk, Path(name) if name else None, from_second_place=True)
    else:
        found = drill(desk, None if folder is None else _backup_at(folder))
    return CommandResult(found, 0 if found["equal"] else FOUND_ERRORS)


def _backup_at(folder: Path) -> Path:
    """The absolute path of a backup that a caller names; UsageError where there is none."""
    found = given_files.to_read(folder, folders=True)
    if not found.is_file() and not (found / MANIFEST).is_file():
        raise UsageError(
            f"{folder} is no backup: it has no {MANIFEST}",
            hint="name a folder that `backup` made, or none for the latest",
        )
    return found


@handler("drill")
async def drill_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """The drill of the week; of the second place where there is one."""
    there = bool(desk.settings.backup_url)
    found = await asyncio.to_thread(drill, desk, from_second_place=there)
    if not found["equal"]:
        raise IntegrityError(f"what was restored from {found['backup']} differs from it")
    context.report(f"{found['backup']} restored aside: {found['rows']:,} rows, all equal")
    return {"backup": found["backup"]}
