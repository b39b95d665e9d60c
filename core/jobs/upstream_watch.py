"""The watch over upstream hosts: asks those that are down for a sign of life, and when one is back
has everything pulled that is owed.

Half-open, one owed job goes first; when it is through, all others follow at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.domain import breaker as rules
from core.domain.breaker import Breaker
from core.errors import OpenbellError
from core.jobs.queue.port import Job, JobQueue, JobStatus
from core.observe import logs
from core.observe.events import DESK, Event, Recorder
from core.sources.upstreams import Upstream, Upstreams, told

log = logs.get("upstreams")
PULL = "pull"
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Owing:
    """The jobs that wait for hosts: `hosts` says of a dataset whom it is asked of."""

    queue: JobQueue
    hosts: Callable[[str], Upstream | None]
    wake: Callable[[], None]

    def of(self, host: Upstream, status: JobStatus = JobStatus.QUEUED) -> list[Job]:
        """Queued (or running) pulls of a host, the one that was tried longest ago first."""
        found = self.queue.find([status], event_name=PULL, limit=10_000)
        mine = [job for job in found if job.lane and self.hosts(job.lane) == host]
        return sorted(mine, key=lambda job: job.updated_at)

    def hurry(self, jobs: list[Job]) -> None:
        """Have jobs done now."""
        if jobs:
            self.queue.hurry([job.id for job in jobs])
            self.wake()


class UpstreamWatch:
    """Looks at every host about once a second; a `Resource` of the runner.

    `recorder` gets one *down* and one *up* for each outage that begins or ends while it looks,
    whichever process noticed first.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        probe: Callable[[Upstream], Awaitable[None]],
        owing: Owing,
        recorder: Recorder,
        now: Callable[[], datetime],
        *,
        every_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._upstreams = upstreams
        self._probe = probe
        self._owing = owing
        self._events = recorder
        self._now = now
        self._every = every_seconds
        self._known: dict[str, Breaker] = {}
        self._turns: dict[str, int] = {}  # how often a job was let find out
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def known(self) -> Mapping[str, Breaker]:
        """The breakers as the last look saw them, by name."""
        return dict(self._known)

    async def initialize(self) -> None:
        """Learn where things stand, then start looking."""
        self._loop = asyncio.get_running_loop()
        self._known = {host.name: self._upstreams.breaker(host) for host in self._upstreams.hosts}
        for host in self._upstreams.hosts:  # what changed while nobody looked is told now
            self._tell_state(host, self._known[host.name])
        self._upstreams.on_change = self._noticed
        self._task = asyncio.create_task(self._look_for_ever(), name="upstreams")

    async def close(self) -> None:
        """Stop looking."""
        self._upstreams.on_change = lambda *_: None
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Look at every host once, side by side: a host that hangs holds up no other."""
        await asyncio.gather(*(self._look_at(host) for host in self._upstreams.hosts))

    async def _look_at(self, host: Upstream) -> None:
        breaker = await self._upstreams.look(host, lambda: self._probe(host))
        if breaker.state == "half-open" and not breaker.is_busy(self._now()):
            breaker = await self._try_one(host)
        before = self._known.get(host.name, Breaker())
        self._known[host.name] = breaker
        await self._tell(host, before, breaker)

    async def _try_one(self, host: Upstream) -> Breaker:
        """Let one owed job find out, each in its turn: one may be broken and all others well.

        With none owed, the sign of life must do.
        """
        owed = await asyncio.to_thread(self._owing.of, host)
        if owed:
            chosen = min(owed, key=lambda job: self._turns.get(job.id, 0))
            self._turns = {job.id: self._turns.get(job.id, 0) for job in owed}
            self._turns[chosen.id] += 1
            await asyncio.to_thread(self._owing.hurry, [chosen])
        elif not await asyncio.to_thread(self._owing.of, host, JobStatus.RUNNING):
            return await self._upstreams.change(
                host, lambda known: rules.answered(known, self._now())
            )
        return self._upstreams.breaker(host)

    async def _tell(self, host: Upstream, before: Breaker, after: Breaker) -> None:
        if before.since is None and after.since is not None:
            self._tell_state(host, after)
        if before.since is not None and after.since != before.since:
            if after.since is None:
                self._tell_state(host, after)
            owed = await asyncio.to_thread(self._owing.of, host)
            await asyncio.to_thread(self._owing.hurry, owed)

    def _tell_state(self, host: Upstream, known: Breaker) -> None:
        """Down or up; said again it is no news."""
        if known.since is None:
            sentence = f"{host.label} is back; pulling what is owed"
            self._events.record(Event.of("upstream.up", host.name, sentence, who=DESK))
            return
        after = {"since": known.since.isoformat(), "error": known.last_error}
        event = Event.of("upstream.down", host.name, told(host, known), who=DESK, after=after)
        self._events.record(event)

    def _noticed(self, host: Upstream, before: Breaker, after: Breaker) -> None:
        """A change made in this process: look now. Called from any loop's thread."""
        loop = self._loop
        if before.state != after.state and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._changed.set)

    async def _look_for_ever(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self.look()
            except OpenbellError as error:  # a full disk must not end the watch
                log.error("upstreams not looked at", error=str(error))
            except Exception:
                log.exception("watch failed")
            try:
                await asyncio.wait_for(self._changed.wait(), self._every)
            except TimeoutError:
                continue
