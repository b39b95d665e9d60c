"""After its cache was made small the store has all its memory again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from core.store import connection


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A store of its own that has nowhere to spill to, with a table of ten megabytes in memory."""
    with duckdb.connect(str(tmp_path / "a.duckdb"), config={"temp_directory": ""}) as opened:
        opened.execute(
            "CREATE TABLE t AS SELECT range AS n, hash(range)::VARCHAR AS word FROM range(400000)"
        )
        opened.execute("CHECKPOINT")
        opened.execute("SELECT sum(n), max(word) FROM t").fetchall()
        yield opened


def limit(of: duckdb.DuckDBPyConnection) -> str:
    return str(of.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])


def test_queries_have_the_memory_they_had(
    opened: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sort larger than what trimming leaves runs after it, however often it was done."""
    monkeypatch.setattr(connection, "CACHED_BYTES", 2**20)
    limits = [limit(opened)]
    for _ in range(3):
        opened.execute("SELECT sum(n), max(word) FROM t").fetchall()
        connection.trim(opened.cursor())
        limits.append(limit(opened))
        ordered = opened.execute("SELECT word, n FROM t ORDER BY word").to_arrow_table()
        assert ordered.num_rows == 400_000
    assert len(set(limits[1:])) == 1  # it does not shrink from time to time
    assert float(limits[1].split()[0]) >= 0.98 * float(limits[0].split()[0])


def test_cached_blocks_are_let_go_of(
    opened: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of them is what may be kept."""
    monkeypatch.setattr(connection, "CACHED_BYTES", 2**20)
    assert opened.execute(connection._MEMORY).fetchall()[0][1] > 2**21
    connection.trim(opened.cursor())
    assert opened.execute(connection._MEMORY).fetchall()[0][1] <= 2**21
