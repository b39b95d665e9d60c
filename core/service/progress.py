"""Whom a long use case tells how far it has come, where its caller wants to know.

Whoever watches calls `told_to(hook)` around the call; use cases that take long ask for `current()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Told = Callable[[str, float], None]
"""Takes how far it has come in words, and in percent from 0 to 100."""


def _nobody(_text: str, _percent: float) -> None:
    """Nobody wants to know."""


_hook: ContextVar[Told] = ContextVar("progress", default=_nobody)


def current() -> Told:
    """The caller's hook; one that does nothing where there is none."""
    return _hook.get()


@contextmanager
def told_to(hook: Told) -> Iterator[None]:
    """Let use cases called inside tell this hook, in their thread."""
    token = _hook.set(hook)
    try:
        yield
    finally:
        _hook.reset(token)
