"""Services of one event loop: opened in order, closed in reverse, in a thread or under asyncio.run.

Nothing starts by being imported or constructed: `initialize()` opens, `close()` lets go.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Protocol

from core.errors import OpenbellError
from core.observe import logs

log = logs.get("runner")


class Resource(Protocol):
    """Something with a life of its own on the loop: a worker, a scheduler, a detector."""

    async def initialize(self) -> None:
        """Open; raising means that nothing is left open."""
        ...

    async def close(self) -> None:
        """Let go of everything; called once, also after a failure elsewhere."""
        ...


class Runner:
    """Opens resources in order and closes them in reverse: `async with Runner([a, b]): …`."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = tuple(resources)
        self._open: list[Resource] = []

    async def initialize(self) -> None:
        """Open all; when one fails, those before it are closed again and the error goes on."""
        try:
            for resource in self._resources:
                await resource.initialize()
                self._open.append(resource)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close what is open in reverse; every one gets its turn, the first error is raised."""
        errors: list[Exception] = []
        while self._open:
            resource = self._open.pop()
            try:
                await resource.close()
            except Exception as error:
                log.exception("close failed", resource=type(resource).__name__)
                errors.append(error)
        if errors:
            raise errors[0]

    async def __aenter__(self) -> Runner:
        await self.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, stop: asyncio.Event) -> None:
        """Stay open until `stop` is set."""
        async with self:
            await stop.wait()


class Engine:
    """A runner in a thread with a loop of its own, so that no page waits for a job.

    `start()` returns when all resources are open and raises what kept them from it; `close()`
    returns when all are closed. Both are harmless when there is nothing to do.
    """

    def __init__(self, resources: Sequence[Resource], name: str = "engine") -> None:
        self._resources = tuple(resources)
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread and wait until everything is open."""
        if self.alive:
            return
        self._ready.clear()
        self._error = None
        self._thread = threading.Thread(target=self._main, name=self._name, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def close(self) -> None:
        """Close everything and end the thread."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None:
            return
        if loop is not None and stop is not None and thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        self._thread = None
        if self._error is not None:
            raise self._error

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
            if not isinstance(error, OpenbellError):
                log.exception("engine failed")
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with Runner(self._resources):
            self._ready.set()
            await self._stop.wait()
