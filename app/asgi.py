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

from app import address, table_bytes, theme_message, tuning
from app.api import main as api
from app.run import open_patiently
from core import service, settings
from core.observe import logs

GC_SECONDS = 30.0
on_open: list[Callable[[service.Desk], None]] = []  # called before the engine starts
log = logs.get("asgi")


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Open the desk, start its engine, say where it listens; undo all of it at the end."""
    chosen = settings.load()
    logs.configure(chosen.log_format, chosen.log_level)
    desk = await anyio.to_thread.run_sync(open_patiently, chosen)
    stop, thresholds = threading.Event(), gc.get_threshold()
    try:
        for function in on_open:
            await anyio.to_thread.run_sync(function, desk)
        desk.start(scheduler=chosen.scheduler)
        service.use(desk)
        port = chosen.port
        address.announce(chosen.data_dir, chosen.host, port)
        tuning.collect_seldom()
        threading.Thread(target=_collect, args=(stop,), name="gc", daemon=True).start()
        log.info("desk open", pid=os.getpid(), data_dir=str(chosen.data_dir))
        yield
    finally:
        stop.set()
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        address.withdraw(chosen.data_dir)
        service.use(None)
        await anyio.to_thread.run_sync(desk.close)
        log.info("desk closed")


def _collect(stop: threading.Event) -> None:
    """Collect garbage on a timer: doing it after every page run would stall all sessions."""
    while not stop.wait(GC_SECONDS):
        gc.collect()


def landing(request: Request) -> RedirectResponse:
    """The landing page stands at `/` alone; its own name leads there with the view kept."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{query}", status_code=307)


theme_message.remember()
table_bytes.remember()
app = st.App(
    Path(__file__).with_name("dashboard.py"),
    lifespan=lifespan,
    routes=[Mount("/api", app=api.create()), Route("/overview", landing)],
)
