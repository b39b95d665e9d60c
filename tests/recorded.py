"""A recorder of events that keeps them in a list."""

from __future__ import annotations

import asyncio

from core.observe.events import Event

PATIENCE = 60  # seconds: it comes at once, but for a machine that is busy elsewhere


class Recorded:
    """What was told, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    async def until(self, count: int) -> list[tuple[str, str]]:
        """Kind and sentence of what was told, once it is so much."""
        async with asyncio.timeout(PATIENCE):
            while len(self.events) < count:
                await asyncio.sleep(0.01)
        return [(event.kind.name, event.message) for event in self.events]
