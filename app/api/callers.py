"""Who calls the API: the desk's token, slower answers to wrong ones, and callers that go away."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from fastapi import Header, Request

from app import address
from core.errors import AccessError
from core.observe.sparing import Sparing
from core.service import calloff, current

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 4.0  # seconds
FORGET_SECONDS = 60.0
Answer = TypeVar("Answer")
log = Sparing("api")


class Pauses:
    """How long the answer to a wrong token waits: twice as long each time, for a while."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._count = 0
        self._last = now()

    def next(self) -> float:
        """Seconds to wait after one more wrong token."""
        now = self._now()
        self._count = 0 if now - self._last > FORGET_SECONDS else self._count
        self._last = now
        pause = min(FIRST_PAUSE * 2.0 ** min(self._count, 10), LONGEST_PAUSE)
        self._count += 1
        return pause


_pauses = Pauses()


async def authorised(
    request: Request, authorization: str = Header(default="", include_in_schema=False)
) -> None:
    """Refuse calls without the desk's token, ever more slowly; the right one never waits."""
    expected = address.read(current.desk().settings.data_dir)
    given = authorization.removeprefix("Bearer ").strip()
    if expected is not None and secrets.compare_digest(given.encode(), expected.token.encode()):
        return
    client = request.client.host if request.client else None
    log.warning("wrong credentials refused", client=client, given=bool(given))
    await anyio.sleep(_pauses.next())
    raise AccessError(
        "the API needs the desk's token",
        hint="send Authorization: Bearer TOKEN; the token is in desk.json in the data folder",
    )


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
