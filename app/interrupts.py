"""Ctrl-C and SIGTERM: the first calls a command off, the second ends it at once.

Loaded before all else, so that an interrupt is a sentence from the first moment on. What a library
swallows, as DuckDB does while it prepares a query, is raised again.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)
UNHEARD = (signal.default_int_handler, signal.SIG_DFL)  # else ignored, as who started us may want
Handler = Callable[[int, object], None] | signal.Handlers
SWALLOWED_SECONDS = 0.5  # how long an interrupt that nobody handles may be on its way
_owed = False
_again = False
_held = False


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
    """KeyboardInterrupt until somebody acts on it; from now on a signal ends the process."""
    global _owed  # noqa: PLW0603 - there is one process
    _owed = True
    hear(list(SIGNALS), _at_once)
    if _held:
        return
    _thread.start_new_thread(_see_to_it, ())  # takes no lock, which the main thread may hold
    raise KeyboardInterrupt


def check() -> None:
    """KeyboardInterrupt when there was one before that nobody has acted on; told once."""
    global _owed  # noqa: PLW0603
    if _owed:
        _owed = False
        raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """A first interrupt that comes meanwhile is raised at the end: what was begun is known by then.

    A second one ends the process at once, as ever.
    """
    global _held  # noqa: PLW0603
    _held = True
    try:
        yield
    finally:
        _held = False
    check()


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


def _see_to_it() -> None:
    """Raise the interrupt again as often as it is swallowed."""
    global _again  # noqa: PLW0603
    while _owed:
        time.sleep(SWALLOWED_SECONDS)
        if _owed and not _handled():
            _again = True
            os.kill(os.getpid(), signal.SIGINT)


def _handled() -> bool:
    """Whether the main thread is in an `except`, a `finally` or the end of a `with`."""
    main = threading.main_thread().ident
    found: object = sys._current_exceptions().get(main or 0)
    return found not in (None, (None, None, None))  # the latter until Python 3.12


def _at_once(*_: object) -> None:
    global _again  # noqa: PLW0603
    if _again:
        _again = False
        raise KeyboardInterrupt
    os.write(2, b"ended at once; the next start undoes what was half done\n")
    os._exit(1)
