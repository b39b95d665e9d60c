"""The watch over upstream hosts: one owed pull finds out, the others follow when it is through."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from core.domain.breaker import FAILURES, Breaker
from core.errors import ConnectionLostError, StoreError
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.upstream_watch import Owing, UpstreamWatch
from core.sources.breaker_file import Change
from core.sources.upstreams import Upstream, Upstreams
from tests.queues import LEASE, Clock
from tests.recorded import Recorded
from tests.working import until

HOST = Upstream("sec", "www.sec.gov", "the SEC")


class Kept:
    """Breakers in memory."""

    def __init__(self, known: Breaker) -> None:
        self.known = {HOST.name: known}

    def get(self, name: str) -> Breaker:
        return self.known.get(name, Breaker())

    def change(self, name: str, change: Change) -> tuple[Breaker, Breaker]:
        before = self.get(name)
        self.known[name] = change(before)
        return before, self.known[name]


class Watched:
    """A watch over one host whose breaker a test sets."""

    def __init__(self, queue: SqliteQueue, clock: Clock, known: Breaker) -> None:
        self.kept, self.recorded, self.woken = Kept(known), Recorded(), 0
        self.queue, self.answers = queue, True
        self.upstreams = Upstreams([HOST], self.kept, clock)
        self.watch = UpstreamWatch(
            self.upstreams,
            self._probe,
            Owing(queue, lambda lane: HOST if lane.startswith("sec") else None, self._wake),
            self.recorded,
            clock,
            every_seconds=0.01,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def _probe(self, _: Upstream) -> None:
        if not self.answers:
            raise ConnectionLostError("refused")

    def told(self) -> list[str]:
        return [event.kind.name for event in self.recorded.events]

    def owed(self, dataset: str) -> str:
        """A pull that waits for an hour; its id."""
        later = self.queue._now() + timedelta(hours=1)
        return self.queue.publish("pull", {"dataset": dataset}, run_at=later).job_id

    def due(self) -> set[str]:
        """The pulls that may be done now."""
        now = self.queue._now()
        found = self.queue.find(limit=100)
        return {job.id for job in found if job.run_at <= now}


def down(clock: Clock, *, half_open: bool = False) -> Breaker:
    """A host that has not answered for a minute."""
    return Breaker(since=clock() - timedelta(minutes=1), half_open=half_open, last_error="refused")


async def test_one_owed_pull_of_the_host_finds_out(queue: SqliteQueue, clock: Clock) -> None:
    """The one that waits longest; those of other hosts are none of its business."""
    seen = Watched(queue, clock, down(clock))
    first = seen.owed("sec.facts")
    clock.tick(1)
    seen.owed("sec.index")
    seen.owed("prices.daily")
    await seen.watch.look()
    assert (seen.due(), seen.woken) == ({first}, 1)
    assert seen.upstreams.breaker(HOST).state == "half-open"


async def test_each_owed_pull_finds_out_in_its_turn(
    queue: SqliteQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may be broken for good: however long it waits, it does not keep the others out."""
    seen = Watched(queue, clock, down(clock))
    jobs = [seen.owed(f"sec.{n}") for n in range(3)]
    hurried: list[str] = []
    hurry = queue.hurry

    def noted(job_ids: Collection[str]) -> int:
        hurried.extend(job_ids)
        return hurry(job_ids)

    monkeypatch.setattr(queue, "hurry", noted)
    for _ in range(6):
        seen.kept.known[HOST.name] = down(clock, half_open=True)
        await seen.watch.look()
    assert sorted(hurried) == sorted(jobs * 2)
    assert len(set(hurried[:3])) == 3


async def test_the_sign_of_life_must_do_where_nothing_is_owed(
    queue: SqliteQueue, clock: Clock
) -> None:
    """Nobody would ever find out else."""
    seen = Watched(queue, clock, down(clock))
    await seen.watch.look()
    assert seen.upstreams.breaker(HOST).state == "closed"


async def test_a_pull_that_runs_is_waited_for(queue: SqliteQueue, clock: Clock) -> None:
    """It is the trial: no other is hurried, and the host counts as back when it is through."""
    seen = Watched(queue, clock, down(clock, half_open=True))
    queue.publish("pull", {"dataset": "sec.facts"})
    assert queue.claim("w", LEASE) is not None
    await seen.watch.look()
    assert (seen.upstreams.breaker(HOST).state, seen.woken) == ("half-open", 0)


async def test_a_host_that_stays_away_is_told_once(queue: SqliteQueue, clock: Clock) -> None:
    """Each failed look leaves it open; what is owed goes on waiting."""
    seen = Watched(queue, clock, Breaker())
    seen.answers = False
    await seen.watch.look()
    seen.kept.known[HOST.name] = down(clock)
    seen.owed("sec.facts")
    for _ in range(3):
        await seen.watch.look()
        clock.tick(3600)
    assert seen.told() == ["upstream.down"]
    assert seen.woken == 0


async def test_all_that_is_owed_follows_when_the_host_is_back(
    queue: SqliteQueue, clock: Clock
) -> None:
    """Whoever noticed: here a pull of another process closed the breaker."""
    seen = Watched(queue, clock, Breaker())
    seen.kept.known[HOST.name] = replace(down(clock), blocked_until=clock() + timedelta(days=1))
    await seen.watch.look()
    owed = {seen.owed("sec.facts"), seen.owed("sec.index")}
    seen.kept.known[HOST.name] = Breaker()
    await seen.watch.look()
    assert (seen.due(), seen.told()) == (owed, ["upstream.down", "upstream.up"])


async def test_an_outage_that_followed_at_once_lets_what_is_owed_be_tried(
    queue: SqliteQueue, clock: Clock
) -> None:
    """Between two looks the host was back and went down again: no word of it, but a try."""
    blocked = replace(down(clock), blocked_until=clock() + timedelta(days=1))
    seen = Watched(queue, clock, blocked)
    await seen.watch.look()
    owed = {seen.owed("sec.facts")}
    seen.kept.known[HOST.name] = replace(blocked, since=clock())
    await seen.watch.look()
    assert (seen.due(), seen.told()) == (owed, ["upstream.down"])


@pytest.mark.parametrize("error", [StoreError("full"), ZeroDivisionError("unforeseen")])
async def test_a_look_that_fails_does_not_end_the_watch(
    queue: SqliteQueue, clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """And a change that is made in this process is looked at without waiting."""
    seen = Watched(queue, clock, Breaker())
    failures, looks = iter([error, error]), list[int]()

    async def look() -> None:
        for failure in failures:
            raise failure
        looks.append(1)

    monkeypatch.setattr(seen.watch, "look", look)
    with capture_logs() as lines:
        await seen.watch.initialize()
        await until(lambda: looks)
        await seen.watch.close()
    assert len([line for line in lines if line["log_level"] == "error"]) == 2


async def test_a_change_of_this_process_is_looked_at_at_once(
    queue: SqliteQueue, clock: Clock
) -> None:
    """Not at the next turn; after the end nobody listens any more."""
    seen = Watched(queue, clock, Breaker())
    seen.watch._every = 3600.0
    await seen.watch.initialize()
    seen.answers = False
    for _ in range(FAILURES):
        await seen.upstreams.failed(HOST, ConnectionLostError("refused"))
    await until(lambda: seen.told()[-1:] == ["upstream.down"])
    await seen.watch.close()
    await seen.upstreams.change(HOST, lambda _: Breaker())
    assert seen.told()[-1] == "upstream.down"
