"""A host that may be tried again: one finds out for all, and whatever ends it, the next one may."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from core.domain import breaker as rules
from core.domain.breaker import FAILURES, Breaker
from core.errors import (
    OpenbellError,
    PullCancelledError,
    QueryFailedError,
    RateLimitedError,
    ServerError,
    StoreError,
    ValidationError,
)
from core.sources.breaker_file import BreakerFile
from core.sources.upstreams import Upstream, Upstreams
from tests.working import PATIENCE

NOW = datetime(2025, 7, 1, 10, 31, tzinfo=UTC)
HOST = Upstream("foundry", "container:8888", "container")


def half_open(kept: BreakerFile | None = None) -> Upstreams:
    """A host that was down and has answered a probe: one request may try it."""
    kept = kept or BreakerFile()
    for _ in range(FAILURES):
        kept.change(HOST.name, lambda known: rules.failed(known, NOW, "503"))
    kept.change(HOST.name, lambda known: rules.alive(known, NOW))
    upstreams = Upstreams([HOST], kept, lambda: NOW)
    assert upstreams.breaker(HOST).state == "half-open"
    return upstreams


async def attempt(upstreams: Upstreams, error: BaseException | None) -> None:
    async def operation() -> None:
        if error is not None:
            raise error

    await upstreams.gate(HOST).attempt(operation)


@pytest.mark.parametrize(
    "error",
    [
        PullCancelledError("called off"),
        StoreError("the disk is full"),
        ValidationError("no such column"),
        ZeroDivisionError("a mistake of ours"),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_trial_that_tells_nothing_lets_the_next_one_try(error: BaseException) -> None:
    """It neither opens nor closes, and nobody waits for one that has gone."""
    upstreams = half_open()
    with pytest.raises(type(error)):
        await attempt(upstreams, error)
    known = upstreams.breaker(HOST)
    assert (known.state, known.busy_until) == ("half-open", None)
    async with asyncio.timeout(PATIENCE):
        await attempt(upstreams, None)
    assert upstreams.breaker(HOST).state == "closed"


@pytest.mark.parametrize(
    "error",
    [StoreError("the disk is full"), PullCancelledError("called off"), ZeroDivisionError("ours")],
    ids=lambda error: type(error).__name__,
)
async def test_what_tells_nothing_of_a_host_that_is_up_changes_nothing(error: Exception) -> None:
    """No write of a breaker, and failures that were counted stay counted."""
    upstreams = Upstreams([HOST], BreakerFile(), lambda: NOW)
    with pytest.raises(ServerError):
        await attempt(upstreams, ServerError("503"))
    before = upstreams.changes
    with pytest.raises(type(error)):
        await attempt(upstreams, error)
    assert upstreams.changes == before
    assert upstreams.breaker(HOST).failures == 1


async def test_a_query_that_failed_is_an_answer() -> None:
    """The host was there: it is one dataset that it could not give."""
    upstreams = half_open()
    with pytest.raises(QueryFailedError):
        await attempt(upstreams, QueryFailedError("no such table"))
    assert upstreams.breaker(HOST).state == "closed"


async def test_a_trial_that_fails_opens_it_again_for_as_long_as_it_was_asked() -> None:
    """What the other side says of when is believed."""
    upstreams = half_open()
    with pytest.raises(RateLimitedError):
        await attempt(upstreams, RateLimitedError("429", retry_after_seconds=25))
    known = upstreams.breaker(HOST)
    assert known.state == "open"
    assert known.next_probe is not None
    assert (known.next_probe - NOW).total_seconds() == 25


async def test_others_wait_for_the_trial_and_go_when_it_was_answered() -> None:
    """One request finds out for all that came meanwhile; they are not refused."""
    upstreams, asked, go = half_open(), asyncio.Event(), asyncio.Event()

    async def trial() -> None:
        asked.set()
        await go.wait()

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(upstreams.gate(HOST).attempt(trial))
        await asked.wait()
        second = tasks.create_task(attempt(upstreams, None))
        await asyncio.sleep(0.1)
        assert not second.done()
        go.set()
        await second
    assert upstreams.breaker(HOST).state == "closed"


class Elsewhere(BreakerFile):
    """Breakers that another process changes between a look and the change after it."""

    stale: Breaker | None = None

    def get(self, name: str) -> Breaker:
        known, self.stale = self.stale or super().get(name), None
        return known


async def test_a_probe_is_made_by_one_process() -> None:
    """Two saw that it was time; the slower one leaves it to the other."""
    kept, count = Elsewhere(), 0
    upstreams = Upstreams([HOST], kept, lambda: NOW)
    down = Breaker(since=NOW, failures=FAILURES, next_probe=NOW)
    kept.change(HOST.name, lambda _: rules.probing(down, NOW))
    kept.stale = down

    async def probe() -> None:
        nonlocal count
        count += 1

    assert (await upstreams.look(HOST, probe)).busy_until is not None
    assert count == 0


@pytest.mark.parametrize(
    ("error", "state"),
    [(None, "half-open"), (ServerError("503"), "open"), (ValidationError("odd"), "half-open")],
    ids=["answered", "down", "odd answer"],
)
async def test_a_probe_is_a_sign_of_life_whatever_it_says(
    error: OpenbellError | None, state: str
) -> None:
    """Only what tells that nobody is there keeps the host down."""
    kept = BreakerFile()
    kept.change(HOST.name, lambda _: Breaker(since=NOW, failures=FAILURES, next_probe=NOW))
    upstreams = Upstreams([HOST], kept, lambda: NOW)

    async def probe() -> None:
        if error is not None:
            raise error

    assert (await upstreams.look(HOST, probe)).state == state


async def test_a_probe_that_is_called_off_leaves_the_next_one_to_be_made() -> None:
    """A desk that stops while it asks holds nobody up."""
    kept = BreakerFile()
    kept.change(HOST.name, lambda _: Breaker(since=NOW, failures=FAILURES, next_probe=NOW))
    upstreams, asked = Upstreams([HOST], kept, lambda: NOW), asyncio.Event()

    async def probe() -> None:
        asked.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(upstreams.look(HOST, probe))
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        assert upstreams.breaker(HOST).busy_until is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert upstreams.breaker(HOST).busy_until is None
    assert rules.probe_due(upstreams.breaker(HOST), NOW)
