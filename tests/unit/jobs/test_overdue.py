"""The overdue detector, which does without a scheduler."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.tables.datasets import Dataset
from core.domain.timetable.freshness import turn_at
from core.errors import StoreError
from core.jobs import overdue
from core.jobs.overdue import KeptTurns, OverdueDetector, freshness_of
from core.jobs.runner import Runner
from core.store.pull_state import PullState
from tests.recorded import Recorded

DAILY = {"cycle": "daily", "time": "06:00:00", "zone": "America/New_York"}
OFF = datetime(2025, 2, 20, 11, tzinfo=UTC)
NAMES = ("every", "capped", "merged", "newest", "nothing")
DATASETS = [Dataset(n, "file", "t", (), {}, schedule=(DAILY,), buffer_minutes=0) for n in NAMES]
STEP = timedelta(minutes=17)
PATIENCE = 60  # seconds: what is awaited comes at once, but for a machine that is busy elsewhere


def pulled() -> dict[str, PullState]:
    """All were pulled at their last instant."""
    return {name: PullState(OFF, OFF, OFF) for name in NAMES}


def test_overdue_is_found_without_a_scheduler() -> None:
    """With no scheduler running every dataset is reported once, and again after it recovered."""
    told, states, now = Recorded(), pulled(), [OFF]
    detector = OverdueDetector(DATASETS, lambda: states, lambda: now[0], recorder=told)
    assert detector.look() == []
    assert {event.kind.name for event in told.events} == {"dataset.recovered"}  # as far as it knows
    told.events.clear()
    now[0] = OFF + timedelta(hours=25)
    assert len(detector.look()) == 5
    assert detector.look() == []
    assert {event.kind.name for event in told.events} == {"dataset.overdue"}
    assert told.events[0].message == "every is overdue, 1.0 h behind its refresh"
    told.events.clear()
    good = now[0]
    states["every"] = PullState(good, good, good)
    detector.look()
    recovered = [(event.kind.name, event.subject) for event in told.events]
    assert recovered == [("dataset.recovered", "every")]
    assert [item.dataset for item in detector.overdue] == ["capped", "merged", "newest", "nothing"]
    states["every"] = PullState(OFF, OFF, OFF, now[0], "no answer")
    del states["merged"]
    assert [str(o) for o in detector.look()] == [
        "every is failing, 1.0 h behind its refresh: no answer"
    ]
    assert str(detector.overdue[2]).startswith("merged has never been pulled, ")


async def test_overdue_detector_looks_by_itself() -> None:
    """It has its own timer and survives a store that cannot be read."""
    looks = 0
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    def states() -> dict[str, PullState]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise StoreError("no")
        loop.call_soon_threadsafe(seen.set)
        return pulled()

    async with Runner([OverdueDetector(DATASETS, states, lambda: OFF, every_seconds=0.01)]):
        async with asyncio.timeout(PATIENCE):
            await seen.wait()


def test_a_first_start_tells_of_no_dataset_that_had_no_time_yet() -> None:
    """What was never pulled is late when the desk that began then has had the grace for it."""
    told, now = Recorded(), [OFF + timedelta(hours=3)]
    detector = OverdueDetector(DATASETS, dict, lambda: now[0], recorder=told)
    assert detector.look() == []
    assert detector.overdue == ()
    now[0] += timedelta(minutes=29)
    assert detector.look() == []
    now[0] += timedelta(minutes=2)
    assert len(detector.look()) == len(NAMES)
    assert {event.kind.name for event in told.events} == {"dataset.recovered", "dataset.overdue"}


STEPS = {
    "cycle": "interval", "exchange": "XNYS", "anchor": "open", "to_anchor": "close",
    "every_minutes": 5, "from_minutes": 0, "to_minutes": 0,
}  # fmt: skip


@pytest.mark.parametrize("schedule", [(DAILY,), (DAILY, STEPS), ()])
def test_a_schedule_that_is_asked_once_a_turn_says_the_same(schedule: tuple) -> None:
    """Over refreshes, pulls, failures and a clock that is put back."""
    dataset, turns = Dataset("every", "file", "t", (), {}, schedule=schedule), KeptTurns()
    pulls = [PullState(), PullState(OFF, OFF, OFF), PullState(OFF, OFF, OFF, OFF + STEP * 9)]
    walk = [*range(60), 3, *range(200, 230)]
    for n, at in enumerate(walk):
        state, now = pulls[n // 20 % 3], OFF + at * STEP
        assert turns.freshness_of(dataset, state, now) == freshness_of(dataset, state, now)


def test_a_schedule_is_asked_anew_at_a_refresh_a_pull_and_a_new_entry(monkeypatch) -> None:
    """And not between: pages ask every second."""
    asked: list[datetime] = []
    plain = turn_at
    monkeypatch.setattr(
        overdue, "turn_at", lambda s, now, good: asked.append(now) or plain(s, now, good)
    )
    turns, dataset, state = KeptTurns(), DATASETS[0], PullState(OFF, OFF, OFF)
    for hours in (0, 1, 23):
        turns.freshness_of(dataset, state, OFF + timedelta(hours=hours))
    assert len(asked) == 1
    turns.freshness_of(dataset, state, OFF + timedelta(hours=24))
    turns.freshness_of(dataset, PullState(OFF, OFF + STEP, OFF), OFF + timedelta(hours=24))
    other = Dataset("every", "file", "t", (), {}, schedule=(STEPS,), buffer_minutes=0)
    turns.freshness_of(other, state, OFF + timedelta(hours=24))
    assert len(asked) == 4


def test_what_is_switched_off_or_has_no_times_is_never_late() -> None:
    """Nobody waits for it."""
    off = replace(DATASETS[0], enabled=False)
    unscheduled = replace(DATASETS[1], schedule=())
    detector = OverdueDetector(
        [off, unscheduled], dict, lambda: OFF + timedelta(days=9), recorder=Recorded()
    )
    assert (detector.look(), detector.overdue) == ([], ())
