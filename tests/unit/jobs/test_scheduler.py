"""The scheduler with a simulated clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.tables.datasets import CatchUp, Dataset
from core.domain.timetable.schedule import at_session_times
from core.errors import ScheduleError, StoreError
from core.jobs.queue.port import Job, JobStatus
from core.jobs.queue.sqlite import SqliteQueue
from core.jobs.runner import Runner
from core.jobs.scheduler import Scheduler, Timed, window_of
from core.store.pull_state import PullState
from tests.recorded import Recorded

DAILY = {"cycle": "daily", "time": "06:00:00", "zone": "America/New_York"}
# Off on 20 February 2025, back on 1 April: 40 days with the change of clocks on 9 March
OFF = datetime(2025, 2, 20, 11, tzinfo=UTC)
BACK = datetime(2025, 4, 1, 12, tzinfo=UTC)
PATIENCE = 60  # seconds: what is awaited comes at once, but for a machine that is busy elsewhere


class Clock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant


class Simulation:
    """A desk whose pulls succeed at once: queue, state of pulls and clock in one."""

    def __init__(self, path: Path, datasets: list[Dataset], start: datetime) -> None:
        self.clock = Clock(start)
        self.queue = SqliteQueue(path / "queue.sqlite", self.clock)
        self.states: dict[str, PullState] = {}
        self.datasets = datasets
        self.done: list[Job] = []

    def scheduler(self) -> Scheduler:
        return Scheduler(
            self.queue, self.datasets, lambda: self.states, self.clock, chance=lambda: 0.0
        )

    def work(self) -> list[datetime]:
        """Run what is queued; the due instants pulled."""
        pulled = []
        while job := self.queue.claim("w", timedelta(seconds=60)):
            due = window_of(job.payload).due_at
            assert due is not None
            known = self.states.get(str(job.lane), PullState())
            latest = max(due, known.last_due or due)
            self.states[str(job.lane)] = PullState(latest, latest, self.clock())
            self.queue.ack(job)
            self.done.append(job)
            pulled.append(due)
        return pulled


def dataset(name: str, catch_up: CatchUp = "latest", **options: Any) -> Dataset:
    return Dataset(
        name, "file", "t", (), {}, schedule=(DAILY,), buffer_minutes=0, catch_up=catch_up,
        options=options,
    )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Simulation]:
    datasets = [
        dataset("every", "all"),
        dataset("capped", "all", catch_up_cap=5),
        dataset("merged", "all", coalesce=True),
        dataset("newest", "latest"),
        dataset("nothing", "none"),
    ]
    desk = Simulation(tmp_path, datasets, OFF)
    desk.states = {d.name: PullState(OFF, OFF, OFF) for d in datasets}
    yield desk
    desk.queue.close()


def test_forty_days_off_pulls_what_the_policies_say(desk: Simulation) -> None:
    """Back after 40 days across a change of clocks: each policy's windows, no more."""
    desk.clock.instant = BACK
    assert desk.scheduler().tick() == 40 + 5 + 1 + 1 + 0
    desk.work()
    lanes = [job.lane for job in desk.done]
    assert {name: lanes.count(name) for name in set(lanes)} == {
        "every": 40,
        "capped": 5,
        "merged": 1,
        "newest": 1,
    }
    assert {job.payload["trigger"] for job in desk.done} == {"catch-up"}
    assert desk.scheduler().tick() == 0


def test_however_many_clocks_fire_one_pull_per_window(desk: Simulation) -> None:
    """Three schedulers that tick every hour for a week pull each day once per dataset."""
    clocks = [desk.scheduler() for _ in range(3)]
    pulled: list[datetime] = []
    for _ in range(7 * 24 * 2):
        desk.clock.instant += timedelta(minutes=30)
        for clock in clocks:
            clock.tick()
        pulled += desk.work()
    per_lane = [job.lane for job in desk.done]
    days = {"every": 7, "capped": 7, "merged": 7, "newest": 7, "nothing": 7}
    assert {name: per_lane.count(name) for name in days} == days
    assert len(set(pulled)) == 7


def test_restart_between_publish_and_work_doubles_nothing(desk: Simulation) -> None:
    """Published windows wait in the queue; a new scheduler joins them."""
    desk.clock.instant = BACK
    first = desk.scheduler().tick()
    assert desk.scheduler().tick() == 0
    assert desk.queue.counts()[JobStatus.QUEUED] == first


def test_dead_window_is_left_to_its_reader(desk: Simulation) -> None:
    """A window that failed for good is not published again; the next one is."""
    desk.clock.instant = BACK
    desk.scheduler().tick()
    while job := desk.queue.claim("w", timedelta(seconds=60)):
        desk.queue.bury(job, "gone")
    assert desk.scheduler().tick() == 0
    desk.clock.instant = BACK.replace(hour=10) + timedelta(days=1)
    assert desk.scheduler().tick() == 5


def test_jitter_delays_the_job_within_its_bounds(tmp_path: Path) -> None:
    """The job's run_at is spread; the window is not."""
    desk = Simulation(tmp_path, [dataset("d", jitter_seconds=120)], BACK)
    Scheduler(desk.queue, desk.datasets, dict, desk.clock, chance=lambda: 0.25).tick()
    (job,) = desk.queue.find()
    assert job.run_at == BACK + timedelta(seconds=30)
    desk.queue.close()


def test_payload_gives_the_window_back(desk: Simulation) -> None:
    """window_of is the inverse of what the scheduler wrote, id included."""
    desk.clock.instant = BACK
    desk.scheduler().tick()
    for job in desk.queue.find():
        assert window_of(job.payload).id == job.dedupe_key


def test_malformed_rules_stop_the_scheduler_by_name(tmp_path: Path) -> None:
    """A rule that slipped past the catalogue is refused when the scheduler is made."""
    wrong = Dataset("d", "file", "t", (), {}, schedule=({"cycle": "hourly"},))
    queue = SqliteQueue(tmp_path / "q", Clock(OFF))
    with contextlib.closing(queue), pytest.raises(ScheduleError, match="hourly"):
        Scheduler(queue, [wrong], dict, Clock(OFF))


async def test_clock_fires_by_itself(tmp_path: Path) -> None:
    """On start it catches up; at the due instant it looks again, and wakes the worker."""
    for lead in (0.2, 2.0, 20.0, PATIENCE / 2):  # the longer where a start takes long
        if await _fired_by_itself(tmp_path / str(lead), lead):
            return
    raise AssertionError("the machine is too slow to start before the due instant")


async def _fired_by_itself(folder: Path, lead: float) -> bool:
    """Start so many seconds before 06:00 in New York; False when that was too late."""
    desk = Simulation(folder, [dataset("d")], BACK)
    due = BACK + timedelta(hours=22)
    shift = datetime.now(UTC) - due + timedelta(seconds=lead)
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()

    def now() -> datetime:
        return datetime.now(UTC) - shift

    scheduler = Scheduler(
        desk.queue, desk.datasets, lambda: desk.states, now,
        on_publish=lambda: loop.call_soon_threadsafe(woken.set),
    )  # fmt: skip
    try:
        async with Runner([scheduler]):
            async with asyncio.timeout(PATIENCE):
                await woken.wait()
            woken.clear()
            first = desk.queue.find()
            if now() >= due:
                return False
            async with asyncio.timeout(PATIENCE):
                await woken.wait()
            assert [len(first), len(desk.queue.find())] == [1, 2]
            return True
    finally:
        desk.queue.close()


async def _started_before(folder: Path, lead: float) -> tuple[int, int]:
    """Jobs after the start some seconds before 06:00 in New York, and after the next look."""
    desk = Simulation(folder, [dataset("d")], BACK)
    woken, loop = asyncio.Event(), asyncio.get_running_loop()
    shift = datetime.now(UTC) - (BACK + timedelta(hours=22, seconds=-lead))
    scheduler = Scheduler(
        desk.queue, desk.datasets, lambda: desk.states, lambda: datetime.now(UTC) - shift,
        on_publish=lambda: loop.call_soon_threadsafe(woken.set),
    )  # fmt: skip
    async with Runner([scheduler]):
        async with asyncio.timeout(PATIENCE):
            await woken.wait()
        caught_up = len(desk.queue.find())
        woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * lead + 1):
                await woken.wait()
        then = len(desk.queue.find())
    desk.queue.close()
    return caught_up, then


async def test_failing_look_is_tried_again(
    desk: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot be read does not stop the clock."""

    def broken() -> dict[str, PullState]:
        raise StoreError("no")

    scheduler = Scheduler(desk.queue, desk.datasets, broken, desk.clock)
    async with Runner([scheduler]):
        assert scheduler._timer is not None
        assert scheduler._timer.get_job("look") is not None


async def test_a_job_for_each_dataset_and_event(desk: Simulation) -> None:
    """Each with its own schedule and grace, beside the look at all of them."""
    desk.clock.instant += timedelta(hours=1)
    scans = [Timed("scan", at_session_times(["08:45", "09:45"]))]
    scheduler = Scheduler(desk.queue, desk.datasets, dict, desk.clock, timed=scans)
    async with Runner([scheduler]):
        assert scheduler._timer is not None
        jobs = {job.id: job for job in scheduler._timer.get_jobs()}
        assert set(jobs) == {"look", "event scan", *(d.name for d in desk.datasets)}
        for name in ("every", "event scan"):
            ahead = desk.clock() - datetime.now(UTC)
            shown = jobs[name].next_run_time + ahead
            schedule = jobs[name].trigger.schedule
            assert abs(shown - schedule.get_next_refresh(desk.clock())) < timedelta(seconds=30)
        assert jobs["look"].misfire_grace_time is None
        assert jobs["event scan"].misfire_grace_time == 30 * 60


async def test_a_clock_that_jumps_sets_the_jobs_anew(desk: Simulation) -> None:
    """The next look finds that the desk's clock has gone ahead, publishes and moves the jobs."""
    desk.clock.instant += timedelta(hours=1)
    scheduler = desk.scheduler()
    async with Runner([scheduler]):
        assert scheduler._timer is not None
        before = scheduler._timer.get_job("every").next_run_time
        desk.clock.instant += timedelta(days=1, hours=7)
        await asyncio.to_thread(scheduler._look)
        moved = scheduler._timer.get_job("every").next_run_time - before
        assert abs(moved + timedelta(hours=7)) < timedelta(seconds=30)
    assert {job.lane for job in desk.queue.find()} == {d.name for d in desk.datasets} - {"nothing"}


async def test_a_job_of_the_clock_that_fails_is_told_once_and_when_it_is_over(
    desk: Simulation,
) -> None:
    """The store cannot be read, at start and at two looks: one notice, one more at its end."""
    full = True
    looks = 0

    def states() -> dict[str, PullState]:
        nonlocal looks
        looks += 1
        if full:
            raise StoreError("no space")
        return desk.states

    told = Recorded()
    scheduler = Scheduler(desk.queue, desk.datasets, states, desk.clock, recorder=told)
    async with Runner([scheduler]):
        for _ in range(2):
            before = looks
            await look_until(scheduler, lambda before=before: looks > before)
        assert await told.until(1) == [
            ("timetable.stopped", "The timetable stands still: no space.")
        ]
        full = False
        await look_until(scheduler, lambda: len(told.events) > 1)
        assert [kind for kind, _ in await told.until(2)] == [
            "timetable.stopped",
            "timetable.running",
        ]


async def look_until(scheduler: Scheduler, done: Callable[[], bool]) -> None:
    """Have the clock fire its look (one that still runs is not fired again) until that is so."""
    assert scheduler._timer is not None
    async with asyncio.timeout(PATIENCE):
        while not done():
            scheduler._timer.modify_job("look", next_run_time=datetime.now(UTC))
            await asyncio.sleep(0.05)


async def test_a_job_slept_through_makes_it_look_at_once(desk: Simulation) -> None:
    """A machine that slept past a dataset's grace: all are looked at, none waits for the minute."""
    desk.clock.instant += timedelta(hours=1)  # no job of its own is under way when it wakes
    scheduler = desk.scheduler()
    async with Runner([scheduler]):
        desk.clock.instant += timedelta(days=2, hours=2)
        late = datetime.now(UTC) - timedelta(hours=20)
        assert scheduler._timer is not None
        scheduler._timer.modify_job("newest", next_run_time=late)
        async with asyncio.timeout(PATIENCE):
            while len(desk.queue.find()) < 4:
                await asyncio.sleep(0.01)


async def test_nothing_is_published_after_the_end(desk: Simulation) -> None:
    """A job of the clock that was under way waits for nobody and finds the clock stopped."""
    scheduler = desk.scheduler()
    async with Runner([scheduler]):
        planned = scheduler._plans
    desk.clock.instant = BACK
    scheduler._due(planned, [])
    scheduler._look()
    assert desk.queue.find() == []


async def test_the_end_waits_for_what_is_being_published(desk: Simulation) -> None:
    """Whoever closes it can close the queue right after: nobody is writing to it any more."""
    scheduler = desk.scheduler()
    async with Runner([scheduler]):
        scheduler._publishing.acquire()
        closing = asyncio.create_task(scheduler.close())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not closing.done()
        scheduler._publishing.release()
        async with asyncio.timeout(PATIENCE):
            await closing
    assert not scheduler._publishing.locked()
