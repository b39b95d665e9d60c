"""What threads share is as if one came after the other, at the worst instant too."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from core.domain import breaker as rules
from core.domain.breaker import Breaker
from core.errors import StoreError
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.port import JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.sources.breaker_file import BreakerFile
from core.sources.pulled import Progress
from core.sources.sec import limit
from core.sources.sec.limit import RateLimiter, shared_limiter
from core.store.memory import QueryCache
from core.store.warehouse import Warehouse
from tests.meanwhile import Meanwhile
from tests.queues import Clock

NOW = datetime(2025, 7, 1, 10, tzinfo=UTC)


class Watched:
    """A clock that calls something on the way once it is told what."""

    def __init__(self) -> None:
        self.call: Callable[[], object] = lambda: None

    def __call__(self) -> datetime:
        self.call()
        return NOW


def test_no_message_of_a_job_is_lost() -> None:
    """Two threads report at once: both messages are there."""
    clock = Watched()
    board = ProgressBoard(clock)
    board.start("j", "prices")
    other = Meanwhile(lambda: board.report("j", Progress("theirs")))
    clock.call = other
    board.report("j", Progress("ours"))
    other.done()
    live = board.get("j")
    assert live is not None
    assert {event.message for event in live.events} == {"ours", "theirs"}


def test_a_job_that_ends_while_it_reports_has_ended() -> None:
    """The report does not write the job back as it was."""
    clock = Watched()
    board = ProgressBoard(clock)
    board.start("j", "prices")
    other = Meanwhile(lambda: board.finish("j"))
    clock.call = other
    board.report("j", Progress("ours"))
    other.done()
    live = board.get("j")
    assert live is not None
    assert live.finished_at is not None


def test_no_two_requests_wait_for_the_same_one() -> None:
    """Else both would go in one place of the SEC's second."""
    limiter = RateLimiter(2)
    before = [limiter.reserve(), limiter.reserve()]
    taken = []
    other = Meanwhile(lambda: taken.append(limiter.reserve()))

    class Slots(deque[Any]):
        def append(self, slot: Any) -> None:
            other()
            super().append(slot)

    limiter._slots = Slots(limiter._slots, maxlen=2)
    taken.append(limiter.reserve())
    other.done()
    assert {slot.before for slot in taken} == set(before)


def test_two_clients_that_begin_at_once_have_one_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own would ask the SEC twice as often as it allows."""
    found: list[RateLimiter] = []
    other = Meanwhile(lambda: found.append(shared_limiter(5, "www.sec.gov")))

    def made(rate: float, *, name: str) -> RateLimiter:
        other()
        return RateLimiter(rate, name=name)

    monkeypatch.setattr(limit, "_shared", {})
    monkeypatch.setattr(limit, "RateLimiter", made)
    found.append(shared_limiter(5, "data.sec.gov"))
    other.done()
    assert found[0] is found[1]


def test_no_failure_of_a_host_is_forgotten() -> None:
    """Two threads tell of one each: it has failed twice."""
    known = BreakerFile()
    other = Meanwhile(lambda: known.change("h", lambda before: rules.failed(before, NOW, "503")))

    def fail(before: Breaker) -> Breaker:
        other()
        return rules.failed(before, NOW, "503")

    known.change("h", fail)
    other.done()
    assert known.get("h").failures == 2


@pytest.fixture
def queue(tmp_path: Path) -> SqliteQueue:
    return SqliteQueue(tmp_path / "queue.sqlite", Clock())


def test_what_another_thread_published_outlives_our_failure(queue: SqliteQueue) -> None:
    """It was told that its job is safe; our transaction takes back its own writes alone."""
    other = Meanwhile(lambda: queue.publish("theirs"))

    def ours() -> None:
        queue.publish("ours")
        other()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        queue._file.write(ours)
    other.done()
    assert [job.event_name for job in queue.find([JobStatus.QUEUED])] == ["theirs"]
    queue.close()


def insert(warehouse: Warehouse, name: str) -> None:
    with warehouse.transaction() as tx:
        tx.insert("t", pl.DataFrame({"a": [name]}))


def test_writers_come_one_after_the_other(warehouse: Warehouse) -> None:
    """The second waits for the first, and neither is refused."""
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE t (a VARCHAR)")
    other = Meanwhile(lambda: insert(warehouse, "theirs"))
    with warehouse.transaction() as tx:
        other()
        tx.insert("t", pl.DataFrame({"a": ["ours"]}))
    other.done()
    assert warehouse.read("SELECT a FROM t ORDER BY a")["a"].to_list() == ["ours", "theirs"]


def test_no_writer_writes_while_the_store_is_still(warehouse: Warehouse) -> None:
    """A copy that is made meanwhile is of one moment."""
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE t (a VARCHAR)")
    other = Meanwhile(lambda: insert(warehouse, "theirs"))
    with warehouse.still():
        other()
        assert warehouse.read_anew("SELECT count(*) FROM t").item() == 0
    other.done()
    assert warehouse.read("SELECT count(*) FROM t").item() == 1


def test_a_store_that_another_writes_to_is_not_waited_for_beyond_patience(
    warehouse: Warehouse,
) -> None:
    """What is only kept to be quicker is let go."""
    got: list[object] = []

    def scratch() -> None:
        with warehouse.scratch(0.01) as tx:
            got.append(tx)

    other = Meanwhile(scratch)
    with warehouse.transaction():
        other()
        other.done()
    assert got == [None]


def test_a_scratch_transaction_that_fails_leaves_nothing(warehouse: Warehouse) -> None:
    """And lets go of the store: the next writer writes."""
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE t (a VARCHAR)")
    with pytest.raises(ZeroDivisionError), warehouse.scratch(1.0) as tx:
        assert tx is not None
        tx.execute("INSERT INTO t VALUES ('half')")
        raise ZeroDivisionError
    other = Meanwhile(lambda: insert(warehouse, "whole"))
    other()
    other.done()
    assert warehouse.read("SELECT a FROM t")["a"].to_list() == ["whole"]


def test_an_answer_that_is_let_go_of_while_it_is_handed_out_is_handed_out() -> None:
    """Clearing the cache waits for it."""
    cache = QueryCache()
    other = Meanwhile(cache.clear)

    class Frames(OrderedDict[Any, Any]):
        def move_to_end(self, key: Any, last: bool = True) -> None:
            other()
            super().move_to_end(key, last)

    cache._frames = Frames()
    frame = pl.DataFrame({"a": [1]})
    for _ in range(2):
        assert cache.get(("q", ""), 0, lambda: frame) is frame
    other.done()
    assert not cache._frames


def test_a_store_that_failed_for_good_is_opened_anew(warehouse: Warehouse) -> None:
    """What was committed is there, what was not is not, and whoever kept an answer asks again."""
    with warehouse.transaction() as tx:
        tx.execute("CREATE TABLE t (a VARCHAR)")
    insert(warehouse, "before")
    commits, failed = warehouse.commits, warehouse._connection
    with pytest.raises(StoreError, match="was opened again: FATAL"), warehouse.transaction() as tx:
        tx.execute("INSERT INTO t VALUES ('half')")
        raise duckdb.FatalException("FATAL Error: the disk is gone")
    assert warehouse._connection is not failed
    assert warehouse.commits > commits
    assert warehouse.read("SELECT a FROM t")["a"].to_list() == ["before"]
    insert(warehouse, "after")
    assert warehouse.read("SELECT count(*) FROM t").item() == 2
