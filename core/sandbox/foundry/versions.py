"""The versions that the stand-in container has stored: CSV files by sha256 and an index of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core import atomic

INDEX = "versions.json"
_NUMBERS = itertools.count()  # pulls run at the same time


@dataclass(frozen=True, slots=True)
class Version:
    """One stored pull of a dataset; `at` is naive UTC, as in the container."""

    name: str
    at: datetime
    sha256: str
    rows: int
    path: Path


def store(folder: Path, name: str, at: datetime, rows: int, pieces: Iterable[bytes]) -> Version:
    """Writes a CSV under its sha256. `at` is aware UTC."""
    digest = hashlib.sha256()
    aside = folder / f"{next(_NUMBERS)}.part"
    with aside.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    path = aside.replace(folder / f"{digest.hexdigest()}.csv")
    return Version(name, at.replace(tzinfo=None), digest.hexdigest(), rows, path)


def save(folder: Path, versions: Iterable[Version]) -> None:
    """Writes the index, so that a restart in the same folder finds the versions."""
    rows = [[v.name, v.at.isoformat(), v.sha256, v.rows] for v in versions]
    atomic.write(folder / INDEX, json.dumps(rows).encode())


def load(folder: Path) -> list[Version]:
    """The versions of an index; none without one."""
    index = folder / INDEX
    if not index.exists():
        return []
    return [
        Version(name, datetime.fromisoformat(at), sha256, rows, folder / f"{sha256}.csv")
        for name, at, sha256, rows in json.loads(index.read_text())
    ]


def chosen(
    versions: Iterable[Version], name: str, start: datetime, end: datetime
) -> tuple[int, Version | None]:
    """How many versions of a dataset were stored in the window (naive UTC), and the newest."""
    found = [v for v in versions if v.name == name and start <= v.at <= end]
    return len(found), max(found, key=lambda version: version.at, default=None)
