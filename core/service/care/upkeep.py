"""Upkeep of a lake, once a day: small files merged, old snapshots and lost files taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.errors import OpenbellError, UsageError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe.events import Event
from core.service.care.backing_up import tell
from core.service.care.health import HealthVerdict, check, good, warn
from core.service.kernel.access import needs
from core.service.kernel.handlers import handler
from core.store import events as store

if TYPE_CHECKING:
    from core.service.desk import Desk

UPKEEP = "lake_upkeep"
LATE = timedelta(days=3)


@needs(Role.ADMIN)
def keep_up(desk: Desk) -> dict[str, Any]:
    """Merge small files, forget old snapshots, delete what none knows; told as an event either way.

    The document has the counts of `core.store.lake_upkeep.Upkeep`. UsageError without a lake.
    """
    if desk.settings.lake is None:
        raise UsageError("the store is a file: it needs no upkeep")
    from core.store import lake_upkeep  # needs extensions that few have

    keep = timedelta(days=desk.settings.lake_keep_days)
    try:
        done = lake_upkeep.keep_up(desk.warehouse, desk.now(), keep)
    except OpenbellError as error:
        tell(desk, Event.of("lake.neglected", "lake", f"the lake was not kept up: {error}"))
        raise
    sentence = (
        f"{done.files_before:,} files became {done.files:,}; {done.snapshots_expired:,} snapshots "
        f"were forgotten, {done.files_removed + done.orphans_removed:,} files deleted"
    )
    tell(desk, Event.of("lake.kept", "lake", sentence, after=asdict(done)))
    return asdict(done)


@handler(UPKEEP)
async def upkeep_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """The upkeep of the day."""
    return await asyncio.to_thread(keep_up, desk)


@check("lake")
def _lake(desk: Desk) -> HealthVerdict:
    """No table of the lake is in very many files, and somebody sees to that."""
    if desk.settings.lake is None:
        return good("the store is a file")
    from core.store import lake_upkeep

    files = lake_upkeep.files_of(desk.warehouse)
    name, most = files.row(0)[:2] if files.height else ("", 0)
    words = f"{files['file_count'].sum():,} files, at most {most:,} of a table"
    if most > lake_upkeep.MOST_FILES:
        return warn(f"{words} ({name}): queries take longer, and so does upkeep")
    kept = store.last_of(desk.warehouse, ["lake.kept"])
    failed = store.last_of(desk.warehouse, ["lake.neglected"])
    if failed and (kept is None or failed > kept):
        return warn(f"{words}; the last upkeep failed: see Activity")
    if kept and desk.settings.lake_upkeep_time and desk.now() - kept > LATE:
        return warn(f"{words}; the last upkeep was {(desk.now() - kept).days} days ago")
    return good(words)
