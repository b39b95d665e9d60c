"""Ctrl-C and SIGTERM: the first calls a command off, the second ends it at once.

Loaded before all else, so that an interrupt is a sentence from the first moment on. What a library
that is being loaded swallows is raised again where the command can bear it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
UNHEARD = (signal.default_int_handler, signal.SIG_DFL)  # else ignored, as who started us may want
Handler = Callable[[int, object], None] | signal.Handlers
_owed = False


def ours() -> list[signal.Signals]:
    """The signals that nobody has told to be ignored."""
    return [number for number in SIGNALS if signal.getsignal(number) in UNHEARD]


def hear(numbers: list[signal.Signals], handler: Handler) -> None:
    """Have signals do something else from now on."""
    for number in numbers:
        signal.signal(number, handler)


def nothing_begun(*_: object) -> None:
    """End the process while it is being loaded."""
    os.write(2, b"called off before anything had begun\n")
    os._exit(1)  # an exception would end up in whatever is being imported


def call_off(*_: object) -> None:
    """KeyboardInterrupt; from now on a signal ends the process."""
    global _owed  # noqa: PLW0603 - there is one process
    _owed = True
    hear(list(SIGNALS), _at_once)
    raise KeyboardInterrupt


def check() -> None:
    """KeyboardInterrupt when there was one before that nobody has acted on; told once."""
    global _owed  # noqa: PLW0603
    if _owed:
        _owed = False
        raise KeyboardInterrupt


@contextmanager
def as_such() -> Iterator[None]:
    """An interrupt that the store's engine made an error of its own is raised as what it was.

    DuckDB says `RuntimeError: Query interrupted` and drops the exception that it was given.
    """
    try:
        yield
    except RuntimeError:
        check()
        raise


def heard() -> None:
    """An interrupt has reached whom it was for."""
    global _owed  # noqa: PLW0603
    _owed = False


def _at_once(*_: object) -> None:
    os.write(2, b"ended at once; the next start undoes what was half done\n")
    os._exit(1)
