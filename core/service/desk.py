"""The desk: everything opened once per process, and the one that pages and the API use."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core import clock
from core.catalogue import Catalogue
from core.domain.tables.datasets import Dataset
from core.domain.timetable.freshness import Freshness
from core.jobs.overdue import KeptTurns
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.pulling.puller import Puller
from core.jobs.queue.port import JobQueue
from core.jobs.queue.sqlite import SqliteQueue
from core.observe import logs
from core.service import data_folder, opening, plugged
from core.service.engine import DeskEngine
from core.service.kernel.asking import Seal
from core.service.kernel.kept_asks import keep_asks
from core.service.kernel.relay import Relay
from core.service.kernel.relayed_roster import RelayedRoster
from core.service.kernel.roster import Roster
from core.service.shared_limits import build_limits
from core.service.sources import build_sources, build_upstreams
from core.settings import Settings
from core.store.probe import Probe
from core.store.pull_state import PullState, pull_states
from core.store.queries import Queries, QueryLimits
from core.store.warehouse import Warehouse

if TYPE_CHECKING:
    from core.jobs.queue.letters import Letters
    from core.store.lease import Lease

log = logs.get("desk")


class Desk:
    """The open desk. `Desk.open(settings)` takes the data folder; `start` runs the engine."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        warehouse: Warehouse,
        queue: JobQueue,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        now = now or clock.running(settings.clock_offset_seconds)
        self.identity = uuid.uuid4().hex  # of no desk before or after it, as an `id()` may be
        self.store_identity = self.identity  # the same for the desk as of any instant
        self.settings = settings
        self.catalogue = catalogue
        self.warehouse = warehouse
        self.queue = queue
        self.now = now
        self.opened_at = now()
        self.stands_at: datetime | None = None  # the instant of one by `as_of`
        self.roster: Roster = Roster(warehouse, settings, now)
        self.queries = Queries(
            warehouse,
            settings.data_dir / "queries",
            QueryLimits(settings.sql_seconds, settings.sql_memory, settings.sql_max_rows),
            personal=settings.access == "open",
        )
        self.board = ProgressBoard(now)
        self.limits = build_limits(settings)
        self.upstreams = build_upstreams(settings, now, self.limits.breakers)
        self.probe = Probe(warehouse, now)
        self.puller = Puller(
            warehouse, build_sources(self), self.board, now, simulated=settings.simulated
        )
        self.post: tuple[Letters, Seal] | None = None  # between engines and desks, where they share
        self.relay: Relay | None = None
        self.engine: DeskEngine | None = None
        self.closing = threading.Event()
        self._opened = ExitStack()
        self._turns = KeptTurns()

    @classmethod
    def open(
        cls,
        settings: Settings,
        now: Callable[[], datetime] | None = None,
        *,
        accept_loss: bool = False,
        lease: Lease | None = None,
    ) -> Desk:
        """Open catalogue, queue and store; OwnershipError when another desk has them.

        Without `now` the clock is the settings' (`clock_offset_seconds`).

        StoreError when one is damaged, gone, or behind what the other knows of it; `accept_loss`
        goes on with a store or a queue that lacks something. `lease`: of an engine that leads.
        """
        now = now or clock.running(settings.clock_offset_seconds)
        if settings.plugins:
            plugged.install()
        catalogue = Catalogue.load(settings.catalogue, plugged.sources(settings))
        with data_folder.ways_back(settings), ExitStack() as stack:
            stack.enter_context(data_folder.own(settings))
            data_folder.settle(settings)
            advise = partial(data_folder.hint_here, settings)
            file = SqliteQueue(
                settings.queue_path,
                now,
                on_corrupt=opening.tell_corrupt,
                accept_loss=accept_loss,
                advise=advise,
            )
            stack.callback(file.close)
            warehouse = opening.store(settings, file, now(), advise, accept_loss, lease)
            stack.callback(warehouse.close)
            queue = opening.queue(settings, file, now)
            stack.callback(queue.close)
            desk = cls(settings, catalogue, warehouse, queue, now)
            desk._connect()
            desk._opened.enter_context(stack.pop_all())
            return desk

    def _connect(self) -> None:
        """Know the way to the engine, or be the one that answers, where several share the queue."""
        self.post = opening.post(self.settings, self.queue)
        if self.post and self.settings.role == "desk":
            self.relay = opening.relay(self.settings, self.queue, self.post, self.warehouse)
            roster = RelayedRoster(self.warehouse, self.settings, self.now, self.relay)
            opening.follow(self.warehouse, roster.look)
            self.roster = roster
            self.board = self._followed()
        elif self.post:
            keep_asks(self)

    def _followed(self) -> ProgressBoard:
        from core.service.kernel.live import FollowedBoard

        board = FollowedBoard(self.now, opening.live(self.settings))
        self._opened.callback(board.close)
        return board

    def start(self, *, scheduler: bool = True) -> None:
        """Run worker (and scheduler) in a thread of their own; a desk that only reads has none."""
        if self.relay:
            return
        if self.post:
            from core.service.kernel.live import Teller

            self._opened.callback(Teller(self.board, opening.live(self.settings)).close)
        self.engine = DeskEngine(self, scheduler=scheduler)
        self.engine.start()

    def as_of(self, instant: datetime) -> Desk:
        """The same desk as it reads at an instant (UTC): its clock stands still there, and so do
        its book and its plans.
        """
        then = copy.copy(self)
        then.now = lambda: instant
        then.stands_at = instant
        then.identity = f"{self.identity} at {instant.isoformat()}"
        return then

    def held(self) -> Desk:
        """The same desk with its clock held at this instant, for what is made of one: its answers
        are those of whoever asks in this minute.
        """
        now, then = self.now(), copy.copy(self)
        then.now = lambda: now
        return then

    def call_off(self) -> None:
        """End what users wait for, queries and pulls; the jobs themselves go on."""
        self.closing.set()
        self.queries.close()

    def close(self) -> None:
        """Finish or hand back running jobs, then let go of store, queue and data folder."""
        self.call_off()
        if self.engine:
            self.engine.close()
            self.engine = None
        self.roster.flush()
        self._opened.close()
        self.limits.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def answers(self) -> bool:
        """Whether desks that only read may hand something to this one."""
        return self.post is not None and self.relay is None

    @property
    def read_only_seconds(self) -> float | None:
        """For how long nothing could be changed, because no engine leads; None while one does."""
        return self.relay.away() if self.relay else None

    @property
    def state(self) -> tuple[str, int]:
        """Stands in the keys of caches for all that the store holds: another after each commit."""
        return (self.identity, self.warehouse.commits)

    @property
    def store_state(self) -> tuple[str, int]:
        """As `state`, for what knows no clock: the same for the desk as of any instant."""
        return (self.store_identity, self.warehouse.commits)

    @property
    def downloads(self) -> Path:
        """Where bodies are kept while they are checked; made when missing."""
        folder = self.settings.data_dir / "downloads"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def wake(self) -> None:
        """Tell the worker that there is something to do."""
        if self.engine:
            self.engine.wake()

    def freshness(self, dataset: Dataset) -> Freshness:
        """Freshness of a dataset from its due instants and its pulls."""
        return self.freshness_of_all()[dataset.name]

    def freshness_of_all(self) -> dict[str, Freshness]:
        """Freshness of every dataset of the catalogue, from one query."""
        states, now = pull_states(self.warehouse), self.now()
        return {
            name: self._turns.freshness_of(dataset, states.get(name, PullState()), now)
            for name, dataset in self.catalogue.datasets.items()
        }
