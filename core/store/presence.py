"""Whether a store must be there: an empty one is made only where nothing knows of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from core import atomic
from core.errors import StoreError

SET_ASIDE = "set-aside-"
NOTE = "store.json"  # in the data folder: where its store is
RESTORE = "bring back the latest good backup with: python -m app restore"
ANEW = "to begin with an empty store, choose an empty folder with OPENBELL_DATA_DIR"


def wal_of(store: Path) -> Path:
    """The write-ahead log that DuckDB keeps beside a store."""
    return store.with_name(f"{store.name}.wal")


def must_be(store: Path, evidence: str | None = None) -> None:
    """StoreError when a store is missing though its log, a folder set aside or `evidence` is not.

    `evidence` says what else knows of a store: a queue, a backup.
    """
    if store.exists():
        return
    if wal_of(store).exists():
        raise missing(store, f"its write-ahead log {wal_of(store).name} is there")
    aside = set_aside(store.parent)
    if aside:
        raise missing(store, f"{aside[0].name} is there")
    if evidence:
        raise missing(store, evidence)


def missing(store: Path, evidence: str) -> StoreError:
    """The refusal to make an empty store where there was one, with the command that mends it."""
    aside = [f"or {_from(folder)}" for folder in set_aside(store.parent)[:1]]
    return StoreError(
        f"the store is gone, but {evidence}, so no empty one is made",
        where=str(store),
        hint="; ".join([RESTORE, *aside, ANEW]),
    )


def unadvised(hint: str) -> str:
    """The hint as it is, for a store or a queue that knows nothing of backups."""
    return hint


def without_backup(hint: str, folders: Sequence[Path]) -> str:
    """A hint that names the latest good backup, for where there is none: only ways there are.

    `folders` may hold something that a restore has set aside.
    """
    ways = [part.removeprefix("or ") for part in hint.split("; ") if part != RESTORE]
    aside = [_from(found) for folder in folders for found in set_aside(folder)[:1]]
    ways[:0] = ["there is no good backup", *(way for way in aside if way not in ways)]
    return "; ".join([*ways, *([] if ANEW in ways else [ANEW])])


def _from(aside: Path) -> str:
    return f"bring back what was set aside with: python -m app restore {aside}"


def note(folder: Path, store: Path) -> None:
    """Remember in the data folder where its store is, now that there is one."""
    if noted(folder) != store:
        atomic.write(folder / NOTE, orjson.dumps({"store": str(store)}), alone=True)


def noted(folder: Path) -> Path | None:
    """Where a data folder's store was when it was open last; None where that is not known."""
    try:
        return Path(orjson.loads((folder / NOTE).read_bytes())["store"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def set_aside(folder: Path) -> list[Path]:
    """Folders with what a restore took out of use, newest first."""
    return sorted(folder.glob(f"{SET_ASIDE}*"), reverse=True)
