"""The registry of job handlers: what the worker runs for each event name.

    @handler("grade", after=("facts", "filings"))
    async def grade(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]: …

`after` names tables: when a pull has changed one of them, the job is queued by itself. Handlers
are idempotent, and do heavy work in threads so that the engine's loop stays free.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from core.domain.access.principals import ENGINE
from core.jobs.queue.port import Job, Message
from core.jobs.worker import Context
from core.observe import logs, work
from core.service.kernel import access
from core.service.kernel.port import DeskPort

Result = Mapping[str, Any] | None
DeskHandler = Callable[[Any, Job, Context], Awaitable[Result]]  # of a desk
HANDLERS: dict[str, DeskHandler] = {}
FOLLOW_UPS: dict[str, list[str]] = {}


def handler(event_name: str, *, after: Sequence[str] = ()) -> Callable[[DeskHandler], DeskHandler]:
    """Register a coroutine function as the handler of an event."""

    def register(function: DeskHandler) -> DeskHandler:
        HANDLERS[event_name] = function
        for table in after:
            FOLLOW_UPS.setdefault(table, []).append(event_name)
        return function

    return register


def bound(desk: DeskPort) -> dict[str, Callable[[Job, Context], Awaitable[Result]]]:
    """The handlers as the worker wants them, for one desk."""
    return {name: _bind(desk, name, function) for name, function in HANDLERS.items()}


def _bind(
    desk: DeskPort, name: str, function: DeskHandler
) -> Callable[[Job, Context], Awaitable[Result]]:
    @work.measured(work.JOBS, name)
    async def run(job: Job, context: Context) -> Result:
        with access.acting(ENGINE):
            return await function(desk, job, context)

    return run


def publish_follow_ups(desk: DeskPort, tables: Sequence[str], pull_id: str) -> list[str]:
    """Queue what follows from changed tables, each event once; the event names."""
    events = list(dict.fromkeys(e for table in tables for e in FOLLOW_UPS.get(table, ())))
    payload = {"pull_id": pull_id, "correlation_id": logs.correlation_id()}
    desk.queue.publish_many(
        [
            # one that runs already may have read the tables before they changed
            Message(event, {**payload, "lane": event}, f"after:{event}", behind_running=True)
            for event in events
        ]
    )
    if events:
        desk.wake()
    return events
