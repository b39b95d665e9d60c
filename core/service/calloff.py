"""The switch of the caller for whom a use case works, where it has one.

Whoever may go away (a client of the API) calls `call_off_with(switch)` around the call; use cases
that can be ended half-way ask for `current()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.store.calloff import CallOff

__all__ = ["CallOff", "call_off_with", "current"]

_switch: ContextVar[CallOff | None] = ContextVar("calloff", default=None)


def current() -> CallOff | None:
    """The caller's switch."""
    return _switch.get()


@contextmanager
def call_off_with(switch: CallOff) -> Iterator[None]:
    """Let use cases called inside be ended by this switch; threads started inside see it too."""
    token = _switch.set(switch)
    try:
        yield
    finally:
        _switch.reset(token)
