"""A lake whose engine has died in a transaction: closing what is left must not end the process."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from core.addresses import LakeAddress
from core.store.lake import LakeEngine

NOWHERE = LakeAddress("ducklake:postgresql://nobody/desk?data=/nowhere")


class Cursor:
    """Of a database that answers, or that refuses everything after a fatal error."""

    def __init__(self, *, dead: bool) -> None:
        self.dead, self.closed = dead, 0

    def cursor(self) -> Cursor:
        """Another, of the same database."""
        return Cursor(dead=self.dead)

    def execute(self, _: str) -> None:
        """Whatever is asked."""
        if self.dead:
            raise duckdb.FatalException("database has been invalidated")

    def interrupt(self) -> None:
        """There is nothing to break into."""

    def close(self) -> None:
        """What would end the process where the database is dead."""
        self.closed += 1


@pytest.mark.parametrize("dead", [True, False])
def test_what_is_left_of_a_lake_that_died_is_kept(tmp_path: Path, dead: bool) -> None:
    """DuckDB rolls back in a destructor, and the process ends when that fails."""
    cursor = Cursor(dead=dead)
    LakeEngine(NOWHERE, tmp_path / "desk.duckdb").close(cursor)  # type: ignore[arg-type]
    assert cursor.closed == (not dead)
