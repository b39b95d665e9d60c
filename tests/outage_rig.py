"""A desk on stand-in upstreams whose clock is set by hand: hours of outage in seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core import settings
from core.jobs.event_writer import EventWriter
from core.jobs.queue.port import JobStatus
from core.jobs.runner import Runner
from core.jobs.scheduler import Scheduler
from core.jobs.upstream_watch import Owing, UpstreamWatch
from core.jobs.worker import Worker, WorkerLimits
from core.sandbox.sec.server import Fault
from core.service.activity import feed
from core.service.desk import Desk
from core.service.filings import companies
from core.service.kernel import handlers
from core.service.sources import host_of, sign_of_life
from core.store.pull_state import pull_states
from tests.upstreams import CIK, Running

BEGIN = datetime(2025, 7, 1, 10, 20, tzinfo=UTC)
DUE = datetime(2025, 7, 1, 10, 30, tzinfo=UTC)  # 6:30 in New York
SCHEDULE = '[ { cycle = "daily", time = "06:30:00", zone = "America/New_York" } ]'
SEC_PATHS = ("/files", "/submissions", "/api")
FOUNDRY = ("one", "two", "three")
PATIENCE_SECONDS = 120.0  # until something hangs; a busy machine is only slow
LIMITS = WorkerLimits(jobs=4, poll_seconds=0.02, grace_seconds=0.2, abandon_seconds=0.2)


def catalogue(catch_up: str) -> str:
    """Three datasets of the container and three of the SEC, all due at the same instant."""
    foundry = [
        f'[datasets."{name}"]\nsource = "foundry"\nname = "{name}"\ntable = "t_{name}"\n'
        'key = ["n"]\nschema = { n = "int", value = "float" }\n'
        for name in FOUNDRY
    ]
    sec = [
        f'[datasets."sec.{name}"]\nsource = "sec"\nname = "{upstream}"\ntable = "{table}"\n'
        for name, upstream, table in (
            ("facts", "companyfacts", "facts"),
            ("filings", "submissions", "filings"),
            ("map", "company_tickers_exchange.json", "companies"),
        )
    ]
    when = f'schedule = {SCHEDULE}\nbuffer_minutes = 0\ncatch_up = "{catch_up}"\n'
    return "\n".join(part + when for part in foundry + sec)


class Rig:
    """The parts of a desk, run by steps of its clock.

    `connects` grows with every connection that is tried, also with those that are refused.
    """

    def __init__(
        self,
        folder: Path,
        upstreams: Running,
        *,
        catch_up: str = "latest",
        connects: Sized = (),
        **chosen: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "catalogue.toml"
        path.write_text(catalogue(catch_up))
        self.now = BEGIN
        self.upstreams = upstreams
        self.minutes: Counter[str] = Counter()
        self._connects = connects
        values = {"retries": 5, "retry_base_seconds": 0.0, "data_dir": folder, "catalogue": path}
        self._settings = settings.load(**(values | upstreams.settings() | chosen))

    def clock(self) -> datetime:
        """The clock of the desk."""
        return self.now

    async def __aenter__(self) -> Rig:
        await self.open()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def open(self) -> None:
        """Start the desk (again)."""
        self.desk = Desk.open(self._settings, self.clock)
        if not companies.watched(self.desk):
            with self.desk.warehouse.transaction() as tx:
                tx.execute("INSERT INTO watchlist VALUES (?, 'MADE', ?)", [CIK, self.now])
        desk = self.desk
        self.writer = EventWriter(desk.warehouse, self.clock)
        self.worker = Worker(
            desk.queue,
            handlers.bound(desk),
            desk.board,
            self.clock,
            limits=LIMITS,
            recorder=self.writer,
        )
        self.watch = UpstreamWatch(
            desk.upstreams,
            lambda host: sign_of_life(desk, host),
            Owing(
                desk.queue,
                lambda name: host_of(desk.settings, desk.catalogue.datasets[name]),
                self.worker.wake,
            ),
            self.writer,
            self.clock,
            every_seconds=3600,
        )
        self.scheduler = Scheduler(
            desk.queue,
            desk.catalogue.enabled,
            lambda: pull_states(desk.warehouse),
            self.clock,
            on_publish=self.worker.wake,
            chance=lambda: 0.0,
        )
        self._runner = Runner([self.writer, self.worker, self.watch, self.scheduler])
        await self._runner.initialize()
        await self.settle()

    async def close(self) -> None:
        """Stop the desk."""
        await self._runner.close()
        self.desk.close()

    async def restart(self) -> None:
        """A desk that is stopped and started again."""
        await self.close()
        await self.open()

    async def step(self, seconds: float) -> None:
        """Set the clock forward and do what is to be done by then."""
        before, connected = len(self.upstreams.served.requests), len(self._connects)
        self.now += timedelta(seconds=seconds)
        await asyncio.to_thread(self.scheduler.tick)
        await self.watch.look()
        await self.settle()
        for line in self.upstreams.served.requests[before:]:
            side = "sec" if line.split()[1].startswith(SEC_PATHS) else "foundry"
            self.minutes[f"{self.now:%H:%M} {side}"] += 1
        if len(self.upstreams.served.requests) == before:  # nobody was there to count
            self.minutes[f"{self.now:%H:%M} refused"] += len(self._connects) - connected

    async def settle(self) -> None:
        """Until nothing runs and nothing is due."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self.worker.wake()
                await asyncio.sleep(0.02)
                jobs = self.desk.queue.find([JobStatus.RUNNING, JobStatus.QUEUED], limit=100)
                live = [j for j in jobs if j.status is JobStatus.RUNNING or j.run_at <= self.now]
                if not live and not self.worker.busy:
                    return

    async def until(self, instant: datetime, seconds: float = 5.0) -> None:
        """Steps up to an instant."""
        while self.now < instant:
            await self.step(min(seconds, (instant - self.now).total_seconds()))

    def fail(self, *names: str) -> None:
        """Switch faults of the stand-ins on; none: all are well."""
        served = self.upstreams.served
        served.faults = {name for name in names if not name.startswith("sec-")}
        served.sec.faults[:] = [Fault(name) for name in names if name.startswith("sec-")]

    def break_off(self, how: str) -> None:
        """Let both upstreams answer 503, or refuse every connection."""
        if how == "refused":
            self.upstreams.refuse()
        else:
            self.fail("ws-503", "sec-503")

    def come_back(self, how: str) -> None:
        """All is well again."""
        if how == "refused":
            self.upstreams.listen()
        self.fail()

    def answered(self, due: datetime = DUE) -> set[str]:
        """Datasets whose window at an instant has a good pull."""
        found = self.desk.warehouse.read(
            "SELECT DISTINCT dataset FROM pulls WHERE due_at = ?"
            " AND state IN ('done', 'unchanged', 'partial') AND owed IS NOT TRUE",
            [due],
        )
        return set(found["dataset"].to_list())

    async def told(self, *kinds: str, count: int = 0) -> list[dict[str, Any]]:
        """Events of these kinds, oldest first, once there are so many."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = feed.following(self.desk, feed.chosen(kinds), "")
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.02)

    def datasets(self) -> set[str]:
        """All datasets of the catalogue."""
        return set(self.desk.catalogue.datasets)


def rows(last: bytes = b"2,2.5") -> dict[str, bytes]:
    """What the container serves."""
    return dict.fromkeys(FOUNDRY, b"n,value\n1,1.5\n" + last + b"\n")
