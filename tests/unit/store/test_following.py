"""A lake as a desk reads it: answers that others have, and a lake that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import polars as pl
import pytest

from core.addresses import LakeAddress
from core.errors import ReadOnlyError, StoreError
from core.store.following import FollowedWarehouse
from core.store.ownership import Ownership


class NearEngine:
    """An engine whose lake is in this process; `away` is what its connections fail with."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, "here"
        self.address = LakeAddress("ducklake:postgresql://nobody/desk?data=/nowhere")
        self.away = ""

    def connect(self) -> duckdb.DuckDBPyConnection:
        if self.away:
            raise StoreError(self.away, where=self.where)
        return duckdb.connect(":memory:")

    def cursor(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        if self.away:
            raise duckdb.IOException(self.away)
        return connection.cursor()

    def close(self, cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.close()

    def identity(self) -> str:
        return self.where


class Answers:
    """Answers of other desks in memory."""

    def __init__(self) -> None:
        self.kept: dict[Any, pl.DataFrame] = {}

    def get(self, snapshot: int, question: tuple[str, str]) -> pl.DataFrame | None:
        return self.kept.get((snapshot, question))

    def keep(self, snapshot: int, question: tuple[str, str], frame: pl.DataFrame) -> None:
        self.kept[snapshot, question] = frame

    def close(self) -> None:
        self.kept.clear()


@pytest.fixture
def engine(tmp_path: Path) -> NearEngine:
    return NearEngine(tmp_path / "desk.duckdb")


@pytest.fixture
def followed(engine: NearEngine) -> Iterator[FollowedWarehouse]:
    near = cast(Any, engine)
    made = FollowedWarehouse(near, engine.connect(), Ownership.take([engine.path]))
    yield made
    engine.away = ""
    made.close()


def test_what_another_desk_has_read_is_not_read_again(
    followed: FollowedWarehouse, engine: NearEngine
) -> None:
    """As long as it is of the same snapshot; what is read here others get."""
    answers = Answers()
    followed.answers = cast(Any, answers)
    others = pl.DataFrame({"n": [41]})
    answers.kept[followed.commits, ("SELECT 42 AS n", "None")] = others
    assert followed.read("SELECT 42 AS n") is others
    assert followed.read_anew("SELECT 42 AS n").item() == 42
    followed.commits += 1
    assert followed.read("SELECT 42 AS n").item() == 42
    assert answers.kept[followed.commits, ("SELECT 42 AS n", "None")].item() == 42


@pytest.mark.parametrize(
    "told",
    [
        "IO Error: Failed to attach DuckLake MetaData: could not connect to server",
        "IO Error: server closed the connection unexpectedly",
        "HTTP Error: Timeout was reached error for HTTP GET to 'http://s3/lake/x.parquet'",
    ],
)
def test_a_lake_out_of_reach_is_told_as_read_only(
    followed: FollowedWarehouse, engine: NearEngine, told: str
) -> None:
    """What was read before is shown, all else says since when; it is read when it answers again."""
    assert followed.read("SELECT 1 AS n").item() == 1
    engine.away = told
    assert followed.read("SELECT 1 AS n").item() == 1
    with pytest.raises(ReadOnlyError, match=r"read-only for \d+ s: the lake is out of reach"):
        followed.read("SELECT 2 AS n")
    engine.away = ""
    followed._shut_until = 0.0
    assert followed.read("SELECT 2 AS n").item() == 2


def test_one_that_reads_is_not_disturbed_when_another_connects_anew(
    followed: FollowedWarehouse, engine: NearEngine
) -> None:
    """Its result stays open; and who finds a new connection there makes none."""
    used = followed._connection
    with followed.cursor() as reads:
        result = reads.execute("SELECT * FROM range(100000)")
        followed._replace(used)
        made = followed._connection
        followed._replace(used)
        assert (made is not used, followed._connection is made) == (True, True)
        assert len(result.fetchall()) == 100_000


def test_a_query_that_is_wrong_is_no_outage(followed: FollowedWarehouse) -> None:
    """It says what is wrong with it."""
    with pytest.raises(StoreError, match="nosuch") as caught:
        followed.read("SELECT * FROM nosuch")
    assert not isinstance(caught.value, ReadOnlyError)


def test_whatever_a_listener_meets_the_others_are_told() -> None:
    """The follower lives on: without it a desk would show the lake of that moment from then on."""
    told: list[str] = []

    def unheard_of() -> None:
        raise ValueError("'auditor' is not a valid Role")

    desk = cast(
        "FollowedWarehouse", SimpleNamespace(listeners=[unheard_of, lambda: told.append("told")])
    )
    FollowedWarehouse._tell(desk)
    assert told == ["told"]
