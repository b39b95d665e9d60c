"""Schema migrations: numbered SQL files, each applied once, in order, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError
from core.store.partitions import cut
from core.store.transaction import Transaction

FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file `NNNN_name.sql`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash of the text: an applied migration must not be edited."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of the folder in order."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [
        Migration(int(path.name[:4]), path.stem[5:], path.read_text(encoding="utf-8"))
        for path in files
    ]


def behind(tx: Transaction, folder: Path = FOLDER, *, strict: bool = False) -> int | None:
    """How many migrations a store lacks that has some; None of a new one.

    `strict`: StoreError when it has others than these, or other texts of them.
    """
    done, known = _applied(tx) if _has_table(tx) else {}, available(folder)
    if strict:
        _must_be_known(done, known)
    return len({migration.number for migration in known} - set(done)) if done else None


def migrate(
    tx: Transaction,
    folder: Path = FOLDER,
    *,
    most: int | None = None,
    only: Set[int] | None = None,
) -> list[Migration]:
    """Apply what is missing, `most` of them at most, of these numbers alone if `only` are given.

    Returns the migrations applied now.

    StoreError when the file was written by a newer Openbell or a migration was edited.
    """
    tx.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number INTEGER, name VARCHAR, sha256 VARCHAR, applied_at TIMESTAMPTZ)"
    )
    done = _applied(tx)
    known = available(folder)
    _must_be_known(done, known)
    _must_not_be_newer(set(only or ()), known)
    wanted = {migration.number for migration in known} if only is None else only
    missing = [m for m in known if m.number in wanted and m.number not in done][:most]
    for migration in missing:
        tx.execute(migration.sql)
        tx.execute(
            "INSERT INTO migrations VALUES (?, ?, ?, now())",
            [migration.number, migration.name, migration.sha256],
        )
    if missing:
        cut(tx)
    return missing


def _has_table(tx: Transaction) -> bool:
    return bool(tx.columns("migrations"))


def _applied(tx: Transaction) -> dict[int, str]:
    """Hash by number of what was applied."""
    return {row[0]: row[1] for row in tx.read("SELECT number, sha256 FROM migrations").rows()}


def _must_be_known(done: dict[int, str], known: list[Migration]) -> None:
    _must_not_be_newer(set(done), known)
    for migration in known:
        if done.get(migration.number, migration.sha256) != migration.sha256:
            raise StoreError(
                f"migration {migration.number:04} was edited after it had been applied",
                hint="put the file back as it was and add a new migration instead",
            )


def _must_not_be_newer(numbers: set[int], known: list[Migration]) -> None:
    newer = numbers - {migration.number for migration in known}
    if newer:
        raise StoreError(
            f"the store was written by a newer Openbell (migration {max(newer)})",
            hint="start that version, or restore an older backup",
        )
