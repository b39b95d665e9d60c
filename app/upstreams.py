"""The stand-in upstreams as one server: the Foundry container and the SEC on one port.

Simulated by seed, or a replay of captured files. Prints one JSON line with the addresses, then
serves until it is stopped or the process that started it is gone.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from core import clock, settings
from core.errors import UsageError
from core.sandbox.clock import Clock
from core.sandbox.foundry.fault_names import FOUNDRY as FOUNDRY_FAULTS
from core.sandbox.foundry.server import FoundrySandbox
from core.sandbox.sec.server import FAULTS as SEC_FAULTS
from core.sandbox.sec.server import Fault, SecSandbox


@dataclass(frozen=True, slots=True)
class World:
    """What the stand-ins serve: rows for the container, documents for the SEC, companies."""

    datasets: Any
    documents: Any
    companies: Sequence[int]
    simulated: bool


class StandIns(FoundrySandbox):
    """The container with the SEC's paths beside its own."""

    def __init__(
        self,
        world: World,
        faults: Sequence[str] = (),
        now: Clock = clock.running(),  # noqa: B008 - a function, the same for all
    ) -> None:
        foundry, sec = _split(faults)
        super().__init__(world.datasets, faults=foundry, now=now)
        self.sec = SecSandbox(world.documents, max_per_second=None, faults=sec)

    def app(self) -> web.Application:
        """Both stand-ins in one application."""
        app = super().app()
        app.router.add_route("GET", "/{path:.*}", self.sec.answer)
        return app

    @property
    def sec_url(self) -> str:
        """The address for both SEC settings."""
        return self.url.rpartition("/")[0]


def _split(names: Sequence[str]) -> tuple[list[str], list[Fault]]:
    unknown = [n for n in names if n not in FOUNDRY_FAULTS and n not in SEC_FAULTS]
    if unknown:
        every = ", ".join([*FOUNDRY_FAULTS, *SEC_FAULTS])
        raise UsageError(f"there is no fault {unknown[0]!r}", hint=f"there are: {every}")
    sec = [Fault(name) for name in names if name in SEC_FAULTS]
    return [name for name in names if name in FOUNDRY_FAULTS], sec


def world(seed: int, replay: Path | None, now: Clock, *, past: bool = False) -> World:
    """The simulated world of a seed as the clock runs, or the captured one of a folder.

    Captures are served whole, or (`past`) with nothing in them that is later than the clock.
    """
    if replay is not None:
        from core.sandbox.replay import ReplayDatasets
        from core.sandbox.sec.replay import ReplayProvider

        until = now if past else None
        documents = ReplayProvider(replay, until=until)
        datasets = ReplayDatasets(replay, until=until)
        return World(datasets, documents, documents.companies(), simulated=False)
    from core.sandbox.companies.filings_provider import SimulatedFilings
    from core.sandbox.market.datasets import SimulatedDatasets

    simulated = SimulatedFilings(seed, now)
    simulated.warm()  # rather than during the first request, which has a deadline
    return World(SimulatedDatasets(seed, now), simulated, simulated.companies(), simulated=True)


def run(
    *, port: int, seed: int, replay: Path | None, faults: Sequence[str], with_parent: bool
) -> None:
    """Serve until stopped; UsageError when the port is taken or a fault is unknown."""
    offset = settings.load().clock_offset_seconds
    now = clock.running(offset)
    served = StandIns(world(seed, replay, now, past=bool(offset)), faults, now)
    companies = list(world_companies(served))
    try:
        asyncio.run(_serve(served, port, companies, with_parent=with_parent))
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", hint="choose another with --port"
        ) from None


def world_companies(served: StandIns) -> Sequence[int]:
    """CIKs that the stand-in SEC has facts of."""
    companies: Sequence[int] = served.sec.documents.companies()  # type: ignore[attr-defined]
    return companies


async def _serve(served: StandIns, port: int, companies: list[int], *, with_parent: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await served.start(port=port)
    line = {"foundry_url": served.url, "sec_url": served.sec_url, "companies": companies}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    if with_parent:
        threading.Thread(target=_until_parent_is_gone, args=(loop, stop), daemon=True).start()
    await stop.wait()
    await served.stop()


def _until_parent_is_gone(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """A demo that is killed closes our standard input: then nobody needs us any more."""
    sys.stdin.read()
    loop.call_soon_threadsafe(stop.set)
