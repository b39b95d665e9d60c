"""Who calls the API: tokens, slower answers to wrong ones, and callers that go away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from fastapi import Header, Request
from starlette.datastructures import URL

from app.doors import credentials
from app.doors.credentials import CALLER, Visitor
from app.doors.limits import Pauses
from core.domain.access.principals import Principal
from core.errors import AccessError
from core.observe.sparing import Sparing
from core.service import calloff, current

Answer = TypeVar("Answer")
log = Sparing("api")


_pauses = Pauses()


async def authorised(
    request: Request, authorization: str = Header(default="", include_in_schema=False)
) -> Principal:
    """Who calls; calls of nobody are refused, ever more slowly, and who counts never waits.

    A browser that has signed in may read; what changes something needs a token in the request.
    """
    caller: Visitor = request.scope.get(CALLER) or credentials.of(request.scope, current.desk())
    reads = request.method in ("GET", "HEAD")
    if caller.who is not None and (caller.bearer or reads):
        return caller.who
    log.warning("wrong credentials refused", client=caller.address, given=bool(authorization))
    await anyio.sleep(_pauses.next())
    raise AccessError(
        "the API needs a token",
        hint="send Authorization: Bearer TOKEN; that of this machine is in desk.json in the data "
        "folder, others are made with: token add",
    )


def address_of(request: Request) -> URL:
    """The address that was asked for, as the caller knows it: a proxy in front may speak TLS."""
    caller: Visitor | None = request.scope.get(CALLER)
    secure = caller is not None and caller.secure
    return request.url.replace(scheme="https") if secure else request.url


async def refused_late(what: str) -> None:
    """Wait before a call of nobody is refused, ever longer."""
    log.warning(what)
    await anyio.sleep(_pauses.next())


async def while_there(request: Request, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of some work, called off when the one who asked for it goes away.

    The body must have been read: what is received after it is that the client has gone.
    """
    switch = calloff.CallOff()

    async def watch() -> None:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            # ending takes a lock that the work may hold for a moment
            await anyio.to_thread.run_sync(switch.call_off)

    answers: list[Answer] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            with calloff.call_off_with(switch):
                answers.append(await work())
        except Exception as error:  # noqa: BLE001 - raised below, outside the group as itself
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return answers[0]
