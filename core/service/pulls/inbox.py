"""The inbox: files put into a folder are loaded like `import` does, then moved out of the way.

`inbox/DATASET/any.csv` or `inbox/DATASET-any.csv` in the data folder; a file goes to `done`, or to
`refused` with the reason beside it. A file is taken once it has stood still for a look; a kill
between loading and moving loads it again, which changes nothing. What can be neither loaded nor
moved (a link, a folder within a folder) is told once and left alone.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import atomic
from core.domain.access.principals import Role
from core.domain.tables.arrivals import dataset_of, fault
from core.errors import OpenbellError, StoreError, UsageError
from core.observe import logs
from core.observe.events import Event
from core.service.kernel.access import needs
from core.service.kernel.carrying import handed_over
from core.service.kernel.commands import DONE, FOUND_ERRORS, CommandResult, command
from core.service.kernel.given_files import Given
from core.service.kernel.handlers import publish_follow_ups
from core.service.kernel.looks import look
from core.service.pulls import imports, inbox_files
from core.store import events, files

if TYPE_CHECKING:
    from core.service.desk import Desk

log = logs.get("inbox")
INBOX, TAKEN, REFUSED = "inbox", "done", "refused"
TRIGGER = "inbox"
LOOK_SECONDS = 2.0
State = tuple[int, int, int]
_seen: weakref.WeakKeyDictionary[Any, dict[Path, State]] = weakref.WeakKeyDictionary()
_stays: weakref.WeakKeyDictionary[Any, dict[Path, State]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What lies in the inbox: its dataset, or why it cannot be taken.

    `stays`: nothing that could be loaded or moved, a link for one; it is told, and left alone.
    """

    path: Path
    dataset: str | None
    fault: str | None
    state: State
    stays: bool = False


def folder(desk: Desk) -> Path:
    """The inbox of a desk."""
    return desk.settings.data_dir / INBOX


def arrivals(desk: Desk) -> list[Arrival]:
    """What waits, oldest first; unfinished files are left out."""
    here = folder(desk)
    known = {name: item for name, item in desk.catalogue.datasets.items() if item.source != "sec"}
    found = []
    for path, told, odd in inbox_files.listed(here, (TAKEN, REFUSED)):
        dataset = None if odd else dataset_of(path.relative_to(here).parts, known)
        state = (told.st_size, told.st_mtime_ns, told.st_ino)
        wrong = odd or fault(path.name, dataset, known)
        found.append(Arrival(path, dataset, wrong, state, stays=bool(odd)))
    return sorted(found, key=lambda item: (item.state[1], item.path.name))


@look("inbox", seconds=LOOK_SECONDS)
def take_new(desk: Desk) -> None:
    """Take every file that has stood still since the last look."""
    if not desk.settings.inbox:
        return
    _make(folder(desk))
    found = arrivals(desk)
    before = _seen.get(desk, {})
    _seen[desk] = {item.path: item.state for item in found}
    stays = {path: state for path, state in _stays.get(desk, {}).items() if path in _seen[desk]}
    _stays[desk] = stays
    for item in found:
        if before.get(item.path) == item.state != stays.get(item.path):
            told = dispose(desk, item)
            if told["moved_to"] is None:
                stays[item.path] = item.state


def _make(path: Path) -> None:
    try:
        files.folder(path)
    except OSError as error:
        raise StoreError(f"there can be no inbox: {error.strerror}", where=str(path)) from error


def dispose(desk: Desk, item: Arrival) -> dict[str, Any]:
    """Load one file and move it; what became of it. What may pass leaves it where it is.

    `moved_to` is None for what stays there for good: that, too, is told.
    """
    told: dict[str, Any] = {"file": _shown(item.path.name), "dataset": item.dataset}
    if item.stays:
        told |= {"taken": False, "reason": f"{item.fault}; it is left where it is"}
        tell_refused(desk, item, told["reason"], None)
        return {**told, "moved_to": None}
    with handed_over(desk, item.path) as given:
        told |= take(desk, item, given)
    moved, stuck = _move(desk, item, TAKEN if told["taken"] else REFUSED)
    if stuck:
        was = "it was loaded" if told["taken"] else f"{told['reason']} It was refused"
        tell_refused(desk, item, f"{was}, and stays where it is: {stuck}", None)
        return {**told, "moved_to": None}
    if not told["taken"]:
        _note_reason(moved, told["reason"])
        tell_refused(desk, item, told["reason"], str(moved))
    return {**told, "moved_to": str(moved)}


@needs(Role.ANALYST)
def take(desk: Desk, item: Arrival, given: Given) -> dict[str, Any]:
    """Load one file: the pull, or why it was refused; StoreError for what may pass."""
    try:
        if item.fault or item.dataset is None:
            raise UsageError(item.fault or "no dataset is told")
        pull = imports.load(desk, item.dataset, given, TRIGGER)
    except StoreError:
        raise
    except OpenbellError as error:
        return {"taken": False, "reason": str(error)}
    if pull["rows_inserted"] or pull["rows_updated"]:
        publish_follow_ups(desk, [desk.catalogue.get(item.dataset).table], pull["pull_id"])
    return {"taken": True, "pull": pull}


def _move(desk: Desk, item: Arrival, where: str) -> tuple[Path, str | None]:
    """Move a file out of the way, under a name that no other has; its owner's alone from then.

    Why it cannot be moved where that will not pass: it would be loaded again and again.
    """
    target = folder(desk) / where
    _make(target)
    stamp = desk.now().strftime("%Y%m%dT%H%M%S%fZ")
    moved = target / f"{stamp}-{_short(item.path.name)}"
    try:
        inbox_files.move(item.path, moved)
    except FileNotFoundError:
        log.warning("a file was taken away while it was loaded", file=item.path.name)
    except OSError as error:
        why = f"it cannot be moved: {error.strerror}"
        if error.errno in inbox_files.FOR_GOOD:
            return item.path, why
        raise StoreError(why, where=str(item.path)) from error
    return moved, None


def _short(name: str) -> str:
    """The end of a name, so that it may have something in front."""
    return os.fsencode(name)[-180:].decode("utf-8", "ignore")


def _shown(name: str) -> str:
    """A name as text, also where its bytes are none."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _note_reason(moved: Path, reason: str) -> None:
    beside = moved.with_name(f"{moved.name}.reason.txt")
    try:
        atomic.write(beside, f"{reason}\n".encode())
    except OSError as error:
        raise StoreError(f"no reason can be kept: {error.strerror}", where=str(beside)) from error


@needs(Role.ANALYST)
def tell_refused(desk: Desk, item: Arrival, reason: str, moved_to: str | None) -> None:
    """Tell of a file that was refused and moved, or stays where it is, as an event."""
    after = {"dataset": item.dataset, "reason": reason, "moved_to": moved_to}
    what = "was refused" if moved_to else "lies in the inbox"
    sentence = f"{_shown(item.path.name)} {what}: {reason}"
    event = Event.of("file.refused", _shown(item.path.name), sentence, after=after)
    with desk.warehouse.transaction() as tx:
        events.add(tx, [event], desk.now())


@command("watch_folder", needs=Role.ANALYST)
def watch_folder(desk: Desk, *, apply: bool = False) -> CommandResult:
    """What waits in the inbox and what would become of it; with `apply` it is taken now."""
    told = [dispose(desk, item) if apply else _would(desk, item) for item in arrivals(desk)]
    refused = [item for item in told if not item["taken" if apply else "would_be_taken"]]
    document = {"folder": str(folder(desk)), "applied": apply, "files": told}
    return CommandResult(document, FOUND_ERRORS if refused else DONE)


def _would(desk: Desk, item: Arrival) -> dict[str, Any]:
    told: dict[str, Any] = {"file": _shown(item.path.name), "dataset": item.dataset}
    if item.fault or item.dataset is None:
        return {**told, "would_be_taken": False, "reason": item.fault}
    try:
        with handed_over(desk, item.path) as given:
            pull = imports.rehearse(desk, item.dataset, given)
    except OpenbellError as error:
        return {**told, "would_be_taken": False, "reason": str(error)}
    return {**told, "would_be_taken": True, "pull": pull}
