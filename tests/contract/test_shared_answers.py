"""What one desk has read of a snapshot another gets from Redis, as it was, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

from core.errors import StoreError
from core.redis_place import RedisPlace
from core.store import shared_answers
from core.store.shared_answers import SharedAnswers
from tests import redis_server

QUESTION = ("SELECT * FROM plans WHERE symbol = ?", "['AAA']")
FRAME = pl.DataFrame(
    {
        "text": ["a", None],
        "day": [date(2026, 3, 2), None],
        "at": [datetime(2026, 3, 2, 14, 30, 0, 123456, UTC), None],
        "money": [Decimal("12.34"), None],
        "number": [1.5, None],
        "list": [["a", "b"], []],
        "told": [{"a": 1}, {"a": None}],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC"), "money": pl.Decimal(18, 2)},
)


@pytest.fixture
def desk(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., SharedAnswers]]:
    """Opens what one desk knows of the answers; all are closed at the end."""
    opened: list[SharedAnswers] = []

    def open_one(secret: bytes = b"secret") -> SharedAnswers:
        place = RedisPlace(f"{redis_url}?prefix={tmp_path.name}")
        opened.append(SharedAnswers(place, lambda: secret))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def _keep(answers: SharedAnswers, snapshot: int, frame: pl.DataFrame = FRAME) -> None:
    answers.keep(snapshot, QUESTION, frame)
    answers.close()  # hands on what waits


def test_another_desk_gets_what_one_has_read(desk: Callable[..., SharedAnswers]) -> None:
    """Of the same snapshot and question alone; every kind of column as it was, and no rows, too."""
    _keep(desk(), 7)
    found = desk().get(7, QUESTION)
    assert found is not None
    assert_frame_equal(found, FRAME)
    assert desk().get(8, QUESTION) is None
    assert desk().get(7, (QUESTION[0], "['BBB']")) is None
    _keep(desk(), 9, FRAME.clear())
    nothing = desk().get(9, QUESTION)
    assert nothing is not None
    assert_frame_equal(nothing, FRAME.clear())


def test_what_others_put_into_redis_is_not_believed(
    desk: Callable[..., SharedAnswers], redis_url: str
) -> None:
    """Signed by nobody, by another lake, or for another snapshot."""
    _keep(desk(b"of another lake"), 7)
    assert desk().get(7, QUESTION) is None
    _keep(desk(), 8)
    with redis.Redis.from_url(redis_url) as client:
        (key,) = [k for k in client.scan_iter("*answers:8:*") if b"bytes" not in k]
        client.set(key.replace(b":8:", b":9:"), client.get(key) or b"")
        client.set(key, b"\x00" * 100)
    assert desk().get(8, QUESTION) is None
    assert desk().get(9, QUESTION) is None


def test_what_is_kept_is_bounded(
    desk: Callable[..., SharedAnswers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer, and all of them in a stretch of time: the jobs need room in Redis."""
    monkeypatch.setattr(shared_answers, "LARGEST_BYTES", 10)
    _keep(desk(), 7)
    assert desk().get(7, QUESTION) is None
    monkeypatch.setattr(shared_answers, "LARGEST_BYTES", 10**6)
    monkeypatch.setattr(shared_answers, "ALL_BYTES", 10)
    _keep(desk(), 7)
    assert desk().get(7, QUESTION) is None


def test_without_redis_or_lake_nothing_is_shared_and_nothing_fails() -> None:
    """The lake is asked."""
    url = f"redis://127.0.0.1:{redis_server.free_port()}/0"

    def no_secret() -> bytes:
        raise StoreError("the lake cannot be opened")

    for answers in (
        SharedAnswers(RedisPlace(url), lambda: b"secret"),
        SharedAnswers(RedisPlace(url), no_secret),
    ):
        answers.keep(7, QUESTION, FRAME)
        assert answers.get(7, QUESTION) is None
        answers.close()
        answers.keep(7, QUESTION, FRAME)  # a desk that is being closed
