"""The engine's side of the relay: what desks ask for is done once, as whoever asked, and answered.

That an ask was done stands in the first transaction that it commits. So when it is delivered again,
because its engine died before it answered, it is not done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import ENGINE
from core.errors import ConflictError, LostLeaseError, OpenbellError, UsageError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import logs
from core.service.kernel import access, wire
from core.service.kernel.asking import ACT
from core.service.kernel.handlers import handler
from core.service.kernel.kept_asks import asked
from core.service.kernel.relay import RELAYED, Relayed
from core.store import engine_acts as store

if TYPE_CHECKING:
    from core.service.desk import Desk

log = logs.get("relay")


@handler(ACT)
async def act(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Do what a desk asks for, and answer it."""
    return await asyncio.to_thread(_done, desk, str(job.payload.get("ask", "")))


def _done(desk: Desk, ask_id: str) -> dict[str, Any]:
    """The job's result; our errors are the desk's to hear, a lost lease is the next engine's."""
    assert desk.post is not None
    letters, seal = desk.post
    sealed = letters.take(ask_id)
    if sealed is None:
        return {"answered": False}  # by another delivery, or nobody waits any more
    ask = wire.loads(seal.off(sealed))
    if ask["id"] != ask_id:
        raise UsageError("an ask lies under another's number")
    answer: dict[str, Any] = {"id": ask_id}
    try:
        with asked(ask_id, ask["act"]):
            answer["value"] = _do(desk, ask)
        body = wire.dumps(answer)
    except LostLeaseError:
        raise
    except OpenbellError as error:
        if desk.warehouse.has_lost():  # or it cannot be known: whoever leads does it
            raise LostLeaseError(f"{ask['act']} is left to the engine that leads") from error
        log.info("an ask came to nothing", act=ask["act"], error=str(error))
        fault = (type(error).__name__, error.message, error.where, error.hint)
        body = wire.dumps({"id": ask_id, "error": fault})
    letters.answer(ask_id, seal.on(body))
    return {"answered": True}


def _do(desk: Desk, ask: Mapping[str, Any]) -> Any:
    done_at = store.done_at(desk.warehouse, ask["id"])
    if done_at is not None:
        raise ConflictError(
            f"{ask['act']} was done at {done_at:%H:%M:%S} UTC, but its engine ended before it said "
            "so",
            hint="look what came of it",
        )
    known = access.ACTIONS.get(ask["act"]) or RELAYED.get(ask["act"])
    if known is None:
        raise UsageError(
            f"this engine knows no {ask['act']}", hint="bring desk and engine to one version"
        )
    of_the_doors = isinstance(known, Relayed) and known.of_the_doors
    with access.acting(ENGINE if of_the_doors else ask["who"]):
        return known.function(desk, *ask["args"], **ask["named"])
