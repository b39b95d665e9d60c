"""The ASGI application: pages, API and engine in one process on one port.

`uvicorn app.asgi:app` runs it; `python -m app serve` does so with the desk's settings. The
lifespan opens the desk exactly once, before any browser session.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

import core.service.everything  # noqa: F401 - registers what can be asked for
from app import address, gate, senders, streamlit_patches, tuning
from app.api import callers, health
from app.api import main as api
from app.run import open_patiently
from core import settings
from core.errors import OpenbellError
from core.observe import logs
from core.service import current
from core.service.desk import Desk

GC_SECONDS = 30.0
on_open: list[Callable[[Desk], None]] = []  # called before the engine starts
log = logs.get("asgi")


class Handover:
    """What a command and the lifespan of its server leave for each other."""

    desk: Desk | None = None  # opened before the server, so that a refusal comes first
    error: OpenbellError | None = None  # what kept the desk from starting

    def take(self) -> Desk | None:
        """The desk that was left here, once."""
        desk, self.desk = self.desk, None
        return desk


handover = Handover()


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Open the desk, start its engine, say where it listens; undo all of it at the end."""
    try:
        chosen = settings.load()
        logs.configure(chosen.log_format, chosen.log_level)
        desk = handover.take() or await _opened(chosen)
    except OpenbellError as error:
        handover.error = error
        raise
    stop, thresholds = threading.Event(), gc.get_threshold()
    try:
        await _start(desk, chosen)
        threading.Thread(target=_collect, args=(stop,), name="gc", daemon=True).start()
        log.info("desk open", pid=os.getpid(), data_dir=str(chosen.data_dir))
        yield
    finally:
        stop.set()
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        address.withdraw(chosen.data_dir)
        current.use(None)
        await anyio.to_thread.run_sync(desk.close)
        for spared in (gate.log, senders.log, callers.log):
            spared.close()
        log.info("desk closed")


async def _opened(chosen: settings.Settings) -> Desk:
    return await anyio.to_thread.run_sync(open_patiently, chosen)


async def _start(desk: Desk, chosen: settings.Settings) -> None:
    """Start the engine and say where the desk listens."""
    try:
        for function in on_open:
            await anyio.to_thread.run_sync(function, desk)
        desk.start(scheduler=chosen.scheduler)
    except OpenbellError as error:
        handover.error = error
        raise
    current.use(desk)
    app.allow(chosen.allowed_hosts, listening=chosen.host)
    if not chosen.listens_here_only:
        log.warning(gate.EXPOSED, host=chosen.host, port=chosen.port)
    address.announce(chosen.data_dir, chosen.host, chosen.port)
    tuning.collect_seldom()


def _collect(stop: threading.Event) -> None:
    """Collect garbage on a timer: doing it after every page run would stall all sessions."""
    while not stop.wait(GC_SECONDS):
        gc.collect()


def landing(request: Request) -> RedirectResponse:
    """The landing page stands at `/` alone; its own name leads there with the view kept."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{query}", status_code=307)


async def pages(scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
    """Streamlit with the API in it; when the desk cannot start the server is told why, no more."""

    async def briefly(message: gate.Message) -> None:
        if message["type"] == "lifespan.startup.failed" and handover.error:
            message = {**message, "message": str(handover.error)}
        await send(message)

    await _streamlit(scope, receive, briefly if scope["type"] == "lifespan" else send)


streamlit_patches.install()
_streamlit = st.App(
    Path(__file__).with_name("dashboard.py"),
    lifespan=lifespan,
    routes=[
        Mount("/api", app=api.create()),
        Route("/overview", landing),
        Route("/metrics", health.metrics_at_root),
    ],
)
app = gate.Gate(senders.Bounded(pages))
