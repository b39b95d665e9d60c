"""The mark of the store's last commit, in a table of the queue's file."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from typing import Any

from core.errors import StoreError
from core.jobs.queue.file import SqliteFile
from core.store.mark import CommitMark
from core.store.presence import RESTORE

_TABLE = (
    "CREATE TABLE IF NOT EXISTS store_mark (number INTEGER NOT NULL, entries INTEGER NOT NULL,"
    " pulls INTEGER NOT NULL, plans INTEGER NOT NULL, digest TEXT NOT NULL, checksum TEXT NOT NULL)"
)
_READ = "SELECT number, entries, pulls, plans, digest, checksum FROM store_mark"
_CHANGE = "UPDATE store_mark SET number=?, entries=?, pulls=?, plans=?, digest=?, checksum=?"
_ADD = "INSERT INTO store_mark VALUES (?, ?, ?, ?, ?, ?)"


class StoreMark:
    """A `MarkKeeper` in the queue's file; the row carries a checksum as the jobs do."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        if not file.read("SELECT 1 FROM sqlite_master WHERE name = 'store_mark'"):
            file.write(lambda: file.change(_TABLE))

    def read(self) -> CommitMark | None:
        """See MarkKeeper."""
        rows = self._file.read(_READ)
        if not rows:
            return None
        *cells, checksum = rows[0]
        if len(rows) > 1 or _checksum(cells) != checksum:
            raise StoreError(
                "the mark of the store in the queue's file is damaged",
                where=str(self._file.path),
                hint=RESTORE,
            )
        return CommitMark(*cells)

    def write(self, mark: CommitMark) -> None:
        """See MarkKeeper."""
        cells = astuple(mark)
        row = (*cells, _checksum(cells))
        self._file.write(lambda: self._file.change(_CHANGE, row) or self._file.change(_ADD, row))


def _checksum(cells: Any) -> str:
    return hashlib.blake2b(repr(tuple(cells)).encode(), digest_size=8).hexdigest()
