"""What is told when a desk starts: settings that changed, a restore, jobs that died untold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import SecretStr

from core.domain.access.principals import LOCAL, Role
from core.jobs.queue.port import JobStatus
from core.jobs.worker import given_up
from core.observe import logs
from core.observe.events import Event
from core.service.data_folder import places_of
from core.service.kernel.access import needs
from core.settings import PREFIX, Settings
from core.store import events as store
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

log = logs.get("events")
_PASSING = {"port", "clock_offset_seconds"}  # given to a start, not to the desk
_OF_AN_ENGINE = {"data_dir", "host"}  # each engine of one desk has its own
_HIDDEN = {"foundry_headers"}  # may hold a password
_BY_HAND = ("settings.changed", "restore.done")  # by whoever is at this machine, desk off
_USER = re.compile(r"//[^/@\s]*@")
DEAD = 10_000


@needs(Role.ADMIN)
def tell(desk: Desk) -> None:
    """Store the events of a start; called before the engine runs, again it tells nothing twice."""
    note = places_of(desk.settings).note
    now = desk.now()
    if _has_no_news(desk, note):  # a commit to a lake takes long, and readers wait for an engine
        return
    with desk.warehouse.transaction() as tx:
        found = [*_settings(tx, desk.settings), *_restored(tx, note), *_dead(desk, tx)]
        store.add(tx, found, now)
        for event in found:
            if event.kind.name in _BY_HAND:
                desk.roster.trail.note_in(tx, LOCAL, event.kind.name, "done", event.message)
    note.unlink(missing_ok=True)


def _has_no_news(desk: Desk, note: Path) -> bool:
    known = store.known_settings(desk.warehouse) == plain(desk.settings)
    return known and not note.exists() and not desk.queue.find([JobStatus.DEAD], limit=1)


def _settings(tx: Transaction, settings: Settings) -> Iterator[Event]:
    for name, before, now in store.setting_changes(tx, plain(settings)):
        setting = f"{PREFIX}{name.upper()}"
        sentence = f"{setting} is {now or 'not set'}; it was {before or 'not set'}"
        yield Event.of(
            "settings.changed",
            setting,
            sentence,
            before={"value": before},
            after={"value": now},
        )


def plain(settings: Settings) -> dict[str, str]:
    """Every setting as text; of secrets only whether they are set."""
    passing = _PASSING | (_OF_AN_ENGINE if settings.role == "engine" else set())
    names = [name for name in Settings.model_fields if name not in passing]
    return {name: _shown(name, getattr(settings, name)) for name in names}


def _shown(name: str, value: Any) -> str:
    if isinstance(value, SecretStr) or name in _HIDDEN:
        return "set" if value else ""
    if value in (None, (), {}):
        return ""
    return _USER.sub("//…@", logs.redact(str(value)))


def _restored(tx: Transaction, note: Path) -> Iterator[Event]:
    """The restore that put this store in place, which could not write into it."""
    try:
        known = orjson.loads(note.read_bytes())
        folder, at, kept = known["folder"], known["at"], ", ".join(known["kept"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the note of a restore cannot be read", error=str(error))
        return
    if store.latest(tx, "restore.done", [folder]).get(folder, {}).get("at") != at:
        sentence = f"{folder} was put in place; what was there is in {kept}"
        yield Event.of("restore.done", folder, sentence, after={"at": at, "kept": kept})


def _dead(desk: Desk, tx: Transaction) -> Iterator[Event]:
    """Jobs given up of which a process that died with them could not tell."""
    jobs = desk.queue.find([JobStatus.DEAD], limit=DEAD)
    told = store.told(tx, "job.dead", [job.id for job in jobs])
    for job in jobs:
        if job.id not in told:
            yield given_up(job)
