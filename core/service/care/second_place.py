"""Backups at a second place: copied there after each, thinned out by the same rotation, brought
back from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.timetable.rotation import Rotation, kept
from core.errors import IntegrityError, NotFoundError, OpenbellError, UsageError
from core.service.care import shared_pieces
from core.service.data_folder import key_of
from core.settings import Settings
from core.store import asides, sealing
from core.store import backup as backups

if TYPE_CHECKING:
    from core.sources.outward.second_place import SecondPlace

ZONE = "America/New_York"


def copy(settings: Settings, made: Path) -> str:
    """Bring a backup there as one file, read it back, thin out what is there; the file's name."""
    place = _place(settings)
    with asides.working(settings.data_dir) as scratch:
        packed = made
        if not sealing.is_one_file(made):
            packed = sealing.pack(made, scratch / made.name, key_of(settings))
        if backups.is_set(made):
            shared_pieces.put(place, made, packed.name, scratch, key_of(settings))
        place.put(packed)
    _thin_out(place, settings)
    return packed.name


def _place(settings: Settings) -> SecondPlace:
    from core.sources.outward.second_place import SecondPlace

    return SecondPlace(settings.backup_url)


def _thin_out(place: SecondPlace, settings: Settings) -> None:
    known: dict[datetime, list[str]] = {}
    for name in place.names():
        if backups.TIMED in name and sealing.is_one_file(Path(name)):
            known.setdefault(backups.named_at(name), []).append(name)
    stay = kept(list(known), Rotation.of(settings.backup_keep), ZONE)
    for name in (name for at, names in known.items() if at not in stay for name in names):
        place.remove(name)
    shared_pieces.sweep(place)


@contextmanager
def fetched(settings: Settings, name: str | None) -> Iterator[tuple[Path, list[OpenbellError]]]:
    """A backup of the second place (the latest good one without a name), here as a file.

    With what was wrong with newer ones. The file is gone at the end.
    """
    if not settings.backup_url:
        raise NotFoundError(
            "there is no second place of backups", hint="set OPENBELL_BACKUP_URL to it"
        )
    if name and ("/" in name or not sealing.is_one_file(Path(name))):
        raise UsageError(f"{name} is no backup of a second place", hint="those end in .tar[.age]")
    place = _place(settings)
    names = [name] if name else [n for n in place.names() if sealing.is_one_file(Path(n))]
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with asides.working(settings.data_dir) as scratch:
        yield _first_good(place, names, scratch, settings)


def _first_good(
    place: SecondPlace, names: list[str], folder: Path, settings: Settings
) -> tuple[Path, list[OpenbellError]]:
    passed: list[OpenbellError] = []
    for name in names:
        path = place.fetch(name, folder)
        try:
            shared_pieces.fetch(place, path, key_of(settings))
            backups.check(path, key_of(settings))
        except OpenbellError as error:
            passed.append(error)
            path.unlink()
        else:
            return path, passed
    told = "; ".join(error.message for error in passed)
    raise IntegrityError(
        f"there is no whole backup in {place.shown}" + (f": {told}" if told else ""),
        where=place.shown,
    )
