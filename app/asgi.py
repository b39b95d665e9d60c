"""The ASGI application: pages, API and engine in one process on one port.

`uvicorn app.asgi:app` runs it; `python -m app serve` does so with the desk's settings. The
lifespan opens the desk exactly once, before any browser session.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

import core.service.everything  # noqa: F401 - registers what can be asked for
from app import address, beneath, frame, gate, senders, streamlit_patches, tuning
from app.api import callers, health
from app.api import main as api
from app.doors import counters, readers, sign_in
from app.doors import middleware as doors
from app.run import open_patiently
from core import __version__ as VERSION  # noqa: N812 - a constant here
from core import settings
from core.domain.access.principals import ENGINE
from core.errors import OpenbellError
from core.observe import logs, traces
from core.observe.loop_watch import LoopWatch
from core.service import current
from core.service.activity import at_start
from core.service.care import places
from core.service.desk import Desk
from core.service.kernel import access

if TYPE_CHECKING:
    from core.service.cluster.leadership import Leadership
    from core.store.lease import Lease

GC_SECONDS = 30.0
FLUSH_SECONDS = 300.0
log = logs.get("asgi")


class DeskApp(gate.Gate):
    """Pages, API and engine behind the gate.

    The desk is opened exactly once, when the server starts; `error` then says what kept it from
    starting. `desk` is one that was opened before, so that a refusal comes before the server.
    """

    def __init__(
        self,
        chosen: settings.Settings | None,
        on_open: Sequence[Callable[[Desk], None]],
        desk: Desk | None,
    ) -> None:
        self.error: OpenbellError | None = None
        self.house: doors.House | None = None
        self._stop_tracing: Callable[[], None] = lambda: None
        self._chosen, self._on_open, self._desk = chosen, on_open, desk
        self._streamlit = st.App(
            Path(__file__).with_name("dashboard.py"),
            lifespan=self.lifespan,
            routes=[
                Route("/overview", landing),
                Route("/metrics", health.metrics_at_root),
                *sign_in.routes(lambda: self.house),
                *frame.routes(),
            ],
        )
        self._framed = beneath.Beneath(frame.Framed(self._streamlit))
        self._api = api.served()
        super().__init__(senders.Bounded(doors.Doors(self._pages, lambda: self.house)))

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Open the desk, start its engine, say where it listens; undo all of it at the end."""
        try:
            chosen = self._chosen or settings.load()
            settings.must_be_guarded(chosen)
            places.must_be_known(chosen)
            sinks = _error_sink(chosen)
            logs.configure(chosen.log_format, chosen.log_level, chosen.log_output, sinks)
            self._stop_tracing = traces.start(chosen.otlp_url, chosen.trace_file)
            desk = self._desk
            if desk is None and chosen.role != "engine":
                desk = await _opened(chosen)
        except OpenbellError as error:
            self.error = error
            raise
        self._desk = None  # once
        stop, thresholds = threading.Event(), gc.get_threshold()
        watch = LoopWatch("server")
        leadership: Leadership | None = None
        try:
            if desk is not None:
                await anyio.to_thread.run_sync(self._begin, desk, chosen)
            else:
                leadership = self._compete(chosen)
            threading.Thread(target=_collect, args=(stop,), name="gc", daemon=True).start()
            threading.Thread(
                target=_keep_last_use, args=(stop,), name="access", daemon=True
            ).start()
            await watch.initialize()
            log.info("desk open", pid=os.getpid(), data_dir=str(chosen.data_dir), role=chosen.role)
            yield
        finally:
            stop.set()
            await watch.close()
            gc.unfreeze()
            gc.set_threshold(*thresholds)
            if leadership is not None:
                await anyio.to_thread.run_sync(leadership.close)
            elif desk is not None:
                await anyio.to_thread.run_sync(self._end, desk, chosen)
            current.use(None)
            for spared in (gate, doors, senders, callers, counters, sign_in):
                spared.log.close()
            log.info("desk closed")
            await anyio.to_thread.run_sync(self._stop_tracing)

    def _compete(self, chosen: settings.Settings) -> Leadership:
        """Lead when the lease is free, with a desk that is opened then; stand by until then."""
        from core.service.cluster.leadership import STANDS_BY, Leadership
        from core.service.cluster.outreach import Outreach

        def lead(lease: Lease) -> Desk:
            desk = Desk.open(chosen, lease=lease)
            try:
                self._begin(desk, chosen)
            except BaseException:
                self._end(desk, chosen)
                raise
            return desk

        def leave(desk: Desk) -> None:
            self._end(desk, chosen)
            current.use(None, STANDS_BY)

        assert chosen.lake is not None  # the settings see to it
        current.use(None, STANDS_BY)
        reach = Outreach(chosen)
        leadership = Leadership(chosen.lake, lead, leave, reach, reach.close)
        leadership.start()
        return leadership

    def _end(self, desk: Desk, chosen: settings.Settings) -> None:
        """Say no more where the desk listens, and close it."""
        address.withdraw(chosen.data_dir)
        current.use(None)
        self.house = None
        desk.close()

    def _begin(self, desk: Desk, chosen: settings.Settings) -> None:
        """Start the engine and say where the desk listens."""
        try:
            if desk.relay is None:
                with access.acting(ENGINE):
                    for function in self._on_open:
                        function(desk)
                    at_start.tell(desk)
            desk.start(scheduler=chosen.scheduler)
        except OpenbellError as error:
            self.error = error
            raise
        current.use(desk)
        self.house = doors.house(desk)
        readers.install(self.house.open)
        self.allow(chosen.allowed_hosts, chosen.host, chosen.workspace_origins)
        if not chosen.listens_here_only:
            log.warning(gate.EXPOSED, host=chosen.host, port=chosen.port)
        address.announce(chosen.data_dir, chosen.host, chosen.port)
        tuning.collect_seldom()

    async def _pages(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        """The API by itself, all else with Streamlit's layers around, which would double its time.

        A server whose desk cannot start is told why, no more.
        """
        if scope["type"] != "lifespan" and scope["path"].startswith("/api/"):
            await self._api(scope, receive, send)
            return

        async def briefly(message: gate.Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self.error:
                message = {**message, "message": str(self.error)}
            await send(message)

        await self._framed(scope, receive, briefly if scope["type"] == "lifespan" else send)


def create(
    chosen: settings.Settings | None = None,
    on_open: Sequence[Callable[[Desk], None]] = (),
    *,
    desk: Desk | None = None,
) -> DeskApp:
    """The application of a desk; without settings they are loaded when the server starts.

    `on_open` is called with the open desk before its engine starts.
    """
    streamlit_patches.install()
    return DeskApp(chosen, on_open, desk)


def __getattr__(name: str) -> DeskApp:
    """`app`, for a server that is told `app.asgi:app`, made when it is asked for."""
    if name == "app":
        return create()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _error_sink(chosen: settings.Settings) -> list[logging.Handler]:
    """Where errors go beside the log; nothing of it is imported without an address."""
    if chosen.error_sink is None:
        return []
    from core.observe.error_sink import ErrorSink

    return [ErrorSink(chosen.error_sink.get_secret_value(), chosen.environment, VERSION)]


async def _opened(chosen: settings.Settings) -> Desk:
    return await anyio.to_thread.run_sync(open_patiently, chosen)


def _collect(stop: threading.Event) -> None:
    """Collect garbage on a timer: doing it after every page run would stall all sessions."""
    while not stop.wait(GC_SECONDS):
        gc.collect()


def _keep_last_use(stop: threading.Event) -> None:
    """Keep when tokens were used last, now and then: each time is a commit to the store."""
    while not stop.wait(FLUSH_SECONDS):
        if desk := current.desk_or_none():
            desk.roster.flush()


def landing(request: Request) -> RedirectResponse:
    """The landing page stands at `/` alone; its own name leads there with the view kept."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{query}", status_code=307)
