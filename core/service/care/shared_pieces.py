"""The pieces of sets at the second place: those that are not there are brought, none twice.

Beside each set lies a list of what it names (`NAME.pieces`): what no list names is removed there
without opening a set. A list is there before its pieces, and goes after its set.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import IntegrityError
from core.store import backup as backups
from core.store import sealing
from core.store.objects import FOLDER, is_name

if TYPE_CHECKING:
    from core.sources.outward.second_place import SecondPlace

LIST = ".pieces"


def put(place: SecondPlace, made: Path, name: str, scratch: Path, key: str | None) -> None:
    """Bring the pieces of a set there that are not; `name`: that of the set there."""
    pieces = backups.pieces_of(made, key)
    named = sorted({piece.file for piece in pieces.pieces}) if pieces else []
    listed = scratch / f"{name}{LIST}"
    listed.write_text("\n".join(named), encoding="ascii")
    place.put(listed)
    there = place.sizes(FOLDER)
    for file in named:
        path = made.parent / FOLDER / file
        if there.get(file) != path.stat().st_size:
            place.put(path, folder=FOLDER)


def fetch(place: SecondPlace, path: Path, key: str | None) -> None:
    """Bring the pieces of a set that was brought here to a folder beside it; others stay there.

    IntegrityError naming a piece that is not there.
    """
    pieces = backups.pieces_of(path, key) if backups.is_set(path) else None
    there = place.sizes(FOLDER) if pieces else {}
    for file in sorted({piece.file for piece in pieces.pieces} if pieces else ()):
        if file not in there:
            raise IntegrityError(f"the piece {file} of {path.name} is missing", where=place.shown)
        if not (path.parent / FOLDER / file).is_file():
            place.fetch(f"{FOLDER}/{file}", path.parent)


def sweep(place: SecondPlace) -> None:
    """Remove lists whose sets are gone and pieces that no list names.

    Nothing while a set has no list. Of a set that was being brought there only its list may stand:
    it counts until a later set is there.
    """
    names = place.names()
    lists = {name for name in names if name.endswith(LIST)}
    sets = {n for n in names if sealing.is_one_file(Path(n)) and backups.is_set(Path(n))}
    if not lists or any(f"{name}{LIST}" not in lists for name in sets):
        return
    newest = max(sets, default="")
    for name in [n for n in lists if n.removesuffix(LIST) not in sets and n < newest]:
        place.remove(name)
        lists.remove(name)
    named = {line for name in lists for line in _read(place, name)}
    for file in place.sizes(FOLDER):
        if is_name(file) and file not in named:
            place.remove(f"{FOLDER}/{file}")


def _read(place: SecondPlace, name: str) -> list[str]:
    return place.text(name).split()
