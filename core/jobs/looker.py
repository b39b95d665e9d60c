"""Looks again and again whether there is something to do: one task for each thing looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import OpenbellError
from core.observe import logs

log = logs.get("looker")


@dataclass(frozen=True, slots=True)
class TimedLook:
    """A function that looks and does what is to be done, so many seconds apart, in a thread."""

    name: str
    function: Callable[[], None]
    seconds: float


class Looker:
    """A `Resource` of the runner. A look that fails is told once until it has worked again."""

    def __init__(self, looks: Sequence[TimedLook]) -> None:
        self._looks = tuple(looks)
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, str] = {}

    async def initialize(self) -> None:
        """Start looking."""
        self._tasks = [
            asyncio.create_task(self._for_ever(look), name=f"look-{look.name}")
            for look in self._looks
        ]

    async def close(self) -> None:
        """Stop looking; a look under way is finished."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _for_ever(self, look: TimedLook) -> None:
        while True:
            work = asyncio.ensure_future(asyncio.to_thread(self._try, look))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                await work  # a thread cannot be stopped, and may be writing
                raise
            await asyncio.sleep(look.seconds)

    def _try(self, look: TimedLook) -> None:
        try:
            look.function()
        except OpenbellError as error:
            self._fails(look.name, str(error))
        except Exception as error:  # one that ends would be silence
            if self._failing.get(look.name) != repr(error):
                log.exception("look failed", look=look.name)
            self._failing[look.name] = repr(error)
        else:
            self._failing.pop(look.name, None)

    def _fails(self, name: str, why: str) -> None:
        if self._failing.get(name) != why:
            log.error("look failed", look=name, error=why)
        self._failing[name] = why
