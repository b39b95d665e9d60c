"""Whether a store must be there: an empty one is made only where nothing knows of another."""

from __future__ import annotations

from pathlib import Path

from core.errors import StoreError

SET_ASIDE = "set-aside-"
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
    aside = set_aside(store.parent)
    ways = ["bring back the latest good backup with: python -m app restore"]
    if aside:
        ways.append(f"or what was set aside with: python -m app restore {aside[0]}")
    return StoreError(
        f"the store is gone, but {evidence}, so no empty one is made",
        where=str(store),
        hint="; ".join([*ways, ANEW]),
    )


def set_aside(folder: Path) -> list[Path]:
    """Folders with what a restore took out of use, newest first."""
    return sorted(folder.glob(f"{SET_ASIDE}*"), reverse=True)
