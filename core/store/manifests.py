"""What a backup says of itself: its files, their roles and digests, the rows of each table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from core import atomic
from core.errors import IntegrityError, NotFoundError
from core.store import files, piece_sets
from core.store.piece_sets import PieceSet, Written

MANIFEST = "manifest.json"
STORE, QUEUE = "store", "queue"  # roles: what a file of a backup is, whatever it is called
NAMES = {STORE: "store.duckdb", QUEUE: "queue.sqlite"}
_KEYS = {"made_at", "files", "rows"}  # of manifests before there were roles
_KEYS_NOW = _KEYS | {"roles", "digest"}
_KEYS_OF_SET = _KEYS_NOW | {"pieces"}


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its files with sha256 and bytes, their roles, the rows of each table.

    `pieces`: of a set, which has them instead of a copy of the store; `written`: of one just made.
    """

    folder: Path
    made_at: datetime
    files: Mapping[str, Mapping[str, str | int]]
    rows: Mapping[str, int]
    roles: Mapping[str, str]
    pieces: PieceSet | None = None
    written: Written | None = field(default=None, compare=False)

    @property
    def bytes(self) -> int:
        """Of its files and pieces, whoever shares them."""
        own = sum(int(stated["bytes"]) for stated in self.files.values())
        shared = {p.file: p.bytes for p in self.pieces.pieces} if self.pieces else {}
        return own + sum(shared.values())

    def path_of(self, role: str) -> Path | None:
        """The file with a role; None when the backup has none."""
        name = self.roles.get(role)
        return self.folder / name if name else None


def write(
    aside: Path, rows: Mapping[str, int], now: datetime, pieces: PieceSet | None = None
) -> None:
    """Write the manifest of the files in a folder; `pieces`: of a set."""
    roles = {role: name for role, name in NAMES.items() if (aside / name).is_file()}
    stated = {name: stated_of(aside / name) for name in roles.values()}
    document = {"made_at": now, "files": stated, "rows": rows, "roles": roles}
    if pieces:
        document["pieces"] = pieces.document
    document["digest"] = _digest(orjson.loads(orjson.dumps(document)))
    atomic.write(aside / MANIFEST, orjson.dumps(document), alone=True)


def _digest(document: Mapping[str, Any]) -> str:
    """The digest of a manifest but for itself: a flipped bit in it is noticed."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read(folder: Path) -> Backup:
    """What the manifest in a folder says; IntegrityError where it is missing or damaged."""
    if not folder.is_dir():
        raise NotFoundError(f"there is no backup in {folder}")
    try:
        document = orjson.loads((folder / MANIFEST).read_bytes())
        if set(document) == _KEYS:
            document["roles"] = _roles_of(folder, document["files"])
        elif set(document) not in (_KEYS_NOW, _KEYS_OF_SET):
            raise ValueError("it is none")
        elif document["digest"] != _digest(document):
            raise ValueError("its digest differs")
        at = datetime.fromisoformat(document["made_at"])
        pieces = piece_sets.parse(document["pieces"]) if "pieces" in document else None
        told = document["files"], document["rows"], document["roles"]
        return Backup(folder, at, *told, pieces)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged("the backup's manifest is missing or damaged", folder) from error


def _roles_of(folder: Path, names: Mapping[str, Any]) -> dict[str, str]:
    """Roles in a backup that does not state them."""
    known = {name: kind_of(folder / name) for name in names}
    return {kind: name for name, kind in known.items() if kind}


def kind_of(path: Path) -> str | None:
    """Whether a file that nobody has open begins like a store or like a queue."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(16)
    return (
        STORE if head[8:12] == b"DUCK" else QUEUE if head.startswith(b"SQLite format 3") else None
    )


def damaged(message: str, folder: Path) -> IntegrityError:
    """The error that tells of a backup that is not what it was."""
    return IntegrityError(
        f"{message} ({folder.name})",
        where=str(folder),
        hint="python -m app restore passes it over; make a new one with: python -m app backup",
    )


def stated_of(path: Path) -> dict[str, str | int]:
    """Digest and bytes of a file, as a manifest holds them."""
    return {"sha256": files.sha256(path), "bytes": path.stat().st_size}
