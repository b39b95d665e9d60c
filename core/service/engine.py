"""The engine of a desk: worker, scheduler and overdue detector in a thread of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.domain.timetable.schedule import Schedule, at_session_times
from core.jobs.event_writer import EventWriter
from core.jobs.looker import Looker
from core.jobs.overdue import Overdue, OverdueDetector
from core.jobs.queue.listener import QueueListener
from core.jobs.runner import Engine, Resource
from core.jobs.scheduler import Scheduler, Timed
from core.jobs.upstream_watch import Owing, UpstreamWatch
from core.jobs.worker import Handler, Worker, WorkerLimits
from core.observe.loop_watch import LoopWatch
from core.service.kernel import handlers, looks
from core.service.kernel.asking import ACT
from core.service.kernel.port import DeskPort
from core.service.sources import host_of, sign_of_life
from core.settings import Settings
from core.sources.upstreams import Upstream
from core.store.pull_state import PullState, pull_states

BACKUP_ZONE = "America/New_York"
DRILL_AFTER = timedelta(hours=1)
LATE_BACKUP = timedelta(hours=2)
LATE_BRIEF = timedelta(hours=1)
ASKS = 8  # of desks, answered at a time


def _care_of(time: str) -> list[Timed]:
    """The backup of the day, and an hour later on Saturdays the drill; none without a time.

    A desk that was off then makes up for it when it is started within LATE_BACKUP.
    """
    if not time:
        return []
    daily = {"cycle": "daily", "time": f"{time}:00", "zone": BACKUP_ZONE}
    weekly = {"cycle": "weekly", "day": "saturday", "time": f"{time}:00", "zone": BACKUP_ZONE}
    drill = Schedule([weekly], DRILL_AFTER)
    return [
        Timed("backup", Schedule([daily], timedelta(0)), grace=LATE_BACKUP),
        Timed("drill", drill, grace=LATE_BACKUP),
    ]


def _upkeep_at(time: str) -> list[Timed]:
    """The upkeep of a lake each day; a lake that was missed once waits until the next day."""
    if not time:
        return []
    daily = {"cycle": "daily", "time": f"{time}:00", "zone": BACKUP_ZONE}
    return [Timed("lake_upkeep", Schedule([daily], timedelta(0)), grace=LATE_BACKUP)]


def _brief_at(time: str) -> list[Timed]:
    """The brief on trading days; later than the open it is of no use."""
    return [Timed("brief", at_session_times((time,)), grace=LATE_BRIEF)] if time else []


def timed(settings: Settings) -> list[Timed]:
    """What a desk does at its own times, beside the pulls."""
    return [
        Timed("scan", at_session_times(settings.scan_times)),
        *_care_of(settings.backup_time),
        *(_upkeep_at(settings.lake_upkeep_time) if settings.lake else []),
        *_brief_at(settings.brief_time),
    ]


class DeskEngine:
    """Runs the jobs of one desk; `scheduler=False` runs only what is asked for."""

    def __init__(self, desk: DeskPort, *, scheduler: bool = True) -> None:
        settings = desk.settings
        self._writer = EventWriter(
            desk.warehouse, desk.now, keep=timedelta(days=settings.events_keep_days)
        )
        bound = handlers.bound(desk)
        asked = {ACT: bound.pop(ACT)}
        self._worker = self._working(desk, bound, settings.workers)
        self._asks: Worker | None = None
        self._scheduler: Scheduler | None = None
        self._detector: OverdueDetector | None = None
        looker = Looker(looks.bound(desk))
        upstreams = self._watch(desk)
        listener = QueueListener(desk.queue, self.wake)
        resources: list[Resource] = [LoopWatch("engine"), self._writer, self._worker]
        resources += [listener, upstreams, looker]
        if desk.answers:
            resources.append(self._answering(desk, asked))
        if scheduler:
            resources += self._scheduled(desk)
        self._engine = Engine(resources)

    def _answering(self, desk: DeskPort, asked: Mapping[str, Handler]) -> Worker:
        """What desks ask for has a worker of its own: readers wait for it, and not for pulls."""
        self._asks = self._working(desk, asked, ASKS, name="asks", exclusive=False)
        return self._asks

    def _working(
        self,
        desk: DeskPort,
        does: Mapping[str, Handler],
        jobs: int,
        name: str = "worker",
        exclusive: bool = True,
    ) -> Worker:
        """A worker for `jobs` at a time; if not exclusive, it takes back no jobs of another."""
        return Worker(
            desk.queue,
            does,
            desk.board,
            desk.now,
            limits=WorkerLimits(jobs=jobs, grace_seconds=desk.settings.grace_seconds),
            name=name,
            exclusive=exclusive,
            recorder=self._writer,
        )

    def _watch(self, desk: DeskPort) -> UpstreamWatch:
        def host(name: str) -> Upstream | None:
            dataset = desk.catalogue.datasets.get(name)
            return host_of(desk.settings, dataset) if dataset else None

        owing = Owing(desk.queue, host, self._worker.wake)
        return UpstreamWatch(
            desk.upstreams,
            lambda host: sign_of_life(desk, host),
            owing,
            self._writer,
            desk.now,
        )

    def _scheduled(self, desk: DeskPort) -> list[Resource]:
        datasets = [d for d in desk.catalogue.enabled if d.source != "file"]

        def states() -> dict[str, PullState]:
            return pull_states(desk.warehouse)

        self._detector = OverdueDetector(datasets, states, desk.now, recorder=self._writer)
        self._scheduler = Scheduler(
            desk.queue,
            datasets,
            states,
            desk.now,
            timed=timed(desk.settings),
            on_publish=self._worker.wake,
            recorder=self._writer,
        )
        return [self._scheduler, self._detector]

    def start(self) -> None:
        """Open everything; returns when jobs are being run."""
        self._engine.start()

    def close(self) -> None:
        """Finish or hand back what runs, then stop."""
        self._engine.close()

    def wake(self) -> None:
        """There is something to do."""
        self._worker.wake()
        if self._asks:
            self._asks.wake()

    @property
    def alive(self) -> bool:
        """Whether jobs are being run."""
        return self._engine.alive and self._worker.alive

    @property
    def overdue(self) -> tuple[Overdue, ...]:
        """Datasets that are behind, as the detector saw it last."""
        return self._detector.overdue if self._detector else ()

    @property
    def scheduler_ticked(self) -> datetime | None:
        """When the scheduler has looked for due windows last, without an error."""
        return self._scheduler.last_tick if self._scheduler else None

    @property
    def detector_ticked(self) -> datetime | None:
        """When the detector has looked for overdue datasets last, without an error."""
        return self._detector.last_look if self._detector else None
