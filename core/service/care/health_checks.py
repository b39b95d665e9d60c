"""The checks of the desk's health. Each has a test that breaks the thing and sees it."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import plugins
from core.jobs.queue.port import JobStatus
from core.service.care.health import LEAST_FREE_BYTES, HealthVerdict, bad, check, good, warn
from core.service.data_folder import backups_of
from core.service.pulls import upstreams
from core.store import backup as backups
from core.store import events as store

if TYPE_CHECKING:
    from core.service.desk import Desk

LITTLE_FREE_BYTES = 1024**3
SLOW_SECONDS = 1.0
LONG_WRITE_SECONDS = 900.0  # a bulk load may take minutes
SILENCE = timedelta(minutes=3)  # scheduler and detector look once a minute
BACKUP_AGE = timedelta(days=2)
DRILL_AGE = timedelta(days=15)


@check("store", stops_serving=True)
def _store(desk: Desk) -> HealthVerdict:
    """The store is read past every cache of ours, and its file stands where it was opened."""
    found = desk.probe.read()
    if found.error:
        return bad(found.error)
    words = f"read in {found.seconds * 1000:.0f} ms"
    return warn(f"slow: {words}") if found.seconds > SLOW_SECONDS else good(words)


@check("write", stops_serving=True)
def _write(desk: Desk) -> HealthVerdict:
    """A scratch row is written, committed and read back; a desk that reads needs an engine."""
    if desk.relay:
        return _led(desk)
    found = desk.probe.write()
    if found.error:
        return bad(found.error)
    if found.busy_seconds is None:
        return good("a row was written and read back")
    words = f"another writer has been at work for {found.busy_seconds:.0f} s"
    return warn(words) if found.busy_seconds > LONG_WRITE_SECONDS else good(words)


@check("queue", stops_serving=True)
def _queue(desk: Desk) -> HealthVerdict:
    """The queue can be read, and its file stands where it was."""
    path = desk.settings.queue_path
    if not path.exists():
        return bad(f"the queue's file is gone [{path}]")
    counts = desk.queue.counts()
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "empty"
    return warn(words) if counts[JobStatus.CORRUPT] else good(words)


@check("engine", stops_serving=True)
def _engine(desk: Desk) -> HealthVerdict:
    """Jobs are being run: without that every command that pulls waits for ever."""
    if desk.relay:
        return _led(desk)
    if desk.engine is None:
        return bad("the worker is not running")
    return good("running") if desk.engine.alive else bad("the worker has stopped")


@check("disk", stops_serving=True)
def _disk(desk: Desk) -> HealthVerdict:
    """There is room in the data folder."""
    free = shutil.disk_usage(desk.settings.data_dir).free
    words = f"{free // 1024**2:,} MB free"
    told = f"only {words}: make room on the disk of the data folder"
    if free < LEAST_FREE_BYTES:
        return bad(told)
    return warn(told) if free < LITTLE_FREE_BYTES else good(words)


@check("scheduler")
def _scheduler(desk: Desk) -> HealthVerdict:
    """The scheduler has looked for due windows lately."""
    return _tick(desk, desk.engine.scheduler_ticked if desk.engine else None)


@check("detector")
def _detector(desk: Desk) -> HealthVerdict:
    """The detector of overdue datasets has looked lately."""
    return _tick(desk, desk.engine.detector_ticked if desk.engine else None)


def _led(desk: Desk) -> HealthVerdict:
    """Whether an engine leads: without one a desk goes on, and can change nothing."""
    away = desk.read_only_seconds
    return good("an engine leads") if away is None else warn(f"read-only for {away:.0f} s")


def _tick(desk: Desk, last: datetime | None) -> HealthVerdict:
    if desk.relay:
        return good("the engine's")
    if not desk.settings.scheduler:
        return good("off, as OPENBELL_SCHEDULER says")
    if last is None:
        return bad("has not looked yet")
    age = abs(desk.now() - last)  # a clock that was set back is no sign of life either
    words = f"looked {age.total_seconds():.0f} s ago"
    return good(words) if age <= SILENCE else bad(words)


@check("dead letters")
def _dead(desk: Desk) -> HealthVerdict:
    """No job has been given up that nobody has looked at."""
    dead = desk.queue.counts()[JobStatus.DEAD]
    return warn(f"{dead} wait on Jobs to be tried again or discarded") if dead else good("none")


@check("catalogue")
def _catalogue(desk: Desk) -> HealthVerdict:
    """Every entry of the catalogue can be used."""
    problems = desk.catalogue.problems
    return warn("; ".join(map(str, problems))) if problems else good("valid")


@check("plugins")
def _plugins(desk: Desk) -> HealthVerdict:
    """Every installed plugin does its part."""
    if not desk.settings.plugins:
        return good("off, as OPENBELL_PLUGINS says")
    found = plugins.found()
    if found.faults:
        return warn("; ".join(f"{name}: {why}" for name, why in found.faults.items()))
    return good(", ".join(f"{n} {v}".strip() for n, v in found.loaded.items()) or "none installed")


@check("datasets")
def _datasets(desk: Desk) -> HealthVerdict:
    """No dataset is behind its schedule, where somebody looks."""
    if desk.relay:
        return good("the engine's")
    if not desk.settings.scheduler:
        return good("not looked at, as OPENBELL_SCHEDULER says")
    behind = [item.dataset for item in desk.engine.overdue] if desk.engine else []
    return warn(f"behind: {', '.join(behind)}") if behind else good("none is behind")


@check("upstreams")
def _upstreams(desk: Desk) -> HealthVerdict:
    """No upstream host is given a rest: what is owed is pulled when it is back."""
    down = [
        f"{item.label} down since {item.since:%Y-%m-%d %H:%M}Z ({item.last_error})"
        for item in upstreams.down(desk)
    ]
    return warn("; ".join(down)) if down else good("none is known to be down")


@check("backup")
def _backup(desk: Desk) -> HealthVerdict:
    """There is a backup, and it is not old."""
    if desk.relay:
        return good("the engine's")
    found = backups.found(backups_of(desk.settings.data_dir))
    if not found:
        return warn("there is none: python -m app backup")
    age = desk.now() - backups.made_at(found[0])
    words = f"{found[0].name}, {age.total_seconds() / 3600:.0f} h old"
    sound = abs(age) <= BACKUP_AGE  # one of the future hides that none is made
    return good(words) if sound else warn(f"the last is {words}: python -m app backup")


@check("drill")
def _drill(desk: Desk) -> HealthVerdict:
    """A backup has been restored aside lately, and was equal to what it was made of."""
    if desk.relay:
        return good("the engine's")
    if not backups.found(backups_of(desk.settings.data_dir)):
        return good("there is no backup to drill with yet")
    passed = store.last_of(desk.warehouse, ["drill.passed"])
    failed = store.last_of(desk.warehouse, ["drill.failed"])
    if failed and (passed is None or failed > passed):
        return bad("the last one failed: see Activity, then python -m app verify")
    if passed is None:
        return good("none was made yet; the first comes on Saturday, or: restore --drill")
    age = desk.now() - passed
    words = f"the last one passed {age.total_seconds() / 86400:.0f} days ago"
    return good(words) if age <= DRILL_AGE else warn(words)


@check("listening")
def _listening(desk: Desk) -> HealthVerdict:
    """Only this machine reaches a desk that asks nobody who they are."""
    if desk.settings.listens_here_only:
        return good("on this machine only")
    if desk.settings.access != "open":
        return good(f"on {desk.settings.host}, to those who sign in")
    return warn(f"on {desk.settings.host}, without access control: whoever reaches it may do all")
