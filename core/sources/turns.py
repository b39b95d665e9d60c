"""Turns: what only one machine at a time may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol


class Turns(Protocol):
    """Who asks for something is alone with it until the block is left."""

    def alone(self, what: str) -> AbstractAsyncContextManager[None]:
        """Entered when nobody else is at it; StoreError when that cannot be known."""
        ...


class OwnTurns:
    """The turns of a process that is alone: the queue runs one pull of a dataset at a time."""

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """See Turns."""
        yield
