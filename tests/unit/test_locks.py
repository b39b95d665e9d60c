"""What threads share is touched by the holder of its lock alone, in every call there is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.domain import breaker as rules
from core.domain.access.principals import LOCAL, Role
from core.domain.timetable import exchanges
from core.jobs.pulling import switching
from core.jobs.pulling.progress import KEPT_JOBS, ProgressBoard
from core.jobs.queue.port import JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.observe import metrics
from core.observe.sparing import LINES, Sparing
from core.service.cache import SingleFlightCache
from core.service.desk import Desk
from core.service.trading import plans
from core.sources.breaker_file import BreakerFile
from core.sources.pulled import Progress
from core.sources.sec import limit
from core.sources.sec.limit import RateLimiter
from core.store.calloff import CallOff
from core.store.memory import QueryCache
from core.store.warehouse import Warehouse
from tests.guarded import Held, guard
from tests.queues import Clock

NOW = datetime(2025, 7, 1, 10, tzinfo=UTC)
LAST = f"j{KEPT_JOBS}"


def test_the_watch_notices() -> None:
    """Reading, changing and replacing without the lock are each told; with it they are not."""

    class Thing:
        def __init__(self) -> None:
            self.lock, self.seen, self.rest = threading.RLock(), {"a": 1}, [1]

    thing = Thing()
    held = guard(thing, "lock", "seen")
    with thing.lock:
        thing.seen["b"] = 2
        seen = thing.seen
        thing.seen = {}
    for touch in (lambda: thing.seen, lambda: seen.pop("a"), lambda: setattr(thing, "seen", {})):
        with pytest.raises(AssertionError, match="without lock"):
            touch()
    assert thing.rest == [1]
    assert held.taken == 1
    loose = Thing()
    guard(loose, "lock", "seen", reads=False)
    assert loose.seen == {"a": 1}
    with pytest.raises(AssertionError, match="without lock"):
        loose.seen.update(b=2)


def test_the_progress_board() -> None:
    """From start to end, and for more jobs than it keeps."""
    board = ProgressBoard(lambda: NOW)
    guard(board, "_lock", "_jobs")
    for number in range(KEPT_JOBS + 1):
        board.start(f"j{number}", "prices")
    board.report(LAST, Progress("read"))
    board.report("gone", Progress("read"))
    board.attach(LAST, "p")
    board.finish(LAST)
    live = board.get(LAST)
    assert live is not None
    assert (live.pull_id, live.finished_at, len(live.events)) == ("p", NOW, 1)
    assert board.get("j0") is None
    assert board.get("j1") is not None


def test_lines_that_strangers_cause() -> None:
    """Told, counted, and the count told at the end."""
    timers: list[Callable[[], None]] = []
    log = Sparing("test", now=lambda: 0.0, timer=lambda _, call: timers.append(call))
    guard(log, "_lock", "_minutes")
    for _ in range(LINES + 1):
        log.warning("knock")
    log.close()
    for over in timers:
        over()
    log.warning("knock")
    assert len(timers) == 2


def test_answers_that_are_kept() -> None:
    """Made once, let go of when there are too many, dropped, cleared; an error is kept as well."""
    cache = SingleFlightCache(2)
    guard(cache, "_lock", "_kept", "_making")
    for number in (1, 2, 3, 3):
        assert cache.get((number,), lambda number=number: number) == number
    cache.drop((3,))
    assert cache.get((3,), lambda: "anew") == "anew"
    with pytest.raises(ZeroDivisionError):
        cache.get((4,), lambda: 1 / 0)
    with cache._lock:
        assert not cache._making
    cache.clear()
    assert cache.get((3,), lambda: "again") == "again"


def test_the_answers_of_the_store() -> None:
    """Kept for a version, and let go of with the next or when asked to."""
    cache = QueryCache()
    guard(cache, "_lock", "_frames", "_bytes", "_version")
    frame = pl.DataFrame({"a": [1]})
    for version in (0, 0, 1):
        assert cache.get(("q", ""), version, lambda: frame) is frame
    cache.clear()
    with cache._lock:
        assert (len(cache._frames), cache._bytes, cache._version) == (0, 0, 1)


def test_work_that_is_called_off() -> None:
    """Watched, counted, ended; what comes later is ended at once."""
    ended: list[str] = []
    switch = CallOff()
    guard(switch, "_lock", "_ends")
    with switch.watched(lambda: ended.append("first")):
        assert switch.watching == 1
        switch.call_off()
    assert switch.watching == 0
    with switch.watched(lambda: ended.append("later")):
        assert ended == ["first", "later"]


@pytest.mark.parametrize("on_disk", [True, False])
def test_breakers_of_hosts(tmp_path: Path, on_disk: bool) -> None:
    """Read, changed, and read again, with a file and without."""
    known = BreakerFile(tmp_path / "breakers.json" if on_disk else None)
    guard(known, "_lock", "_own", "_seen", "_read")
    assert known.get("h").failures == 0
    before, after = known.change("h", lambda was: rules.failed(was, NOW, "503"))
    assert (before.failures, after.failures, known.get("h").failures) == (0, 1, 1)


def test_places_in_the_second_of_the_sec(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limiter's places, and the limiters of the process."""
    limiter = RateLimiter(2)
    guard(limiter, "_lock", "_slots")
    assert [limiter.reserve().before is None for _ in range(3)] == [True, True, False]
    held = Held(threading.Lock())
    monkeypatch.setattr(limit, "_shared_lock", held)
    monkeypatch.setattr(limit, "_shared", {})
    assert limit.shared_limiter(5, "www.sec.gov") is limit.shared_limiter(5, "data.sec.gov")
    assert held.taken == 2


def test_the_queue(tmp_path: Path) -> None:
    """Its connection and its number of writes, in every call of its life."""
    queue = SqliteQueue(tmp_path / "queue.sqlite", Clock())
    guard(queue._file, "_lock", "_db", reads=True)
    queue.publish("pull", {"dataset": "prices"})
    claimed = queue.claim("w", timedelta(minutes=1))
    assert claimed is not None
    queue.ack(claimed)
    assert [found.id for found in queue.find([JobStatus.DONE])] == [claimed.id]
    queue.close()


def test_who_is_known(make_desk: Callable[..., Desk]) -> None:
    """People, tokens and sessions change under the lock of the roster; whoever reads sees whole
    values, as each change is one assignment.
    """
    desk = make_desk(access="token")
    roster = desk.roster
    names = ("_people", "_tokens", "_by_id", "_sessions", "_used")
    guard(roster, "_lock", *names, reads=False)
    _, secret = roster.add_token("desk", Role.TRADER, None, LOCAL)
    assert roster.of_token(secret) is not None
    who = roster.signed_in("issuer", "subject", "Somebody", Role.VIEWER)
    session = roster.begin(who)
    assert roster.of_session(session) == who
    roster.set_role("issuer", "subject", "", Role.ANALYST, LOCAL)
    roster.end(session)
    roster.flush()
    roster.revoke_token("desk", LOCAL)
    assert [(p.name, p.role) for p in roster.people()] == [("Somebody", Role.ANALYST)]
    assert (roster.sessions(), roster.of_token(secret)) == ([], None)


@pytest.mark.parametrize(
    ("call", "taken"),
    [
        (lambda house: house.checkpoint(), 1),
        (lambda house: house.compare_with_mark(), 1),
        (lambda house: house._reopen(), 1),
        (lambda house: house.copy_to(house.path.with_name("copy.duckdb")), 2),
        (lambda house: house.transaction().__enter__(), 2),
        (lambda house: house.scratch(1.0).__enter__(), 3),
        (lambda house: house.still().__enter__(), 2),
    ],
    ids=["checkpoint", "compare", "reopen", "copy", "transaction", "scratch", "still"],
)
def test_who_writes_holds_the_store(
    warehouse: Warehouse, call: Callable[[Warehouse], Any], taken: int
) -> None:
    """All that must not meet a writer waits for its end."""
    held = Held(warehouse._write_lock)
    warehouse._write_lock = held  # type: ignore[assignment]
    left_open = call(warehouse)
    assert held.taken == taken
    del left_open  # ends what was entered


def test_locks_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its calendars, its metrics, its switch interval and the plans that were shown."""
    locks = {}
    for module, name in (
        (exchanges, "_lock"), (metrics, "_cache_lock"), (switching, "_lock"),
        (plans, "_shown_lock"),
    ):  # fmt: skip
        locks[module] = Held(threading.RLock())
        monkeypatch.setattr(module, name, locks[module])
    exchanges.sessions("XNYS", date(2026, 3, 2), date(2026, 3, 2))
    metrics.render()
    usual = sys.getswitchinterval()
    with switching.short_switch_interval(), switching.short_switch_interval():
        assert sys.getswitchinterval() == pytest.approx(switching.SHORT_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(usual)
    assert [held.taken for held in locks.values()] == [1, 1, 4, 0]


def test_that_a_use_of_a_token_is_kept_later(make_desk: Callable[..., Desk]) -> None:
    """Not at every use: with the next flush, once, for the tokens that were used."""
    desk = make_desk(access="token")
    _, secret = desk.roster.add_token("desk", Role.TRADER, None, LOCAL)
    desk.roster.of_token(secret)
    used = "SELECT count(*) FROM access_tokens WHERE used_at IS NOT NULL"
    assert desk.warehouse.read(used).item() == 0
    desk.roster.flush()
    assert desk.warehouse.read(used).item() == 1
