"""The scheduler: a clock that asks which windows are due and publishes a job for each.

APScheduler fires the clock, with a job for each dataset at the instants of its schedule. The
windows are computed from what was pulled, and a window's id is the dedupe key of its job: however
many clocks fire, however often, one pull per window.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from core.domain.tables.datasets import Dataset, Window
from core.domain.timetable.schedule import Schedule
from core.domain.timetable.windows import Policy, due_windows, policy_of, schedule_of, start_at
from core.errors import OpenbellError
from core.jobs.outcome import is_window
from core.jobs.queue.port import STOPPED, JobQueue, JobStatus, Message
from core.jobs.triggers import ScheduleTrigger
from core.observe import logs
from core.observe.events import DESK, Event, Recorder, Unrecorded
from core.store.pull_state import PullState

log = logs.get("scheduler")
PULL = "pull"
LOOK = "look"  # the job that looks at all datasets, whatever their own jobs have done
LOOK_SECONDS = 60
A_SECOND = timedelta(seconds=1)
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
        _message(window, item, now, chance, again)
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
    window: Window, item: Planned, now: datetime, chance: Callable[[], float], again: bool
) -> Message:
    policy = item.policy
    late = window.due_at is not None and now - window.due_at > policy.misfire_grace
    payload: dict[str, str | bool | None] = {
        "dataset": window.dataset,
        "trigger": "catch-up" if late else "schedule",
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "due_at": window.due_at.isoformat() if window.due_at else None,
        "closes_at": window.closes_at.isoformat() if window.closes_at else None,
        "zone": window.zone,
        "correlation_id": logs.new_correlation_id(),
    }
    if window.due_at is not None and item.schedule.rhythm(window.due_at) is not None:
        payload["repeats"] = True  # nobody is told of each
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

    A job for each dataset fires at its due instants. Beside them it looks at all on start
    (catch-up), when a job was missed, and once a minute, so that a clock that jumps or a machine
    that slept is noticed. `recorder` hears when the timetable stands still and when it runs again.
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
        recorder: Recorder | None = None,
    ) -> None:
        self._queue = queue
        self._plans = plan(datasets)
        self._timed = tuple(item for item in timed if item.schedule)
        self._states = states
        self._now = now
        self._on_publish = on_publish
        self._chance = chance
        self._events = recorder or Unrecorded()
        self._timer: AsyncIOScheduler | None = None
        self._ahead = timedelta(0)  # of the desk's clock, before the machine's
        self._publishing = threading.Lock()
        self._failing = False
        self.last_tick: datetime | None = None

    def tick(self, *, starting: bool = False) -> int:
        """Publish what is due now; how many jobs are new. Safe to call at any time, again.

        On start every window without a good pull since its due time is due, whatever became of
        the job that stood for it.
        """
        with self._publishing:
            fresh = self._publish(self._plans, self._timed, starting=starting)
            fresh += self._revive_owed() if starting else 0
            self.last_tick = self._now()
        if fresh:
            self._on_publish()
        return fresh

    def _publish(
        self, plans: Sequence[Planned], timed: Sequence[Timed], *, starting: bool = False
    ) -> int:
        now = self._now()
        due = messages(plans, self._states(), now, self._chance, again=starting) if plans else []
        due += timed_messages(timed, now)
        published = self._queue.publish_many(due)
        fresh = [(m, p) for m, p in zip(due, published, strict=True) if not p.joined]
        for message, job in fresh:
            _tell_due(message, job.job_id)
        return len(fresh)

    def _revive_owed(self) -> int:
        """Queue dead windows again that lie behind a later good pull, where all are wanted."""
        wanted = {item.dataset.name for item in self._plans if item.policy.catch_up == "all"}
        dead = self._queue.find([JobStatus.DEAD], event_name=PULL, limit=10_000)
        owed = [
            job
            for job in dead
            if is_window(job)
            and job.payload.get("dataset") in wanted
            and not (job.last_error or "").startswith(STOPPED)
        ]
        for job in owed:
            self._queue.revive(job.id)
            self._tell("job.revived", f"{job.event_name} {job.lane} is tried again", job.id)
        return len(owed)

    def next_due(self) -> datetime | None:
        """The next instant at which any dataset, or an event of its own times, is due."""
        now = self._now()
        schedules = [item.schedule for item in self._plans]
        schedules += [item.schedule for item in self._timed]
        return min((schedule.get_next_refresh(now) for schedule in schedules), default=None)

    async def initialize(self) -> None:
        """Start the clock, then catch up: what falls due meanwhile has its job already."""
        self._start_clock()
        try:
            await asyncio.to_thread(self.tick, starting=True)
        except OpenbellError as error:  # tried again at the next look
            self._failed(LOOK, error)
        except Exception as error:
            log.exception("first look failed")
            self._failed(LOOK, error)

    def _start_clock(self) -> None:
        self._timer = timer = AsyncIOScheduler(
            timezone="UTC", event_loop=asyncio.get_running_loop()
        )
        timer.add_listener(self._heard, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED | EVENT_JOB_MISSED)
        self._ahead = self._now() - datetime.now(UTC)
        every_minute = IntervalTrigger(seconds=LOOK_SECONDS, timezone=UTC)
        timer.add_job(self._look, every_minute, id=LOOK, coalesce=True, misfire_grace_time=None)
        for planned in self._plans:
            grace = planned.policy.misfire_grace
            self._add(planned.dataset.name, planned.schedule, grace, ([planned], []))
        for item in self._timed:
            self._add(f"event {item.event_name}", item.schedule, item.grace, ([], [item]))
        timer.start()

    def _add(
        self,
        name: str,
        schedule: Schedule,
        grace: timedelta,
        due: tuple[Sequence[Planned], Sequence[Timed]],
    ) -> None:
        assert self._timer is not None
        seconds = max(1, int(grace.total_seconds()))
        self._timer.add_job(
            self._due,
            ScheduleTrigger(schedule, self._now),
            due,
            id=name,
            coalesce=True,
            misfire_grace_time=seconds,
        )

    async def close(self) -> None:
        """Stop the clock, and let what is being published come to its end."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.shutdown(wait=False)
            await asyncio.to_thread(self._publishing.acquire)
            self._publishing.release()

    def _due(self, plans: Sequence[Planned], timed: Sequence[Timed]) -> None:
        """A dataset, or an event, is due."""
        with self._publishing:
            fresh = self._publish(plans, timed) if self._timer is not None else 0
        if fresh:
            self._on_publish()

    def _look(self) -> None:
        """All datasets; and the jobs set anew where the desk's clock has jumped."""
        timer = self._timer
        if timer is None:
            return
        ahead = self._now() - datetime.now(UTC)
        if abs(ahead - self._ahead) > A_SECOND:
            self._ahead = ahead
            for job in timer.get_jobs():
                if job.id != LOOK:
                    job.reschedule(job.trigger)
        self.tick()

    def _heard(self, event: JobExecutionEvent) -> None:
        """What became of a job of the clock; called on the loop."""
        if event.code == EVENT_JOB_MISSED:
            log.warning("slept through", job=event.job_id, due_at=event.scheduled_run_time)
            timer = self._timer
            if timer is not None:
                timer.modify_job(LOOK, next_run_time=datetime.now(UTC))
        elif event.code == EVENT_JOB_ERROR:
            self._failed(event.job_id, event.exception)
        elif self._failing and event.job_id == LOOK:
            self._failing = False
            log.warning("timetable runs again")
            self._tell("timetable.running", "The timetable runs again")

    def _failed(self, job: str, error: BaseException) -> None:
        """Windows could not be published; they are at the next look."""
        if isinstance(error, OpenbellError):
            log.error("windows not published", job=job, error=str(error))
        else:
            log.error("scheduler failed", job=job, exc_info=error)
        if not self._failing:
            self._tell("timetable.stopped", f"The timetable stands still: {error}")
        self._failing = True

    def _tell(self, kind: str, sentence: str, subject: str = "timetable") -> None:
        self._events.record(Event.of(kind, subject, sentence, who=DESK))
