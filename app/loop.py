"""The event loop of the server: a burst of calls from other threads wakes it once.

`fresh` is uvloop's where there is one: it does that too, and writes what a session gets in one go.
Elsewhere `QuietLoop` stands in.

A page run hands some thirty messages over to the loop, each with a call of its own, and each call
would write to a socket to wake the loop: two threads then fight for the interpreter lock at every
message. Here the first call wakes the loop; those of the next few milliseconds find it due to
wake by itself. A single call is as fast as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, Unpack

try:
    import uvloop
except ImportError:  # not made for every system
    uvloop = None  # type: ignore[assignment]

Ts = TypeVarTuple("Ts")
WINDOW_SECONDS = 0.003  # Streamlit sends what a page has drawn every 5 ms anyway


class QuietLoop(asyncio.SelectorEventLoop):
    """A selector loop whose calls from other threads share a wake-up."""

    _due = False  # wakes by itself within the window

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Queue a call from any thread; RuntimeError when the loop is closed."""
        if self.get_debug():  # there `call_soon` refuses other threads
            return super().call_soon_threadsafe(callback, *args, context=context)
        # first queue, then look: a loop that is still due at the look runs after the queueing
        handle = self.call_soon(callback, *args, context=context)
        if not self._due:
            super().call_soon_threadsafe(self._open)
        return handle

    def _open(self) -> None:
        if not self._due:
            self._due = True
            self.call_later(WINDOW_SECONDS, self._shut)

    def _shut(self) -> None:
        self._due = False


def fresh() -> asyncio.AbstractEventLoop:
    """A new loop for the server, the fastest there is on this system."""
    return QuietLoop() if uvloop is None else uvloop.new_event_loop()
