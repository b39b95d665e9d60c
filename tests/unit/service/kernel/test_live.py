"""A desk sees how far the jobs of the engine are, and believes its engine alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import StoreError
from core.jobs.pulling.progress import ProgressBoard
from core.service.kernel import live
from core.service.kernel.live import FollowedBoard, LiveNotes, Teller
from core.sources.pulled import Progress

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)


class Place:
    """A Redis in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}
        self.away = False

    def key(self, *names: str) -> str:
        return ":".join(names)

    @contextmanager
    def using(self) -> Iterator[Any]:
        if self.away:
            raise StoreError("redis cannot be used")
        yield self

    def set(self, key: str, body: bytes, ex: int) -> None:
        self.rows[key] = body

    def get(self, key: str) -> bytes | None:
        return self.rows.get(key)

    def close(self) -> None:
        pass


@pytest.fixture
def place() -> Place:
    return Place()


def notes(place: Any, secret: bytes = b"secret") -> LiveNotes:
    return LiveNotes(place, lambda: secret)


def told(place: Place, secret: bytes = b"secret") -> ProgressBoard:
    """A board on which a job is half done; all of it has been told."""
    board = ProgressBoard(lambda: NOW)
    teller = Teller(board, notes(place, secret))
    board.start("job-1", "prices.daily")
    for number in range(60):
        board.report("job-1", Progress(f"page {number}", rows=number * 100, percent=number / 2))
    board.attach("job-1", "pull-1")
    teller.close()
    return board


def test_a_desk_sees_what_the_board_of_the_engine_shows(place: Place) -> None:
    """Counts, percentage, the pull, the latest messages."""
    there = told(place).get("job-1")
    here = FollowedBoard(lambda: NOW, notes(place)).get("job-1")
    assert here is not None and there is not None
    assert (here.so_far, here.pull_id, here.started_at) == (there.so_far, "pull-1", NOW)
    assert here.events == there.events[-live.TOLD_MESSAGES :]


def test_what_another_wrote_is_not_believed(place: Place) -> None:
    """Nor what an engine told of another job."""
    told(place, b"another")
    board = FollowedBoard(lambda: NOW, notes(place))
    assert board.get("job-1") is None
    told(place)
    place.rows["live:job-2"] = place.rows["live:job-1"]
    assert board.get("job-2") is None
    assert board.get("job-1") is not None


def test_without_redis_nothing_is_known_and_nothing_fails(place: Place) -> None:
    """And what comes after it is told whole."""
    place.away = True
    told(place)
    board = FollowedBoard(lambda: NOW, notes(place))
    assert board.get("job-1") is None
    place.away = False
    assert board.get("job-1") is None
    told(place)
    assert board.get("job-1") is not None
