"""Work is measured: how long it takes, how it ends, what kind of error ended it."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from core.errors import StoreError
from core.observe import gauges, loop_watch, work
from core.observe.work import Work, measured


@pytest.fixture
def kind() -> Work:
    """A kind of work of this test."""
    registry = CollectorRegistry()
    seconds = Histogram("t_seconds", "t", ["what"], registry=registry)
    return Work(seconds, Counter("t_ends", "t", ["what", "outcome"], registry=registry))


def ends(kind: Work, outcome: str) -> float:
    return kind.ends.labels("x", outcome)._value.get()


def errors(kind: str) -> float:
    return work.ERRORS.labels(kind)._value.get()


async def test_functions_and_coroutines_are_measured(kind: Work) -> None:
    """Each call once, whatever comes of it; the result and the error go on."""

    @measured(kind, "x")
    def called(value: int) -> int:
        if value < 0:
            raise StoreError("no")
        return value

    @measured(kind, "x")
    async def waited() -> None:
        raise ZeroDivisionError

    @measured(kind, "x")
    async def called_off() -> None:
        raise asyncio.CancelledError

    ours, others = errors("StoreError"), errors("unexpected")
    assert called(2) == 2
    with pytest.raises(StoreError):
        called(-1)
    with pytest.raises(ZeroDivisionError):
        await waited()
    with pytest.raises(asyncio.CancelledError):
        await called_off()
    assert [ends(kind, word) for word in ("done", "failed", "cancelled")] == [1, 2, 1]
    assert (errors("StoreError") - ours, errors("unexpected") - others) == (1, 1)
    assert called.__name__ == "called"


async def test_a_loop_that_is_held_up_is_seen() -> None:
    """Its worst lag of the last minute is the gauge; looking ends with the watch."""
    watch = loop_watch.LoopWatch("a test", every_seconds=0.001)
    await watch.initialize()
    while not watch._lags:
        await asyncio.sleep(0)
    watch.note(2.5)
    assert watch.worst_seconds == 2.5
    assert gauges.LOOP_LAG_SECONDS.labels("a test")._value.get() == 2.5
    await watch.close()
    looks = len(watch._lags)
    await asyncio.sleep(0)
    assert len(watch._lags) == looks


def test_labels_of_requests_are_bounded() -> None:
    """A method of a stranger's own making is one word."""
    work.api_request("/v1/x", "BREW", 405, 0.1)
    assert work.API_REQUESTS.labels("/v1/x", "other", "405")._value.get() == 1


def test_states_that_nobody_is_in_are_zero() -> None:
    """What was counted before and is not any more does not keep its value."""
    gauges.spread(gauges.DATASETS, {"fresh": 3}, ("fresh", "due"))
    gauges.spread(gauges.DATASETS, {"due": 1}, ("fresh", "due"))
    values = {word: gauges.DATASETS.labels(word)._value.get() for word in ("fresh", "due")}
    assert values == {"fresh": 0, "due": 1}
