"""The scheduler: a clock that asks which windows are due and publishes a job for each.

APScheduler only fires the clock. The windows are computed from what was pulled, and a window's id
is the dedupe key of its job: however many clocks fire, however often, one pull per window.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from core.domain.tables.datasets import Dataset, Window
from core.domain.timetable.schedule import Schedule
from core.domain.timetable.windows import Policy, due_windows, policy_of, schedule_of, start_at
from core.errors import OpenbellError
from core.jobs.outcome import is_window
from core.jobs.queue.port import STOPPED, JobQueue, Message, Status
from core.observe import logs
from core.store.pull_state import PullState

log = logs.get("scheduler")
PULL = "pull"
LONGEST_NAP = timedelta(seconds=60)
States = Callable[[], Mapping[str, PullState]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A dataset with its rules and policy."""

    dataset: Dataset
    schedule: Schedule
    policy: Policy


@dataclass(frozen=True, slots=True)
class Timed:
    """An event of its own times, beside the pulls. One that is missed by more than `grace` is let
    go: what it would have done then is of no use now.
    """

    event_name: str
    schedule: Schedule
    grace: timedelta = timedelta(minutes=30)


def timed_messages(timed: Sequence[Timed], now: datetime) -> list[Message]:
    """A message for each event whose latest instant is due, with a key that stands for it."""
    due = [(item, item.schedule.get_latest_refresh(now)) for item in timed if item.schedule]
    return [
        Message(
            item.event_name,
            {"trigger": "schedule", "due_at": at.isoformat(), "lane": item.event_name},
            dedupe_key=f"{item.event_name}:{at.isoformat()}",
            once=True,
        )
        for item, at in due
        if now - at <= item.grace
    ]


def plan(datasets: Sequence[Dataset]) -> list[Planned]:
    """The enabled datasets that have a schedule; ScheduleError for a malformed rule."""
    planned = [Planned(d, schedule_of(d), policy_of(d)) for d in datasets if d.enabled]
    return [item for item in planned if item.schedule]


def since(state: PullState, policy: Policy) -> datetime | None:
    """From when windows are still open. Under `all` a pull by hand does not close a window."""
    if policy.catch_up == "all" and state.last_due is not None:
        return state.last_due
    return state.good_until


def messages(
    plans: Sequence[Planned],
    states: Mapping[str, PullState],
    now: datetime,
    chance: Callable[[], float],
    *,
    again: bool = False,
) -> list[Message]:
    """A message for every window that is due at `now`; the same windows give the same keys.

    `again` queues the window anew whose job has ended without a good pull.
    """
    return [
        _message(window, item.policy, now, chance, again)
        for item in plans
        for window in due_windows(
            item.dataset.name,
            item.schedule,
            since(states.get(item.dataset.name, PullState()), item.policy),
            now,
            item.policy,
        )
    ]


def _message(
    window: Window, policy: Policy, now: datetime, chance: Callable[[], float], again: bool
) -> Message:
    late = window.due_at is not None and now - window.due_at > policy.misfire_grace
    payload = {
        "dataset": window.dataset,
        "trigger": "catch-up" if late else "schedule",
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "due_at": window.due_at.isoformat() if window.due_at else None,
        "closes_at": window.closes_at.isoformat() if window.closes_at else None,
        "zone": window.zone,
        "correlation_id": logs.new_correlation_id(),
    }
    run_at = start_at(window, now, policy, chance())
    return Message(PULL, payload, dedupe_key=window.id, run_at=run_at, once=True, again=again)


def _tell_due(message: Message, job_id: str) -> None:
    """One line a job, with the correlation id that all lines about it carry."""
    known = message.payload
    with logs.correlated(str(known.get("correlation_id") or job_id), job=job_id):
        log.info("due", event_name=message.event_name, lane=message.lane,
                 due_at=known.get("due_at"), trigger=known.get("trigger"))  # fmt: skip


def window_of(payload: Mapping[str, object]) -> Window:
    """The window that a message of the scheduler speaks of."""

    def instant(key: str) -> datetime | None:
        value = payload.get(key)
        return datetime.fromisoformat(value) if isinstance(value, str) else None

    start, end = instant("from"), instant("to")
    if start is None or end is None:
        raise ValueError("the payload has no window")
    name, zone = str(payload["dataset"]), str(payload.get("zone") or "UTC")
    return Window(name, start, end, instant("due_at"), instant("closes_at"), zone)


class Scheduler:
    """Publishes due windows; a `Resource` of the runner. `on_publish` wakes the worker.

    It looks on start (catch-up), at every due instant, and at least once a minute, so that a
    clock that jumps or a machine that slept is noticed.
    """

    def __init__(
        self,
        queue: JobQueue,
        datasets: Sequence[Dataset],
        states: States,
        now: Callable[[], datetime],
        *,
        timed: Sequence[Timed] = (),
        on_publish: Callable[[], None] = lambda: None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._plans = plan(datasets)
        self._timed = tuple(item for item in timed if item.schedule)
        self._states = states
        self._now = now
        self._on_publish = on_publish
        self._chance = chance
        self._timer: AsyncIOScheduler | None = None
        self.last_tick: datetime | None = None

    def tick(self, *, starting: bool = False) -> int:
        """Publish what is due now; how many jobs are new. Safe to call at any time, again.

        On start every window without a good pull since its due time is due, whatever became of
        the job that stood for it.
        """
        now = self._now()
        due = messages(self._plans, self._states(), now, self._chance, again=starting)
        due += timed_messages(self._timed, now)
        published = self._queue.publish_many(due)
        self.last_tick = now
        fresh = [(m, p) for m, p in zip(due, published, strict=True) if not p.joined]
        fresh_jobs = len(fresh) + (self._revive_owed() if starting else 0)
        for message, job in fresh:
            _tell_due(message, job.job_id)
        if fresh_jobs:
            self._on_publish()
        return fresh_jobs

    def _revive_owed(self) -> int:
        """Queue dead windows again that lie behind a later good pull, where all are wanted."""
        wanted = {item.dataset.name for item in self._plans if item.policy.catch_up == "all"}
        dead = self._queue.find([Status.DEAD], event_name=PULL, limit=10_000)
        owed = [
            job
            for job in dead
            if is_window(job)
            and job.payload.get("dataset") in wanted
            and not (job.last_error or "").startswith(STOPPED)
        ]
        for job in owed:
            self._queue.revive(job.id)
        return len(owed)

    def next_due(self) -> datetime | None:
        """The next instant at which any dataset, or an event of its own times, is due."""
        now = self._now()
        schedules = [item.schedule for item in self._plans]
        schedules += [item.schedule for item in self._timed]
        return min((schedule.get_next_refresh(now) for schedule in schedules), default=None)

    async def initialize(self) -> None:
        """Catch up, then start the clock."""
        self._timer = AsyncIOScheduler(timezone="UTC", event_loop=asyncio.get_running_loop())
        self._timer.start()
        await self._fire(starting=True)

    async def close(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.shutdown(wait=False)
            self._timer = None

    async def _fire(self, *, starting: bool = False) -> None:
        try:
            await asyncio.to_thread(self.tick, starting=starting)
        except OpenbellError as error:  # tried again at the next look
            log.error("windows not published", error=str(error))
        except Exception:
            log.exception("scheduler failed")
        finally:
            self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            return
        now, due = self._now(), self.next_due()
        nap = min(max(due - now, timedelta(0)), LONGEST_NAP) if due else LONGEST_NAP
        self._timer.add_job(
            self._fire,
            DateTrigger(datetime.now(tz=self._timer.timezone) + nap),
            id="look",
            replace_existing=True,
            misfire_grace_time=None,
        )
