"""The mark of the store's last commit, kept in another file: how a cut log is noticed.

Every commit counts up `store_commits.number`; once it stands, number and digest are written to the
queue's file. So the store may be ahead of its mark (killed in between) and never behind. The store
remembers which mark was written last before its own commit, so the queue is never behind either.
DuckDB takes a log that was cut or removed for one that ends there; these two numbers do not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from core.errors import IntegrityError, StoreError
from core.store.connection import reading
from core.store.presence import RESTORE

_COUNT = "UPDATE store_commits SET number = number + 1, marked = coalesce(?, marked)"
# a join of five short answers: as ten scalar subqueries it takes twenty times as long
_READ = """
    SELECT * FROM (SELECT number, marked FROM store_commits),
        (SELECT max(entry_no), max(hash) FROM journal_head),
        (SELECT count(*), count(*) FILTER (state = 'running'), epoch_us(max(started_at)),
                sum(rows_inserted) FROM pulls),
        (SELECT count(*) FROM plans), (SELECT count(*) FROM plan_events)
"""
_HAS = "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'store_commits'"
WAYS_BACK = (
    f"{RESTORE}; or go on with what is there, and without what is missing, with: "
    "python -m app restore --accept-loss"
)


@dataclass(frozen=True, slots=True)
class CommitMark:
    """A commit: its number, what stood in journal, pulls and plans then, and the digest of it."""

    number: int
    entries: int
    pulls: int
    plans: int
    digest: str

    def __str__(self) -> str:
        return (
            f"commit {self.number} with {self.entries} journal entries, {self.pulls} pulls and "
            f"{self.plans} plans"
        )


NOTHING = CommitMark(0, 0, 0, 0, "")  # of a store that does not count yet


@dataclass(frozen=True, slots=True)
class State:
    """Where a store stands: its own mark, and the number of the last mark it knows of (or None)."""

    mark: CommitMark
    marked: int | None


class MarkKeeper(Protocol):
    """Where the mark is kept: a file that is not the store's."""

    def read(self) -> CommitMark | None:
        """The mark on file; None when there is none. StoreError when it is damaged."""
        ...

    def write(self, mark: CommitMark) -> None:
        """Keep a mark; it is on disk when this returns."""
        ...


def count_up(cursor: duckdb.DuckDBPyConnection, marked: int | None) -> CommitMark:
    """Count the commit that is about to be made; its mark."""
    cursor.execute(_COUNT, [marked])
    return _state(cursor).mark


def state_of(cursor: duckdb.DuckDBPyConnection) -> State | None:
    """Where the store stands; None in a store that does not count yet."""
    found = cursor.execute(_HAS).fetchone()
    return _state(cursor) if found and found[0] else None


def state_in(path: Path) -> State | None:
    """Where the store in a file that nobody has open stands; IntegrityError when it is damaged."""
    try:
        with reading(path) as connection:
            return state_of(connection)
    except duckdb.Error as error:
        raise IntegrityError(f"the store cannot be read: {error}", where=str(path)) from error


def compare(state: State | None, kept: CommitMark | None) -> None:
    """StoreError when store or queue lacks what the other one knows of."""
    marked = state.marked if state else None
    if kept is None:
        if marked is not None:
            raise StoreError(
                f"the queue's file is gone or was emptied: the store had marked commit {marked} "
                "in it",
                hint=WAYS_BACK,
            )
        return
    if (state.mark.number if state else 0) < kept.number:
        have = str(state.mark) if state else "none of its commits"
        raise StoreError(
            "the store lacks its last commits (its write-ahead log was cut or removed, or an "
            f"older copy put in its place): it holds {have}; its mark says {kept}",
            hint=WAYS_BACK,
        )
    if state and state.mark.number == kept.number and state.mark.digest != kept.digest:
        raise StoreError(
            f"the store is another one than its mark tells of: it holds {state.mark}; its mark "
            f"says {kept}",
            hint=WAYS_BACK,
        )
    if marked is not None and kept.number < marked:
        raise StoreError(
            f"the queue lacks its last jobs (its log was cut, or an older copy put in its place): "
            f"the store had marked commit {marked} in it; it holds {kept.number}",
            hint=WAYS_BACK,
        )


def _state(cursor: duckdb.DuckDBPyConnection) -> State:
    row = cursor.execute(_READ).fetchone()
    assert row is not None
    number, marked, *rest = row
    digest = hashlib.sha256(repr(rest).encode()).hexdigest()[:16]
    return State(CommitMark(number, rest[0] or 0, rest[2], rest[6], digest), marked)
